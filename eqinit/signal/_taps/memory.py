"""Remember what was found for a structure: no arrays, only shapes, types and statics.

Like `jit`, this takes equal structures to give equal traces.
"""

import collections
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.tree_util as jtu


_T = TypeVar("_T")

# Structures in use at a time; what is remembered keeps `call` functions alive.
_SIZE = 32
_found: collections.OrderedDict[Hashable, Any] = collections.OrderedDict()


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


def remembered(key: Hashable, find: Callable[[], _T]) -> _T:
    """`find()`, or what it returned when it was last asked for `key`."""
    try:
        hash(key)
    except TypeError:
        return find()
    if key not in _found:
        _found[key] = find()
        while len(_found) > _SIZE:
            _found.popitem(last=False)
    _found.move_to_end(key)
    return _found[key]
