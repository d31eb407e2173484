"""Draw the rows of a plan: the one place where initializers are called."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from ._initializer import AbstractInitializer, AbstractLawInitializer
from ._keys import derive_keys
from ._resolve import Row
from ._spec import ParamSpec
from ._typing import Array, Key


def draw_rows(rows: Sequence[Row], key: Key) -> list[Array]:
    """One array a row. Every key is derived in one call, from the row's path alone."""
    keys = derive_keys(key, [row.path for row in rows])
    return [_draw_row(row, keys[i]) for i, row in enumerate(rows)]


def _draw_row(row: Row, key: Key) -> Array:
    init = row.init
    assert init is not None
    if isinstance(init, AbstractLawInitializer):
        # Its law is worked out in Python and its numbers enter as arguments: one
        # compile a (base, shape), whatever the gain.
        value = init.draw(key, row.spec)
    else:
        value = _draw_jit(_lift(init), key, row.spec)
    return _checked(value, row)


@eqx.filter_jit
def _draw_jit(init: AbstractInitializer, key: Key, spec: ParamSpec) -> Array:
    return init.draw(key, spec)


def _lift(init: AbstractInitializer) -> AbstractInitializer:
    """Python floats as arrays, or `filter_jit` would compile once a gain."""

    def lift(leaf: Any) -> Any:
        return np.asarray(leaf, np.float32) if isinstance(leaf, float) else leaf

    return jtu.tree_map(lift, init)


def _checked(value: Any, row: Row) -> Array:
    """A user's own initializer may return anything; say whose it was."""
    shape, dtype = np.shape(value), getattr(value, "dtype", None)
    if isinstance(value, (jax.Array, np.ndarray)) and (shape, dtype) == (
        row.spec.shape,
        row.spec.dtype,
    ):
        return jnp.asarray(value)
    name = type(row.init).__name__
    raise ValueError(
        f"{name} (rule {row.rule}) returned {dtype}{list(shape)} for `{row.path}`, "
        f"which is {row.spec.dtype}{list(row.spec.shape)}. Its `draw(key, spec)` must "
        "return an array of `spec.shape` and `spec.dtype`."
    )
