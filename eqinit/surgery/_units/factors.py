"""Axes as sums of products of factors, and which of these are one dimension.

What reads 24 entries as `q`, `k` and `v` of two heads reads an axis that is
`(head 4) + (head 4) + (head 4)`. Nobody says so beforehand: an axis starts as one
factor, and operations cut it (a slice), split it (a reshape) and say that it is another
one (a sum, a contraction). That is unification, as in the inference of types.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ..._typing import Shape


class Factor:
    """A dimension, or what it was found to be made of.

    - `size`: how many units.
    - `bound`: the axis that it is, where more is known.
    - `reason`: why its units have to stay where they are; empty if they may be moved.
    """

    __slots__ = ("bound", "reason", "size")

    def __init__(self, size: int, reason: str = "") -> None:
        self.size = size
        self.bound: Axis | None = None
        self.reason = reason


# A product, the slowest factor first: none where the length is one.
Part: TypeAlias = tuple[Factor, ...]
# Parts one behind the other.
Axis: TypeAlias = tuple[Part, ...]

# Parts of one axis. Windows that overlap (`x[1:] - x[:-1]`) would make one per entry.
_MOST_PARTS = 64

_UNEVEN = "is taken apart in two ways that do not fit"


class _Uneven(Exception):
    """Two ways to take an axis apart, of which none is finer."""


def new_axis(size: int, reason: str = "") -> Axis:
    return ((Factor(size, reason),) if size != 1 else (),)


def new_axes(shape: Shape, reason: str = "") -> tuple[Axis, ...]:
    return tuple(new_axis(size, reason) for size in shape)


def root(factor: Factor) -> Factor:
    """The factor that it was found to be, if it is as a whole one other."""
    while factor.bound is not None and len(factor.bound) == 1:
        if len(factor.bound[0]) != 1:
            break
        factor = factor.bound[0][0]
    return factor


def resolved(axis: Axis) -> Axis:
    """An axis by what is known of it now.

    Every factor is a root. One that has parts stands behind others: at the front of a
    product its parts are parts of the axis.
    """
    return tuple(found for part in axis for found in _resolved(part))


def _resolved(part: Part) -> Axis:
    flat: list[Factor] = []
    for factor in map(root, part):
        inside = None if factor.bound is None else resolved(factor.bound)
        if inside is not None and len(inside) == 1:
            flat.extend(inside[0])
        else:
            flat.append(factor)
    if not flat or flat[0].bound is None:
        return (tuple(flat),)
    lead, rest = resolved(flat[0].bound), tuple(flat[1:])
    return resolved(tuple((*first, *rest) for first in lead)) if rest else lead


def size_of(part: Part) -> int:
    return math.prod(factor.size for factor in part)


def roots_of(axis: Axis) -> Iterator[Factor]:
    """Every factor in it that nothing more is known of."""
    for part in resolved(axis):
        for factor in part:
            if factor.bound is None:
                yield factor
            else:
                yield from roots_of(factor.bound)


def freeze(axis: Axis, reason: str) -> None:
    """Its units have to stay where they are; the first reason counts."""
    for factor in roots_of(axis):
        factor.reason = factor.reason or reason


def _bind(factor: Factor, axis: Axis) -> None:
    factor.bound = axis
    if factor.reason:
        freeze(axis, factor.reason)


def unify(one: Axis, other: Axis) -> None:
    """Two axes run over the same units."""
    try:
        _unify(one, other)
    except _Uneven:
        freeze(one, _UNEVEN)
        freeze(other, _UNEVEN)


def _unify(one: Axis, other: Axis) -> None:
    left, right = list(reversed(resolved(one))), list(reversed(resolved(other)))
    for _ in range(_MOST_PARTS):
        if not left:
            return
        a, b = left.pop(), right.pop()
        if size_of(a) > size_of(b):
            left.extend(reversed(_cut(a, size_of(b))))
            right.append(b)
        elif size_of(b) > size_of(a):
            right.extend(reversed(_cut(b, size_of(a))))
            left.append(a)
        else:
            _unify_parts(a, b)
        # What stands behind may be known better by now.
        left = list(reversed(resolved(tuple(reversed(left)))))
        right = list(reversed(resolved(tuple(reversed(right)))))
    raise _Uneven


def _cut(part: Part, at: int) -> Axis:
    """A part as two, the first of size `at`."""
    lead, rest = part[0], part[1:]
    if lead.bound is not None or at % size_of(rest):
        raise _Uneven
    low = at // size_of(rest)
    first, second = new_axis(low)[0], new_axis(lead.size - low)[0]
    _bind(lead, (first, second))
    return (*first, *rest), (*second, *rest)


def _unify_parts(one: Part, other: Part) -> None:
    """Two products of one size, from the fastest factor on."""
    left, right = list(one), list(other)
    while left:
        a, b = _last(left), _last(right)
        if a.size > b.size:
            left.extend(_split(a, b.size))
            right.append(b)
        elif b.size > a.size:
            right.extend(_split(b, a.size))
            left.append(a)
        elif a is not b:
            _unify_factors(a, b)


def _last(factors: list[Factor]) -> Factor:
    """The last factor; it is taken away."""
    factor = root(factors.pop())
    inside = () if factor.bound is None else resolved(factor.bound)
    if len(inside) != 1:
        return factor
    factors.extend(inside[0])
    return factors.pop()


def _unify_factors(one: Factor, other: Factor) -> None:
    if one.bound is None:
        _bind(one, ((other,),))
    elif other.bound is None:
        _bind(other, ((one,),))
    else:
        _unify(one.bound, other.bound)


def _split(factor: Factor, low: int) -> tuple[Factor, Factor]:
    """A factor as a product of two, the second of size `low`."""
    if factor.size % low:
        raise _Uneven
    high, inner = Factor(factor.size // low), Factor(low)
    if factor.bound is None:
        _bind(factor, ((high, inner),))
        return high, inner
    parts = [_tail(part, low) for part in resolved(factor.bound)]
    for _, tail in parts[1:]:
        _unify_parts(parts[0][1], tail)
    high.bound, inner.bound = tuple(head for head, _ in parts), (parts[0][1],)
    return high, inner


def _tail(part: Part, size: int) -> tuple[Part, Part]:
    """A product as two, the second of this size."""
    head, tail, need = list(part), list[Factor](), size
    while need > 1:
        if not head:
            raise _Uneven
        factor = _last(head)
        if factor.size > need:
            high, factor = _split(factor, need)
            head.append(high)
        if need % factor.size:
            raise _Uneven
        need //= factor.size
        tail.append(factor)
    return tuple(head), tuple(reversed(tail))


def reshape(axes: Sequence[Axis], shape: Shape) -> tuple[Axis, ...]:
    """The axes of an array after a reshape."""
    flat: list[Factor] = []
    for axis in map(resolved, axes):
        if len(axis) == 1:
            flat.extend(axis[0])
        else:
            whole = Factor(sum(map(size_of, axis)))
            whole.bound = axis
            flat.append(whole)
    done: list[Axis] = []
    try:
        for size in reversed(shape):
            head, tail = _tail(tuple(flat), size)
            flat = list(head)
            done.append((tail,))
    except _Uneven:
        for axis in axes:
            freeze(axis, _UNEVEN)
        return new_axes(shape, _UNEVEN)
    return tuple(reversed(done))


def slice_of(axis: Axis, start: int, stop: int) -> Axis:
    """The parts of an axis from `start` to `stop`."""
    try:
        return _halves(_halves(axis, start)[1], stop - start)[0]
    except _Uneven:
        freeze(axis, _UNEVEN)
        return new_axis(stop - start, _UNEVEN)


def _halves(axis: Axis, at: int) -> tuple[Axis, Axis]:
    """The parts before and behind a place."""
    left, done = list(reversed(resolved(axis))), list[Part]()
    while at > 0:
        part = left.pop()
        if size_of(part) > at:
            left.extend(reversed(_cut(part, at)))
            left = list(reversed(resolved(tuple(reversed(left)))))
            continue
        at -= size_of(part)
        done.append(part)
    return tuple(done), tuple(reversed(left))
