"""Entries of one `eqx.nn.State`, selected for a smaller one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu

from .._models.walk import model_of, nodes_of
from .._parameters.paths import join, parent
from .._typing import Array, Shape
from ._origins import described
from ._weights.statistics import kept_in, replaced, state_of


Cut = Callable[[Array, Shape], Array]


def states_selected(
    tree: Any, source: Any, source_path: Callable[[str], str], keep: set[str], cut: Cut
) -> tuple[Any, list[str]]:
    """The state of a tree with entries of that of a source, layer by layer.

    Keys of random numbers stay: they are none that was learned.

    **Arguments:**

    - `source_path`: from the path of a layer to that in the source.
    - `keep`: paths of parameters that stay, and with them the states of their layers.
    - `cut`: a selection of an array's entries, of this shape.

    **Returns:** the state, `None` where one of the two has none, and what is wrong.
    """
    old, theirs = state_of(tree), state_of(source)
    if old is None or theirs is None:
        return None, []
    state, problems = old, list[str]()
    for path, index, other in _indices(tree, source, source_path, keep):
        here, there = kept_in(old, index), kept_in(theirs, other)
        if problem := _problem(here, there):
            problems.append(f"the state of `{path}` {problem}")
            continue
        new = jtu.tree_map(lambda a, b: _selected(a, b, cut), here, there)
        state = replaced(state, index, new)
    return state, problems


def _indices(
    tree: Any, source: Any, source_path: Callable[[str], str], keep: set[str]
) -> Iterator[tuple[str, Any, Any]]:
    """Where both models keep something, and the path of it."""
    larger = {n.path: n.module for n in nodes_of(model_of(source))}
    stays = {parent(path) for path in keep}
    for node in nodes_of(model_of(tree)):
        other = larger.get(source_path(node.path))
        for field in vars(node.module) if node.path not in stays else ():
            pair = getattr(node.module, field), getattr(other, field, None)
            if all(isinstance(index, eqx.nn.StateIndex) for index in pair):
                yield join(node.path, field), *pair


def _problem(here: Any, there: Any) -> str:
    if jtu.tree_structure(here) != jtu.tree_structure(there):
        return "is of another structure than in the source"
    for a, b in zip(jtu.tree_leaves(here), jtu.tree_leaves(there), strict=True):
        if not (eqx.is_array(a) and eqx.is_array(b)):
            continue
        if _is_key(a) != _is_key(b) or not _fits(a.shape, b.shape):
            return f"is {described(a)}, which is not in {described(b)}"
    return ""


def _fits(room: Sequence[int], sizes: Sequence[int]) -> bool:
    same_rank = len(room) == len(sizes)
    return same_rank and all(m <= n for m, n in zip(room, sizes, strict=True))


def _selected(here: Any, there: Any, cut: Cut) -> Any:
    if _is_key(here):
        return here
    # A count stays of whatever type the state has it in.
    return cut(jnp.asarray(there), here.shape) if getattr(here, "ndim", 0) else there


def _is_key(leaf: Any) -> bool:
    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
