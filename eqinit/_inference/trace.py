"""Facts from the computation: follow a call, and say what each parameter is."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from .._models.walk import find_sites
from .domain import Meaning
from .roles import Reader
from .rules import RULES
from .values import Kind, Value, constant
from .walker import walk


_ARRAYS = (jax.Array, np.ndarray, jax.ShapeDtypeStruct)


def follow(
    model: Any, call: Callable[..., Any], args: Sequence[Any]
) -> tuple[Any, Meaning, Reader]:
    sites = find_sites(model).parameters
    leaves, treedef = jtu.tree_flatten(model)
    numbers = {site.position: n for n, site in enumerate(sites)}
    rest = [
        i
        for i, leaf in enumerate(leaves)
        if i not in numbers and isinstance(leaf, jax.ShapeDtypeStruct)
    ]
    inputs, arg_def = jtu.tree_flatten(list(args))
    dynamic = [i for i, leaf in enumerate(inputs) if isinstance(leaf, _ARRAYS)]

    def flat(parameters: Any, others: Any, data: Any) -> Any:
        filled, given = list(leaves), list(inputs)
        for position, value in zip(
            (s.position for s in sites), parameters, strict=True
        ):
            filled[position] = value
        for position, value in zip(rest, others, strict=True):
            filled[position] = value
        for position, value in zip(dynamic, data, strict=True):
            given[position] = value
        out = call(
            jtu.tree_unflatten(treedef, filled), *jtu.tree_unflatten(arg_def, given)
        )
        return [leaf for leaf in jtu.tree_leaves(out) if eqx.is_array(leaf)]

    def abstract(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)

    parts = (
        [abstract(site.leaf) for site in sites],
        [leaves[i] for i in rest],
        [abstract(inputs[i]) for i in dynamic],
    )
    jaxpr = jax.make_jaxpr(flat)(*parts)
    meaning = Meaning(RULES)
    values: list[Value] = [
        *(meaning.parameter(n, tuple(s.leaf.shape)) for n, s in enumerate(sites)),
        *(constant(tuple(leaf.shape), None, ("buffer",)) for leaf in parts[1]),
        *(_input(meaning, leaf) for leaf in parts[2]),
    ]
    outs = walk(meaning, jaxpr, values)
    for out in outs:
        if out.kind == Kind.PARAMETER:
            meaning.as_data(out, (), "returned")
            continue
        meaning.note_curve(out)
        for track in out.tracks:
            meaning.end(track)
            meaning.fate(track).returned = True
    reader = Reader(
        meaning, [tuple(s.leaf.shape) for s in sites], [s.layer_path for s in sites]
    )
    return sites, meaning, reader


def _input(meaning: Meaning, leaf: Any) -> Value:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return constant(tuple(leaf.shape))
    return meaning.data(tuple(leaf.shape))
