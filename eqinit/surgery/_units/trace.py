"""Follow a call of a model, and see which axes run over the same units."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.tree_util as jtu
import numpy as np

from ..._inference.walker import walk
from ..._models.walk import is_parameter, model_of
from ..._parameters.paths import join, spell
from ..._typing import Shape
from .domain import Units, Value
from .factors import freeze
from .rules import RULES


class Held(NamedTuple):
    """One array of a model or of its state.

    - `position`: among the leaves of the tree.
    - `path`: dotted; those of a state begin with `state`.
    - `value`: what its axes run over.
    """

    position: int
    path: str
    value: Value


_ARRAYS = (jax.Array, np.ndarray, jax.ShapeDtypeStruct)


def leaf_paths(tree: Any) -> list[str]:
    """The path of each leaf, in order: that of the model, or `state` and a number."""
    model = model_of(tree)
    done: list[str] = []
    for part in [tree] if model is tree else tree:
        above = "" if part is model else "state"
        pairs, _ = jtu.tree_flatten_with_path(part)
        done += [join(above, spell(entries)) for entries, _ in pairs]
    return done


def follow(
    tree: Any, call: Callable[..., Any], args: Sequence[Any]
) -> tuple[Units, list[Held]]:
    """Trace `call(tree, *args)`, and walk what it does."""
    leaves, treedef = jtu.tree_flatten((tree, tuple(args)))
    paths = leaf_paths(tree)
    held = [i for i in range(len(paths)) if is_parameter(leaves[i])]
    given = [
        i
        for i, leaf in enumerate(leaves)
        if isinstance(leaf, _ARRAYS) and i not in set(held)
        if i >= len(paths) or isinstance(leaf, jax.ShapeDtypeStruct)
    ]
    inputs = [*held, *given]

    def flat(*values: Any) -> list[Any]:
        filled = list(leaves)
        for position, value in zip(inputs, values, strict=True):
            filled[position] = value
        tree, args = jtu.tree_unflatten(treedef, filled)
        return _outputs(call(tree, *args))

    shapes = [jax.ShapeDtypeStruct(leaves[i].shape, leaves[i].dtype) for i in inputs]
    jaxpr = jax.make_jaxpr(flat)(*shapes)
    units = Units(RULES)
    found = [
        Held(i, paths[i], units.parameter(n, _shape(leaves[i])))
        for n, i in enumerate(held)
    ]
    values = [one.value for one in found] + [
        units.data(_shape(leaves[i])) for i in given
    ]
    for out in walk(units, jaxpr, values):
        units.spend(out)
        for axis in out.axes:
            freeze(axis, "is an output of the call")
    return units, found


def _shape(leaf: Any) -> Shape:
    return tuple(leaf.shape)


def _outputs(out: Any) -> list[Any]:
    """Its arrays; the state that comes back follows the model's."""
    nodes = jtu.tree_leaves(out, is_leaf=lambda node: isinstance(node, eqx.nn.State))
    return [node for node in nodes if eqx.is_array(node)]
