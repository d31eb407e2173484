"""In bulk where keys or numbers are traced: under `jit`, `vmap` and `grad`."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._fill.bases import eligible
from .._fill.request import FillRequest
from .ask import Ask
from .way import AbstractWay, Progress, by_device


_NO_KEY = np.zeros(2, np.uint32)


class Mapped(AbstractWay):
    """What follows a plain law, with traced numbers or from traced keys."""

    def takes(self, ask: Ask) -> bool:
        return ask.keys.split and _request(ask) is not None

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        values: list[Any] = [None] * len(asks)
        for device, members in by_device(asks).items():
            some = [asks[i] for i in members]
            for i, value in zip(members, _drawn(some), strict=True):
                values[i] = value if device is None else jax.device_put(value, device)
                progress(asks[i].spec.nbytes)
        return values


def _drawn(asks: Sequence[Ask]) -> list[Any]:
    from .._fill.mapped import fill_mapped  # loaded for a first trace

    requests = [request for request in map(_request, asks) if request is not None]
    data = asks[0].keys.data[np.asarray([ask.index for ask in asks])]
    return fill_mapped(requests, data, _terms(asks))


def _request(ask: Ask) -> FillRequest | None:
    """What to draw; its key, location and scale come apart, since they are traced."""
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
    return request if eligible(request) else None


def _terms(asks: Sequence[Ask]) -> Any:
    """`float32[rows, 2]`: locations, -0.0 for those that are not added, and scales."""
    pairs: list[tuple[Any, Any]] = []
    for ask in asks:
        terms = None if ask.law is None else ask.law.bulk()
        assert terms is not None
        plain_zero = isinstance(terms.loc, (int, float)) and terms.loc == 0
        pairs.append((-0.0 if plain_zero else terms.loc, terms.scale))
    numbers = [number for pair in pairs for number in pair]
    if not any(isinstance(number, Tracer) for number in numbers):
        return np.asarray(numbers, np.float32).reshape(-1, 2)
    # Numbers that are traced one by one: as many small arrays, then one.
    arrays = [jnp.asarray(number, jnp.float32) for number in numbers]
    return jnp.stack(arrays).reshape(-1, 2)
