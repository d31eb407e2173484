"""Rules of sums, of largest values, and of both in windows."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._inference.walker import Equation
from .atoms import Atom, Origin
from .domain import SecondMoments
from .largest import largest
from .moments import Moments, total
from .moves import taken, without
from .moving import reshape
from .origins import with_origin
from .products import window_index
from .values import NotKnown, Random, Value, random, sign_of


def reduce_sum(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """The sum, and what it is a sum of."""
    over = frozenset(int(axis) for axis in eqn.params["axes"])
    if all(eqn.inputs[0].shape[axis] == 1 for axis in over):
        return reshape(domain, eqn, args)  # nothing is added up
    (one,) = args
    kept = tuple(axis for axis in range(len(one.shape)) if axis not in over)
    moments = without(total(one.moments, sorted(over)), over)
    units = frozenset(i for i, axis in enumerate(kept) if axis in one.atom.units)
    place = (one.factor or one.atom).place
    axes = tuple(place[axis] for axis in kept)
    origin = _origin(one, over, axes, frozenset(place[axis] for axis in over))
    positive = sign_of(one) > 0
    return random(moments, 0.0, units, of=[one], positive=positive, origin=origin)


def _origin(one: Random, over: frozenset[int], axes: Any, summed: Any) -> Origin:
    """What a sum is of.

    - `axes`, `summed`: those that are left, and those that are not, as they were
        numbered at first.
    """
    if one.factor is None and one.is_atom and one.atom.gradient:
        share = 1 / math.prod(one.shape[axis] for axis in over)
        return Origin("weighted", one.atom.source, summed, axes, 1.0, share)
    if one.factor is None and one.origin is not None and one.origin.kind == "square":
        return Origin("power", one.origin.of, summed, axes)
    if one.factor is None:
        return Origin("sum", one.key, summed, axes)
    source, weights = one.factor.source, Random(one.atom, one.curve)
    sign = sign_of(weights)
    if not sign:
        return Origin("projected", source, summed, axes, weights=weights.direction)
    sums = float(total(weights.moments, sorted(over)).square.mean())
    count = math.prod(one.shape[axis] for axis in over)
    squares = float(weights.moments.square.mean()) * count
    share = min(squares / sums, 1.0) if sums > 0 else 1.0
    return Origin("weighted", source, summed, axes, float(sign), share)


def reduce_max(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """The largest along some axes."""
    (one,), over = args, sorted(int(axis) for axis in eqn.params["axes"])
    count = float(math.prod(one.shape[axis] for axis in over))
    kept = tuple(axis for axis in range(len(one.shape)) if axis not in over)
    place = one.atom.place
    summed = frozenset(place[axis] for axis in over)
    origin = Origin("max", one.key, summed, tuple(place[axis] for axis in kept))
    try:
        top = largest(one, one.atom.moments, over, count)
    except NotKnown:
        # A softmax only subtracts it, by which it is not changed.
        shape = tuple(eqn.outputs[0].shape)
        pair = (np.full((1,) * n, np.nan) for n in (len(kept), 2 * len(kept)))
        return Random(Atom(Moments(shape, *pair)), origin=origin)
    return with_origin(_without(domain, top, kept), origin)


def _without(domain: SecondMoments, one: Random, kept: Sequence[int]) -> Random:
    gone = [axis for axis in range(len(one.shape)) if axis not in kept]
    return domain.moved(one, lambda m: without(m, gone), kept, ("only", *kept))


def reduce_window_sum(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """The sum of each window."""
    del domain
    (one,) = args
    seen, over, _ = _windows(one.moments, eqn.params, clip=False)
    moments = without(total(seen, over), over)
    return random(moments, one.unevenness, one.atom.units, of=[one])


def reduce_window_max(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """The largest of each window."""
    (one, *_) = args
    if not isinstance(one, Random):
        raise NotKnown("the largest of windows of constants")
    seen, over, number = _windows(one.atom.moments, eqn.params, clip=True)
    kept = [axis for axis in range(seen.ndim) if axis not in over]
    return _without(domain, largest(one, seen, over, number), kept)


def _windows(
    one: Moments, params: Any, *, clip: bool
) -> tuple[Moments, list[int], float]:
    """What windows see, which axes are those of taps, and how many taps there are.

    - `clip`: see the edge again instead of nothing, where a window goes beyond it; then
        on average fewer taps count.
    """
    over: list[int] = []
    place, number = 0, 1.0
    names = ("padding", "window_strides", "base_dilation", "window_dilation")
    for axis, taps in enumerate(params["window_dimensions"]):
        own = [params[name][axis] for name in names]
        if taps != 1 or own[1] != 1:
            index = window_index(one.shape[place], taps, *own)
            number *= taps * float((index >= 0).mean())
            one = taken(one, place, np.maximum(index, 0) if clip else index)
            over.append(place + 1)
            place += 1
        place += 1
    return one, over, number


RULES: Mapping[str, Callable[..., Any]] = {
    "reduce_sum": reduce_sum,
    "reduce_max": reduce_max,
    "reduce_window_sum": reduce_window_sum,
    "reduce_window_max": reduce_window_max,
}
