"""Draw one parameter by itself."""

from collections.abc import Callable
from typing import Any

import jax

from .._schemes.initializer import BrokenPromise
from .._typing import Array, Key
from .row import Row


def draw_one(row: Row, key: Key) -> Array:
    """What the row's initializer draws: the same bits eagerly and under a trace."""
    assert row.init is not None
    try:
        return row.init.draw(key, row.spec)
    except BrokenPromise as error:
        # A user's own may return anything; say whose it was.
        raise ValueError(f"`{row.path}` (rule {row.rule}): {error}") from None


def compile_one(row: Row, key: Key) -> Callable[[Key], Any]:
    """`draw_one` of rows like this one, as a function that no thread compiles anew."""
    return jax.jit(lambda key: draw_one(row, key)).lower(key).compile()
