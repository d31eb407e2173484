"""Host arrays onto a device, thousands of small ones as well."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from .request import Device


# As many of one shape save more than it takes to compile their transfer (25 ms).
_MANY = 2048
_AT_ONCE = 64

_returned = jax.jit(lambda *arrays: arrays)


class Putter:
    """Puts arrays where they are to live.

    `jax.device_put` takes 30 us per array (60 us with jax 0.10), in a list or not. The
    arguments of a jitted function take 6 us, and one that returns them computes
    nothing. It has to be compiled for their shapes, so this is the way for shapes of
    which there are thousands.
    """

    def __init__(self, device: Device | None, kinds: Iterable[tuple[Any, Any]]) -> None:
        """By default (`None`) they go where `jax.numpy` would put them, uncommitted.

        `kinds` are shape and dtype of all that is to come.
        """
        self._device = device
        # `jax.disable_jit` would hand the host's own arrays back.
        plain = device is not None or jax.config.jax_disable_jit  # pyright: ignore
        counts = Counter(() if plain else kinds)
        self._many = {kind for kind, count in counts.items() if count >= _MANY}

    def put(self, arrays: Sequence[Any]) -> list[jax.Array]:
        """One array each, in order; it may be the same memory, so let go of that."""
        alike: dict[Any, list[int]] = {}
        for i, array in enumerate(arrays):
            kind = (array.shape, array.dtype)
            alike.setdefault(kind if kind in self._many else None, []).append(i)
        rest = alike.pop(None, [])
        results: list[Any] = [None] * len(arrays)
        for members in alike.values():
            full = len(members) // _AT_ONCE * _AT_ONCE
            rest += members[full:]
            for first in range(0, full, _AT_ONCE):
                some = members[first : first + _AT_ONCE]
                done = _returned(*[arrays[i] for i in some])
                for i, array in zip(some, done, strict=True):
                    results[i] = array
        moved = [arrays[i] for i in rest]
        done = jax.device_put(moved, self._device, may_alias=True)
        for i, array in zip(rest, done, strict=True):
            results[i] = array
        return results
