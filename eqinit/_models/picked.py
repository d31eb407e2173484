"""What a function picks out of a model, as `where` of `eqx.tree_at` does."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.tree_util as jtu

from .._memo import Memo
from .._parameters.paths import spell
from .place import AbstractPlace
from .walk import model_of, nodes_of


@dataclasses.dataclass(frozen=True)
class Picked:
    """The modules and leaves that were picked, by path."""

    paths: frozenset[str]

    def holds(self, place: AbstractPlace) -> bool:
        """Whether a place was picked, or a module above it."""
        above = (node.path for node in place.ancestors)
        return place.path in self.paths or not self.paths.isdisjoint(above)


class _Leaf:
    """Stands for a leaf: a function that looks at its value fails."""


def pick(model: Any, fn: Callable[[Any], Any]) -> Picked:
    """The nodes that `fn` picks.

    It sees a copy in which each module and leaf is an object of its own, even where the
    model holds one twice; so what it returns says where that stands.

    **Raises:** `TypeError` for what is no node of the model, such as a flag.
    """
    leaves, treedef = jtu.tree_flatten(model_of(model))
    copy = jtu.tree_unflatten(treedef, [_Leaf() for _ in leaves])
    keys = Memo[tuple[Any, ...]]()
    for node in nodes_of(copy):
        keys.put((node.module,), node.keys)
    for entries, leaf in jtu.tree_leaves_with_path(copy):
        keys.put((leaf,), entries)
    picked = jtu.tree_leaves(fn(copy), is_leaf=lambda x: isinstance(x, eqx.Module))
    for node in picked:
        if (node,) not in keys:
            raise TypeError(f"it picks {node!r}, which is no node of the model")
    return Picked(frozenset(spell(keys.get((node,)) or ()) for node in picked))
