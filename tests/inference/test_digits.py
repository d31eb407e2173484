"""Digits, against numpy: what they say of an index is what numpy moved there."""

import math
import random
from typing import Any

import numpy as np
import pytest

from eqinit._inference.digits import (
    Digit,
    joined,
    paired,
    reshape,
    shape_of,
    sliced,
    split,
    whole,
)


def indices(shape: tuple[int, ...]) -> list[np.ndarray]:
    """For every axis of an array, the index along it of each entry."""
    return list(np.indices(shape))


def said(dims: Any, axis: int) -> list[tuple[Digit, np.ndarray]]:
    """For every digit of one axis of the parameter, its value at each entry."""
    shape, found = shape_of(dims), []
    for dim, digits in enumerate(dims):
        place = np.arange(shape[dim]).reshape(
            [-1 if i == dim else 1 for i in range(len(shape))]
        )
        below = shape[dim]
        for digit in digits:
            below //= digit.size
            value = (place // below) % digit.size + digit.start
            if digit.axis == axis:
                found.append((digit, np.broadcast_to(value, shape)))
    return found


def assert_true(dims: Any, moved: list[np.ndarray]) -> None:
    assert shape_of(dims) == moved[0].shape
    for axis, index in enumerate(moved):
        for digit, value in said(dims, axis):
            np.testing.assert_array_equal((index // digit.stride) % digit.of, value)


def factors(n: int, rng: random.Random) -> list[int]:
    found, k = [], n
    while k > 1:
        divisors = [d for d in range(2, k + 1) if k % d == 0]
        found.append(rng.choice(divisors))
        k //= found[-1]
    return found + [1] * rng.randrange(2)


@pytest.mark.parametrize("seed", range(60))
def test_any_chain_of_moves_is_followed(seed: int):
    rng = random.Random(seed)
    shape = tuple(rng.choice([1, 2, 3, 4, 6, 8, 12]) for _ in range(rng.randint(1, 3)))
    dims, moved = whole(shape), indices(shape)
    followed = 0
    for _ in range(6):
        kind = rng.choice(["reshape", "transpose", "slice"])
        now = moved[0].shape
        if kind == "transpose":
            order = rng.sample(range(len(now)), len(now))
            dims = tuple(dims[i] for i in order)
            moved = [m.transpose(order) for m in moved]
        elif kind == "reshape":
            new = tuple(rng.sample(sizes := factors(math.prod(now), rng), len(sizes)))
            after = reshape(dims, new)
            if after is None:
                continue  # an axis would get half of a digit
            dims, moved = after, [m.reshape(new) for m in moved]
        elif now:
            axis = rng.randrange(len(now))
            start = rng.randrange(now[axis])
            stop = rng.randint(start + 1, now[axis])
            after = sliced(dims[axis], start, stop) if dims[axis] else None
            if after is None:
                continue
            dims = (*dims[:axis], after[0], *dims[axis + 1 :])
            key = [slice(None)] * axis + [slice(start, stop)]
            moved = [m[tuple(key)] for m in moved]
        followed += 1
        assert_true(dims, moved)
    assert followed


def test_splitting_by_whole_digits_always_works_and_undoes_itself():
    dims = reshape(whole((24, 8)), (3, 2, 4, 8))
    assert dims == (
        (Digit(0, 3, 8),),
        (Digit(0, 2, 4),),
        (Digit(0, 4, 1),),
        (Digit(1, 8),),
    )
    assert reshape(dims, (24, 8)) == whole((24, 8))


def test_half_of_a_digit_is_not_guessed():
    assert reshape(whole((6, 4)), (4, 6)) is None
    assert sliced(joined([Digit(0, 3), Digit(1, 4)]), 2, 7) is None
    assert split(Digit(0, 6, start=1, part_of=8), 2) is None
    assert paired([Digit(0, 6)], [Digit(1, 4)]) is None


def test_every_other_entry_is_a_digit_as_well():
    digits, cuts = sliced((Digit(0, 12),), 1, 12, 2)
    assert digits == (Digit(0, 6, 2),)
    assert [(cut.digit, cut.start, cut.size) for cut in cuts] == [(Digit(0, 2), 1, 1)]


def test_two_readings_of_an_axis_are_split_alike():
    pairs = paired([Digit(0, 3), Digit(0, 4)], [Digit(5, 6), Digit(6, 2)])
    assert pairs == [
        (Digit(0, 3), Digit(5, 3, 2)),
        (Digit(0, 2, 2), Digit(5, 2)),
        (Digit(0, 2), Digit(6, 2)),
    ]
