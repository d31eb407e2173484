"""In bulk where keys or numbers are traced: under `jit`, `vmap` and `grad`."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._fill.bases import eligible
from .._fill.request import FillRequest
from .ask import Ask
from .way import AbstractWay, Progress, by_device


_NO_KEY = np.zeros(2, np.uint32)


class _Draw(NamedTuple):
    """A request whose key, location and scale come apart, since they are traced."""

    request: FillRequest
    loc: Any
    scale: Any


class Mapped(AbstractWay):
    """What follows a plain law, with traced numbers or from traced keys."""

    def __init__(self) -> None:
        self._draws: dict[int, _Draw] = {}

    def takes(self, ask: Ask) -> bool:
        draw = _draw(ask) if ask.keys.split else None
        if draw is not None:
            self._draws[ask.index] = draw
        return draw is not None

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        values: list[Any] = [None] * len(asks)
        for device, members in by_device(asks).items():
            some = [asks[i] for i in members]
            for i, value in zip(members, self._drawn(some), strict=True):
                values[i] = value if device is None else jax.device_put(value, device)
                progress(asks[i].spec.nbytes)
        return values

    def _drawn(self, asks: Sequence[Ask]) -> list[Any]:
        from .._fill.mapped import fill_mapped  # loaded for a first trace

        rows = [ask.index for ask in asks]
        draws = [self._draws[row] for row in rows]
        requests = [draw.request for draw in draws]
        return fill_mapped(requests, asks[0].keys.data, _terms(draws), rows)


def _draw(ask: Ask) -> _Draw | None:
    law, spec = ask.law, ask.spec
    terms = None if law is None or spec.draw_dtype != np.float32 else law.bulk()
    if terms is None or any(isinstance(n, Tracer) for n in terms.params):
        return None
    if any(map(np.ndim, (terms.loc, terms.scale, *terms.params))):
        return None
    params = tuple(map(float, terms.params))
    request = FillRequest(
        _NO_KEY, spec.shape, terms.kernel, params=params, dtype=spec.dtype
    )
    return _Draw(request, terms.loc, terms.scale) if eligible(request) else None


def _terms(draws: Sequence[_Draw]) -> Any:
    """`float32[rows, 2]`: locations, -0.0 for those that are not added, and scales."""
    numbers: list[Any] = []
    for draw in draws:
        plain_zero = isinstance(draw.loc, (int, float)) and draw.loc == 0
        numbers += [-0.0 if plain_zero else draw.loc, draw.scale]
    if not any(isinstance(number, Tracer) for number in numbers):
        return np.asarray(numbers, np.float32).reshape(-1, 2)
    # Numbers that are traced one by one: as many small arrays, then one.
    arrays = [jnp.asarray(number, jnp.float32) for number in numbers]
    return jnp.stack(arrays).reshape(-1, 2)
