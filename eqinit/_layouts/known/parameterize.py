"""`Parameterize(fn, *args, **kwargs)`, which klax and paramax have alike."""

import functools
from typing import Any

import jax.numpy as jnp

from ..._laws.transforms import transform_of
from ..nodes import at, put
from ..parametrizations import (
    Parametrization,
    effective,
    elementwise,
    set_effective,
)


def parameterize(node: Any) -> Parametrization | None:
    """One function of one array whose inverse is known, or a mask."""
    fn, args = node.fn, node.args
    if fn is jnp.where and len(args) == 3 and not node.kwargs:
        return _masked(node)
    transform = transform_of(fn)
    if transform is None or len(args) != 1 or node.kwargs:
        return None
    return elementwise("args.0", transform)


def _masked(node: Any) -> Parametrization | None:
    """`where(mask, array, 0)`: what the mask lets through follows the law."""
    if not isinstance(node.args[2], int | float) or node.args[2] != 0:
        return None
    # The array and not its masked value: the law is that of the entries let through,
    # and a mask that is itself traced or abstract says nothing about which these are.
    return Parametrization(
        "args.1",
        functools.partial(_get_field, "args.1"),
        functools.partial(_set_field, "args.1"),
        note="masked: where the mask lets it through",
    )


def _get_field(field: str, node: Any) -> Any:
    return effective(at(node, field))


def _set_field(field: str, node: Any, value: Any) -> Any:
    return put(node, field, set_effective(at(node, field), value))
