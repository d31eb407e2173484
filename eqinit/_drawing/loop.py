"""Under a trace: one loop over equal parameters, instead of the same code for each."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax

from .._memo import Memo
from .._parameters.spec import ParamSpec
from .ask import Ask
from .one import draw_one
from .way import AbstractWay, Progress


class Looped(AbstractWay):
    """What shares an initializer and a spec, under a trace.

    A draw that is traced becomes code. Forty-eight equal blocks of a transformer would
    become forty-eight copies of it, each to be compiled: a minute for a model that
    takes a second to fill. A loop's body is compiled once.
    """

    def takes(self, ask: Ask) -> bool:
        return ask.keys.traced

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        values: list[Any] = [None] * len(asks)
        for members in _kinds(asks):
            drawn = _looped([asks[i] for i in members])
            for i, value in zip(members, drawn, strict=True):
                device = asks[i].device
                values[i] = value if device is None else jax.device_put(value, device)
                progress(asks[i].spec.nbytes)
        return values


def _kinds(asks: Sequence[Ask]) -> list[list[int]]:
    """Positions of the asks that share an initializer and a spec."""
    kinds = Memo[dict[ParamSpec, list[int]]]()
    for i, ask in enumerate(asks):
        by_spec = kinds.once((ask.row.init,), dict)
        by_spec.setdefault(ask.spec, []).append(i)
    return [members for by_spec in kinds.values() for members in by_spec.values()]


def _looped(asks: Sequence[Ask]) -> list[Any]:
    first = asks[0]
    if len(asks) == 1 or (first.law is not None and first.law.constant is not None):
        return [draw_one(ask.row, ask.key) for ask in asks]
    keys = first.keys.some([ask.index for ask in asks])
    stacked = jax.lax.map(lambda key: draw_one(first.row, key), keys)
    return [stacked[i] for i in range(len(asks))]
