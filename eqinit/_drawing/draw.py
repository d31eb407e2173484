"""Draw the rows of a plan: the one place where initializers are called."""

from collections.abc import Sequence
from typing import Any

from jax.sharding import Sharding

from .._typing import Array, Key
from .ask import Ask, asks_of
from .bulk import Bulk
from .constants import Constants
from .loop import Looped
from .mapped import Mapped
from .one import OneByOne
from .row import Row
from .sharded import Sharded
from .threads import SideBySide
from .way import AbstractWay, Progress


# Tried top to bottom: the first way that takes a row draws it.
_WAYS: tuple[type[AbstractWay], ...] = (
    Sharded,
    Constants,
    Bulk,
    Mapped,
    Looped,
    SideBySide,
    OneByOne,
)


def draw_rows(
    rows: Sequence[Row],
    key: Key,
    shardings: Sequence[Sharding | None] | None = None,
    *,
    progress: Progress | None = None,
) -> list[Array]:
    """One array per row, with the values of `init.draw`, bit for bit.

    Every key is derived in one call, from the row's path alone. What follows a plain
    law is drawn in bulk, by one compiled kernel for parameters of every shape, in a
    trace as well. What lives on several devices is drawn by each of them, its own
    shard alone.
    """
    if not rows:
        return []
    places = [None] * len(rows) if shardings is None else shardings
    left = asks_of(rows, key, places)
    values: list[Any] = [None] * len(rows)
    for way in (cls() for cls in _WAYS):
        mine = [ask for ask in left if way.takes(ask)]
        if not mine:
            continue
        drawn = way.draw(mine, progress or _silent)
        for ask, value in zip(mine, drawn, strict=True):
            values[ask.index] = value
        left = _without(left, mine)
    return values


def _without(left: Sequence[Ask], mine: Sequence[Ask]) -> list[Ask]:
    taken = {ask.index for ask in mine}
    return [ask for ask in left if ask.index not in taken]


def _silent(size: int) -> None:
    del size
