"""`eqx.nn.Shared`: which leaf fills which slot."""

from typing import Any

import equinox as eqx
import jax.tree_util as jtu

from .._parameters.paths import join, spell


class _Name:
    """Stands for a leaf while `where` and `get` are asked what they pick."""

    def __init__(self, path: str) -> None:
        self.path = path


def shared_sources(node: eqx.nn.Shared, path: str) -> list[tuple[str, str]]:
    """(slot, source) for every slot that is filled with another leaf as it is.

    A `get` that computes something (a transpose) has no path, and gives nothing.
    """
    above = join(path, "pytree")

    def name(entries: tuple[Any, ...], leaf: object) -> _Name:
        del leaf
        return _Name(join(above, spell(entries)))

    named = jtu.tree_map_with_path(name, node.pytree)
    try:
        slots = jtu.tree_leaves(node.where(named))
        picked = jtu.tree_leaves(node.get(named))
        return [
            (slot.path, leaf.path) for slot, leaf in zip(slots, picked, strict=True)
        ]
    except Exception:
        return []  # it looks at values, and these are names
