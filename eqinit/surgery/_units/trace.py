"""Follow a call of a model, and see which axes run over the same units."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.tree_util as jtu

from ..._inference.calls import shape_of, trace_call
from ..._inference.walker import walk
from ..._models.walk import is_parameter, model_of
from ..._parameters.paths import join, spell
from .._calls import not_callable
from .domain import Units, Value
from .factors import freeze
from .rules import RULES


class Held(NamedTuple):
    """One array of a model or of its state.

    - `position`: among the leaves of the tree.
    - `path`: dotted; those of a state begin with `state`.
    - `value`: what its axes run over.
    - `length`: of its first axis.
    """

    position: int
    path: str
    value: Value
    length: int


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
    operation: str, tree: Any, call: Callable[..., Any], args: Sequence[Any]
) -> tuple[Units, list[Held]]:
    """Trace `call(tree, *args)`, and walk what it does."""
    paths, leaves = leaf_paths(tree), jtu.tree_leaves(tree)
    held = [i for i, leaf in enumerate(leaves) if is_parameter(leaf)]
    # The state that comes back follows the model's, and is no output of its own.
    try:
        traced = trace_call(tree, call, args, held, is_leaf=_is_state)
    except Exception as error:  # whatever the code of a model raises
        raise not_callable(operation, call, tree, args, error) from error
    units = Units(RULES)
    found = [
        Held(i, paths[i], units.parameter(n, shape), next(iter(shape), 0))
        for n, i in enumerate(held)
        for shape in [shape_of(leaves[i])]
    ]
    values = [one.value for one in found]
    values += [units.data(shape_of(traced.leaves[i])) for i in traced.others]
    for out in walk(units, traced.jaxpr, values):
        units.spend(out)
        for axis in out.axes:
            freeze(axis, "is an output of the call")
    return units, found


def _is_state(node: Any) -> bool:
    return isinstance(node, eqx.nn.State)
