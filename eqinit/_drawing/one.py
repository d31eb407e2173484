"""Draw one parameter by itself."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax

from .._schemes.initializer import BrokenPromise
from .._typing import Array, Key
from .ask import Ask
from .row import Row
from .way import AbstractWay, Progress


class OneByOne(AbstractWay):
    """What no other way takes: each row by itself, compiled once per kind."""

    def takes(self, ask: Ask) -> bool:
        del ask
        return True

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        for ask in asks:
            value = draw_one(ask.row, ask.key)
            yield value if ask.device is None else jax.device_put(value, ask.device)
            progress(ask.spec.nbytes)


def draw_one(row: Row, key: Key) -> Array:
    """What the row's initializer draws: the same bits eagerly and under a trace."""
    assert row.init is not None
    try:
        return row.init.draw(key, row.spec)
    except BrokenPromise as error:
        # A user's own may return anything; say whose it was.
        raise ValueError(f"`{row.path}` (rule {row.rule}): {error}") from None
    except Exception as error:
        # Of a type checker's, say, whose class and traceback are to stay as they are.
        error.add_note(f"eqinit was drawing `{row.path}` (rule {row.rule}).")
        raise
