"""Digits: which part of which axis of a parameter an axis of an array shows.

Axis 0 of a `(24, 8)` weight, reshaped to `(3, 2, 4)`, becomes three digits: of each
index `i`, the numbers `i // 8`, `(i // 4) % 2` and `i % 4`. Reshapes split and join
digits, transposes move them, slices pick from them: all without error.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from .._typing import Shape


# In the place of a parameter's axis: nothing of it, and numbers that data makes differ.
BLANK, VARIES = -1, -2


class Digit(NamedTuple):
    """`(index // stride) % of` one axis, from `start` on: `size` values of it.

    Where nothing was sliced away, `of` is `size` (written 0, so that equal digits are).
    """

    axis: int
    size: int
    stride: int = 1
    start: int = 0
    part_of: int = 0

    @property
    def of(self) -> int:
        return self.part_of or self.size


# For each axis of an array its digits, the slowest first.
Dims: TypeAlias = tuple[tuple[Digit, ...], ...]


class Cut(NamedTuple):
    """What a slice left of a digit; `start` is `None` where only the run will know.

    - `how`: `slice`, `loop` (an index that is no data), `lookup` (many such), `data`.
    """

    digit: Digit
    start: int | None
    size: int
    how: str = "slice"


def plain(shape: Shape, axis: int = BLANK) -> Dims:
    """No digits of a parameter: blank, or varying with data."""
    return tuple((Digit(axis, n),) if n != 1 else () for n in shape)


def whole(shape: Shape) -> Dims:
    """The axes of a parameter as it is."""
    return tuple((Digit(i, n),) if n > 1 else () for i, n in enumerate(shape))


def extent(digits: Sequence[Digit]) -> int:
    return math.prod(digit.size for digit in digits)


def shape_of(dims: Dims) -> Shape:
    return tuple(extent(digits) for digits in dims)


def owned(dims: Iterable[Sequence[Digit]]) -> Iterator[Digit]:
    """The digits that belong to a parameter."""
    return (digit for digits in dims for digit in digits if digit.axis >= 0)


def split(digit: Digit, low: int) -> tuple[Digit, Digit] | None:
    """A digit as two, the second of size `low`."""
    size, axis = digit.size // low, digit.axis
    if axis < 0:
        return Digit(axis, size), Digit(axis, low)
    if digit.start % low or digit.of % low:
        return None
    start, of = digit.start // low, digit.of // low
    high = _digit(axis, size, digit.stride * low, start, of)
    return high, Digit(axis, low, digit.stride)


def _digit(axis: int, size: int, stride: int, start: int, of: int) -> Digit:
    return Digit(axis, size, stride, start, 0 if of == size else of)


def joined(digits: Sequence[Digit]) -> tuple[Digit, ...]:
    """Neighbours that together are one digit, as one."""
    done: list[Digit] = []
    for digit in digits:
        last = done[-1] if done else None
        if last is not None and last.axis == digit.axis and _adjacent(last, digit):
            low, size = digit.size, last.size * digit.size
            stride, start, of = digit.stride, last.start * low, last.of * low
            done[-1] = _digit(last.axis, size, stride, start, of)
        elif digit.size > 1:
            done.append(digit)
    return tuple(done)


def _adjacent(high: Digit, low: Digit) -> bool:
    return high.axis < 0 or (not low.part_of and high.stride == low.stride * low.size)


def reshape(dims: Dims, shape: Shape) -> Dims | None:
    """The digits after a reshape; `None` where an axis would get half of one."""
    left = list(reversed(joined([d for digits in dims for d in digits])))
    done: list[tuple[Digit, ...]] = []
    for size in shape:
        need, taken = size, list[Digit]()
        while need > 1:
            if not left:
                return None
            digit = left.pop()
            if digit.size > need:
                parts = None if digit.size % need else split(digit, digit.size // need)
                if parts is None:
                    return None
                digit, rest = parts
                left.append(rest)
            if need % digit.size:
                return None
            need //= digit.size
            taken.append(digit)
        done.append(joined(taken))
    return None if left or 0 in shape else tuple(done)


def sliced(
    digits: tuple[Digit, ...], start: int, stop: int, step: int = 1
) -> tuple[tuple[Digit, ...], tuple[Cut, ...]] | None:
    """The digits of one axis after `[start:stop:step]`, and what was cut."""
    if (start, stop, step) == (0, extent(digits), 1):
        return digits, ()
    if all(digit.axis < 0 for digit in digits):
        size = -(-(stop - start) // step)
        varies = any(digit.axis == VARIES for digit in digits)
        return plain((size,), VARIES if varies else BLANK)[0], ()
    if step > 1:
        parts = split(digits[0], step) if len(digits) == 1 else None
        if parts is None or digits[0].size % step:
            return None
        high, low = parts
        kept = sliced((high,), start // step, -(-(stop - start % step) // step))
        return kept and (kept[0], (Cut(low, start % step, 1), *kept[1]))
    return _contiguous(digits, start, stop)


def _contiguous(
    digits: tuple[Digit, ...], start: int, stop: int
) -> tuple[tuple[Digit, ...], tuple[Cut, ...]] | None:
    lead, rest = digits[0], digits[1:]
    low = extent(rest)
    if start % low == 0 and stop % low == 0:
        first, size = start // low, (stop - start) // low
        kept = () if size == 1 else (_part(lead, first, size),)
        return kept + rest, (Cut(lead, lead.start + first, size),)
    if start // low == (stop - 1) // low:
        first = start // low
        inner = sliced(rest, start - first * low, stop - first * low)
        cut = Cut(lead, lead.start + first, 1)
        return inner and (inner[0], (cut, *inner[1]))
    return None


def _part(digit: Digit, start: int, size: int) -> Digit:
    if digit.axis < 0:
        return Digit(digit.axis, size)
    return _digit(digit.axis, size, digit.stride, digit.start + start, digit.of)


def paired(
    one: Sequence[Digit], other: Sequence[Digit]
) -> list[tuple[Digit, Digit]] | None:
    """Two readings of one axis, digit by digit, split where the other is split."""
    left, right = list(reversed(one)), list(reversed(other))
    pairs: list[tuple[Digit, Digit]] = []
    while left and right:
        a, b = left.pop(), right.pop()
        if a.size != b.size:
            longer, rest = (a, left) if a.size > b.size else (b, right)
            need = min(a.size, b.size)
            parts = None if longer.size % need else split(longer, longer.size // need)
            if parts is None:
                return None
            rest.append(parts[1])
            a, b = (parts[0], b) if longer is a else (a, parts[0])
        pairs.append((a, b))
    return None if left or right else pairs


def overlaid(one: Dims, other: Dims) -> Dims:
    """Plain dims of the same shape: varying where either is."""
    return tuple(_over(a, b) for a, b in zip(one, other, strict=True))


def _over(one: tuple[Digit, ...], other: tuple[Digit, ...]) -> tuple[Digit, ...]:
    if one == other:
        return one
    pairs = paired(one, other)
    if pairs is None:
        return plain((extent(one),), VARIES)[0]
    return joined([Digit(min(a.axis, b.axis), a.size) for a, b in pairs])
