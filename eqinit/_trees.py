"""Dataclasses as PyTree nodes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import jax.tree_util as jtu


_C = TypeVar("_C", bound=type)


def tree_node(data: Sequence[str] = (), meta: Sequence[str] = ()) -> Callable[[_C], _C]:
    """Make a dataclass a node: fields in `data` are below it, those in `meta` static.

    `jax.tree_util.register_dataclass` is for that, and is not used: its structures
    leave out the class. In jax 0.10 and 0.12 those of two classes are equal if their
    static fields are, and only their hashes differ, of which a cache looks at a few
    bits first. So a `jit` that was traced for one class may serve another: in one
    process of fifteen, log-normal draws came out uniform.
    """

    def register(cls: _C) -> _C:
        keys = [jtu.GetAttrKey(name) for name in data]

        def static(node: Any) -> tuple[Any, ...]:
            return tuple(getattr(node, name) for name in meta)

        def children(node: Any) -> tuple[Any, ...]:
            return tuple(getattr(node, name) for name in data)

        def with_keys(node: Any) -> tuple[Iterable[tuple[Any, Any]], tuple[Any, ...]]:
            return tuple(zip(keys, children(node), strict=True)), static(node)

        def made(aux: Sequence[Any], below: Iterable[Any]) -> Any:
            given = zip((*data, *meta), (*below, *aux), strict=True)
            return cls(**dict(given))

        jtu.register_pytree_with_keys(
            cls, with_keys, made, lambda node: (children(node), static(node))
        )
        return cls

    return register
