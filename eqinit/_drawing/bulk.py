"""In bulk: one compiled kernel for parameters of every shape."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jax.core import Tracer

from .._fill.bases import eligible
from .._fill.fill import fill
from .._fill.request import FillRequest
from .._laws.law import AbstractLaw
from .._memo import Memo
from .._parameters.spec import ParamSpec
from .ask import Ask
from .way import AbstractWay, Progress, by_device


_NO_KEY = np.zeros(2, np.uint32)


class Bulk(AbstractWay):
    """What follows a plain law with plain numbers, from keys that are at hand."""

    def __init__(self) -> None:
        # Equal parameters share a request, but for its key.
        self._requests = Memo[FillRequest | None]()

    def takes(self, ask: Ask) -> bool:
        return self._request(ask) is not None

    def _request(self, ask: Ask) -> FillRequest | None:
        law, spec = ask.law, ask.spec
        if law is None or ask.keys.traced or not ask.keys.split:
            return None
        return self._requests.once((law, spec), lambda: fill_request(law, spec))

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        values: list[Any] = [None] * len(asks)
        for device, members in by_device(asks).items():
            requests = [self._keyed(asks[i]) for i in members]
            drawn = fill(requests, device=device, progress=progress)
            for i, value in zip(members, drawn, strict=True):
                values[i] = value
        return values

    def _keyed(self, ask: Ask) -> FillRequest:
        request = self._request(ask)
        assert request is not None
        return request.with_key(ask.keys.data[ask.index])


def fill_request(law: AbstractLaw | None, spec: ParamSpec) -> FillRequest | None:
    """The request whose values are `law.sample`'s, bit for bit, or `None`.

    Only float32 draws of jax's own base distributions with plain numbers come in bulk.
    Its key is still to be said (`with_key`): equal parameters share one request.
    """
    terms = None if law is None or spec.draw_dtype != np.float32 else law.bulk()
    if terms is None:
        return None
    numbers = (terms.loc, terms.scale, *terms.params)
    if any(isinstance(n, Tracer) or np.ndim(n) for n in numbers):
        return None
    loc, scale, *params = map(float, numbers)
    request = FillRequest(
        _NO_KEY, spec.shape, terms.kernel, loc, scale, tuple(params), spec.dtype
    )
    return request if eligible(request) else None
