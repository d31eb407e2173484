"""Sums, products and choices of arrays that are taken to be independent."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..._typing import Shape
from .curves import applied
from .moments import Moments, known, plus, scaled, times
from .profiles import largest_part, of_a_sum
from .values import Known, NotKnown, Random, Value, random


# What adds less than this to a second moment adds nothing.
_NOTHING = 1e-8


def moments_of_value(value: Value) -> Moments:
    """Of a value that is known or random."""
    if isinstance(value, Known):
        return known(value.array)
    assert isinstance(value, Random)
    return value.moments


def added(args: Sequence[Value], sign: float = 1.0) -> Value:
    """`x + y`, or `x - y`."""
    one, other = (moments_of_value(arg) for arg in args)
    sizes = [float(m.square.mean()) for m in (one, other)]
    if sizes[1] <= _NOTHING * sizes[0]:
        return args[0]

    def uneven(a: float, b: float) -> float:
        # Scales go together.
        root = float(np.average(np.sign([a, b]) * np.abs([a, b]) ** 0.5, weights=sizes))
        return root * abs(root) if any(sizes) else 0.0

    moments = plus(one, scaled(other, sign))
    return with_parts(_mixed(args, moments, uneven if any(sizes) else max), args)


def subtracted(args: Sequence[Value]) -> Value:
    """`x - y`."""
    return added(args, -1.0)


def with_parts(value: Random, args: Sequence[Value]) -> Random:
    """A sum, with what is in it, and where those gradients are that are."""
    terms = tuple(arg.term for arg in args if isinstance(arg, Random))
    if not value.atom.gradient:
        return dataclasses.replace(
            value, atom=dataclasses.replace(value.atom, terms=terms)
        )
    parts: list[tuple[int, Shape]] = []
    for arg in args:
        if isinstance(arg, Random) and arg.gradient is not None:
            own = arg.gradient.parts if arg.is_atom else ()
            parts += own or ((arg.gradient.source, arg.gradient.place),)
    at, along = largest_part(terms)
    profiles = of_a_sum(terms)
    atom = dataclasses.replace(
        value.atom, parts=tuple(parts), profiles=profiles, at=at, along=along
    )
    return dataclasses.replace(value, atom=atom)


def product(args: Sequence[Value]) -> Value:
    """`x y`."""
    one, other = (moments_of_value(arg) for arg in args)
    return _mixed(args, times(one, other), lambda a, b: (1 + a) * (1 + b) - 1)


def quotient(args: Sequence[Value]) -> Value:
    """`x / y` for a `y` that is of one sign."""
    one, other = args
    return product([one, inverted(other)])


def inverted(value: Value) -> Value:
    """`1 / x`, if `x` is of one sign."""
    if isinstance(value, Known):
        with np.errstate(all="ignore"):
            return Known(1 / value.array)
    assert isinstance(value, Random)
    values = value.values.values
    if value.factor is not None or not ((values > 0).all() or (values < 0).all()):
        raise NotKnown("a quotient by what may be zero")
    curve = applied("div", {}, [np.ones((1,) * len(value.shape)), value.values])
    return Random(value.atom, curve)


def chosen(args: Sequence[Value]) -> Value:
    """One case or the other, by what is independent of both."""
    which, *cases = args
    if len(cases) != 2:
        raise NotKnown("a choice among many")
    share = moments_of_value(which)
    rest = plus(known(np.ones((1,) * share.ndim)), scaled(share, -1.0))
    one, other = (
        times(moments_of_value(case), part)
        for case, part in zip(cases, (rest, share), strict=True)
    )
    total = plus(one, other)
    # Never both at once: the cross term of a sum belongs to other places only.
    pairs = np.array(total.pairs)
    pairs[(-1,) * total.ndim] = one.square + other.square
    return _mixed(cases, Moments(total.shape, total.mean, pairs), max)


def _mixed(
    args: Sequence[Value], moments: Moments, mix: Callable[[float, float], float]
) -> Random:
    a, b = (arg.unevenness if isinstance(arg, Random) else 0.0 for arg in args)
    randoms = [arg for arg in args if isinstance(arg, Random)]
    # An array of one scale does not say which axes have a scale in common.
    uneven = [arg.atom.units for arg in randoms if arg.unevenness != 0]
    uneven = uneven or [arg.atom.units for arg in randoms if arg.atom.units]
    units = frozenset.intersection(*uneven) if uneven else frozenset()
    return random(moments, mix(a, b), units, of=args)


INDEPENDENT: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "add": added,
    "add_any": added,
    "sub": subtracted,
    "mul": product,
    "div": quotient,
    "select_n": chosen,
}
