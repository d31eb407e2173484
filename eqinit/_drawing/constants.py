"""Constants: plain host arrays, without a compilation per shape."""

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from .._fill.host import empty_aligned
from .._fill.put import Putter
from .._parameters.keys import is_tracing
from .ask import Ask
from .way import AbstractWay, Progress, by_device


class Constants(AbstractWay):
    """What has the same value whatever the key, where numpy can make it."""

    def __init__(self) -> None:
        # Under `jit` they would be constants of the program, as large as they are.
        self._traced = is_tracing()

    def takes(self, ask: Ask) -> bool:
        value = None if ask.law is None or self._traced else ask.law.constant
        if value is None or isinstance(value, (jax.Array, Tracer)):
            return False
        dtype = ask.spec.dtype
        return bool(jax.dtypes.canonicalize_dtype(dtype) == np.dtype(dtype))

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        values: list[Any] = [None] * len(asks)
        for device, members in by_device(asks).items():
            arrays = [_filled(asks[i]) for i in members]
            # One call for all of them: each by itself would cost more than its values.
            put = Putter(device, ((a.shape, a.dtype) for a in arrays)).put
            for i, value in zip(members, put(arrays), strict=True):
                values[i] = value
                progress(asks[i].spec.nbytes)
        return values


def _filled(ask: Ask) -> np.ndarray:
    assert ask.law is not None
    spec = ask.spec
    # Memory of its own for every leaf: what two share could not be donated.
    filled = empty_aligned(spec.size, spec.dtype).reshape(spec.shape)
    filled[...] = np.asarray(ask.law.constant, spec.draw_dtype).astype(spec.dtype)
    return filled
