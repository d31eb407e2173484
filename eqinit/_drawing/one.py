"""Draw one parameter by itself: compiled once an (initializer, spec)."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from .._laws.law import AbstractLaw
from .._parameters.spec import ParamSpec
from .._schemes.initializer import AbstractInitializer
from .._typing import Array, Key
from .row import Row


def draw_one(row: Row, law: AbstractLaw | None, key: Key) -> Array:
    """What the row's initializer returns: the same bits eagerly and under a trace."""
    init = row.init
    assert init is not None
    if law is not None:
        # The law's numbers are worked out in Python and enter as arguments: one
        # compile a (base, shape), whatever the gain.
        return as_promised(init.draw(key, row.spec), row)
    return as_promised(_draw_jit(_lift(init), key, row.spec), row)


@eqx.filter_jit
def _draw_jit(init: AbstractInitializer, key: Key, spec: ParamSpec) -> Any:
    return init.draw(key, spec)


def compile_one(row: Row, key: Key) -> Callable[[Key], Any]:
    """`draw_one` of rows like this one, as a function that no thread compiles anew."""
    assert row.init is not None
    init, spec = _lift(row.init), row.spec
    # Its module is a tree of what was compiled; only the key differs.
    compiled = _draw_jit.lower(init, key, spec).compile()  # pyright: ignore
    return lambda key: compiled(init, key, spec)


def _lift(init: AbstractInitializer) -> AbstractInitializer:
    """Python floats as arrays, or `filter_jit` would compile once a gain."""

    def lift(leaf: Any) -> Any:
        return jnp.asarray(leaf) if isinstance(leaf, float) else leaf

    return jtu.tree_map(lift, init)


def as_promised(value: Any, row: Row) -> Array:
    """A user's own initializer may return anything; say whose it was."""
    shape, dtype = np.shape(value), getattr(value, "dtype", None)
    if isinstance(value, (jax.Array, np.ndarray)) and (shape, dtype) == (
        row.spec.shape,
        row.spec.dtype,
    ):
        return value if isinstance(value, jax.Array) else jnp.asarray(value)
    name = type(row.init).__name__
    raise ValueError(
        f"{name} (rule {row.rule}) returned {dtype}{list(shape)} for `{row.path}`, "
        f"which is {row.spec.dtype}{list(row.spec.shape)}. Its `draw(key, spec)` must "
        "return an array of `spec.shape` and `spec.dtype`."
    )
