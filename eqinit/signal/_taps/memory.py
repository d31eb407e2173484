"""What is known of a structure: no arrays, only shapes, types and statics.

Like `jit`, this takes equal structures to give equal traces.
"""

import collections
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.tree_util as jtu


_T = TypeVar("_T")

# Structures in use at a time; entries keep `call` functions alive.
_SIZE = 32
_entries: collections.OrderedDict[Hashable, Any] = collections.OrderedDict()


def structure(tree: Any) -> Hashable:
    """What tracing a function of `tree` depends on."""
    leaves, treedef = jtu.tree_flatten(tree)
    return treedef, tuple(_leaf(leaf) for leaf in leaves)


def _leaf(leaf: Any) -> Hashable:
    if eqx.is_array_like(leaf) and hasattr(leaf, "shape"):
        weak = getattr(leaf, "weak_type", False)
        return jax.Array, leaf.shape, leaf.dtype, weak
    # The type as well, for `1`, `1.0` and `True` are equal.
    return type(leaf), leaf


def from_memory(key: Hashable, make: Callable[[], _T]) -> _T:
    """`make()`, or what it returned when it was last asked for `key`."""
    try:
        hash(key)
    except TypeError:
        return make()
    if key not in _entries:
        _entries[key] = make()
        while len(_entries) > _SIZE:
            _entries.popitem(last=False)
    _entries.move_to_end(key)
    return _entries[key]
