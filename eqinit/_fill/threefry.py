"""Threefry-2x32, unrolled: the random bits of `jax.random`, element by element."""

from typing import NamedTuple

import numpy as np
from jax import Array, lax


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


class Counter(NamedTuple):
    """Where rows start in their draws, `high * 2**32 + low`; each `uint32[rows, 1]`."""

    high: Array
    low: Array


def _rotate_left(x: Array, by: int) -> Array:
    return lax.bitwise_or(
        lax.shift_left(x, np.uint32(by)), lax.shift_right_logical(x, np.uint32(32 - by))
    )


def _widen(column: Array, width: int) -> Array:
    return lax.broadcast_in_dim(column, (column.shape[0], width), (0, 1))


def _counters(start: Counter, width: int) -> tuple[Array, Array]:
    low0 = _widen(start.low, width)
    low = lax.add(low0, lax.broadcasted_iota(np.uint32, low0.shape, 1))
    # A row may cross a multiple of 2**32: its low word then wraps below the start.
    carry = lax.convert_element_type(lax.lt(low, low0), np.uint32)
    return lax.add(_widen(start.high, width), carry), low


def random_bits(key: tuple[Array, Array], start: Counter, width: int) -> Array:
    """What `jax.random.bits` gives elements `start` to `start + width` of a draw.

    With `jax_threefry_partitionable` (the default), element `i` of a 32-bit draw is the
    xor of the two words of `threefry2x32(key, (i >> 32, i & 0xFFFFFFFF))`, whatever the
    shape.

    **Arguments:**

    - `key`: the two key words, each `uint32[rows, 1]`.
    - `start`: index of each row's first element.
    - `width`: elements a row.

    **Returns:**

    `uint32[rows, width]`.
    """
    schedule = (*key, lax.bitwise_xor(lax.bitwise_xor(*key), _PARITY))
    x0, x1 = _counters(start, width)
    x0 = lax.add(x0, _widen(schedule[0], width))
    x1 = lax.add(x1, _widen(schedule[1], width))
    # Unrolled: jax rolls these rounds into a loop on CPU, which passes over memory once
    # a step and takes several times longer.
    for group in range(5):
        for by in _ROTATIONS[group % 2]:
            x0 = lax.add(x0, x1)
            x1 = lax.bitwise_xor(x0, _rotate_left(x1, by))
        inject = lax.add(schedule[(group + 2) % 3], np.uint32(group + 1))
        x0 = lax.add(x0, _widen(schedule[(group + 1) % 3], width))
        x1 = lax.add(x1, _widen(inject, width))
    return lax.bitwise_xor(x0, x1)
