"""What is divided by, or minus, a sum of its own: norms and softmax, both ways.

`x - mean(x)` and `x / sqrt(mean(x^2))` are no difference and no quotient of independent
arrays: taken so, a norm would return samples of a spread scale instead of one, and the
weights of a softmax would not sum to one. Nor are the gradients on their way back.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ..._typing import Shape
from .atoms import Origin, numbers
from .curves import at_the_mean
from .domain import SecondMoments
from .independent import inverted, product, with_parts
from .moments import Moments, known, scaled, summing_to_zero, times
from .shares import shares
from .values import Known, Random, Value, random


def centring(
    domain: SecondMoments, args: Sequence[Value], shape: Shape
) -> Value | None:
    """`x - mean(x)`; and `x - max(x)`, by which a softmax is not changed."""
    origin = _origin_of(args[0], args[1], shape)
    if origin is None or not isinstance(args[0], Random):
        return None
    if origin.kind == "max":
        return args[0]
    count = math.prod(shape[axis] for axis in origin.over)
    if origin.kind != "sum" or abs(origin.factor * count - 1) > 1e-6:
        return None
    return domain.centred(args[0], origin)


def normalising(
    domain: SecondMoments, args: Sequence[Value], shape: Shape
) -> Value | None:
    """`x f(sum of x^2)`: samples are of one scale from then on."""
    del domain
    for one, other in (args, args[::-1]):
        origin = _origin_of(one, other, shape)
        if origin is not None and origin.kind == "power":
            return _of_one_scale(one, other, origin)
    return None


def sharing(domain: SecondMoments, args: Sequence[Value], shape: Shape) -> Value | None:
    """`x / sum(x)`, and `x / f(sum of x^2)`."""
    one, other = args
    origin = _origin_of(one, other, shape)
    if origin is None or not isinstance(one, Random) or not isinstance(other, Random):
        return None
    if origin.kind == "power":
        return _of_one_scale(one, inverted(other), origin)
    if origin.kind != "sum":
        return None
    key = one.key, one.atom.place
    if key not in domain.shares:
        some, left = shares(one.moments, other.moments, sorted(origin.over))
        weights = random(scaled(some, 1 / origin.factor), of=[one])
        domain.shares[key] = (weights, left)
    return domain.shares[key][0]


def _origin_of(one: Value, other: Value, shape: Shape) -> Origin | None:
    """How the second value was made of the first one, beside which it stands."""
    if not isinstance(one, Random) or not isinstance(other, Random):
        return None
    origin = other.origin
    if origin is None or origin.of != one.key:
        return None
    return origin.beside(one.atom.place)


def _of_one_scale(one: Value, factor: Value, origin: Origin) -> Value:
    """Not by what the factor is on average: sample by sample it is of the very sum."""
    assert isinstance(one, Random)
    assert isinstance(factor, Random)
    atom = factor.atom
    middle = at_the_mean(factor.values, atom.identity, atom.moments.mean)
    product = times(one.moments, known(middle))
    moments = Moments(one.shape, product.mean, product.pairs)
    # Where the sum of n squares is fixed, each is a little less where another is more.
    count = math.prod(one.shape[axis] for axis in origin.over)
    return random(moments, -2 / count, origin.over, of=[one])


def guarded(domain: SecondMoments, args: Sequence[Value], shape: Shape) -> Value | None:
    """`where(isfinite(m), m, 0)` of a largest value is that largest value."""
    del domain, shape
    largest = [
        arg
        for arg in args
        if isinstance(arg, Random) and arg.origin and arg.origin.kind == "max"
    ]
    others = [arg for arg in args if isinstance(arg, Known)]
    if not largest or not others or len({a.atom.id for a in largest}) != 1:
        return None
    return largest[-1]


def masked_before(
    domain: SecondMoments, args: Sequence[Value], shape: Shape
) -> Value | None:
    """`where(mask, x, 0)` of what is zero wherever it is masked is what it was."""
    del domain, shape
    which, *cases = args
    if not isinstance(which, Known) or len(cases) != 2:
        return None
    for other, case in (cases, cases[::-1]):
        if isinstance(case, Random) and isinstance(other, Known):
            if other.array.any():
                return None
            ones = known(np.asarray(which.array != 0)).mean
            gone = ones if other is cases[1] else 1 - ones
            return None if (gone * case.moments.square).any() else case
    return None


def cancelling(sign: float) -> Callable[..., Value | None]:
    """`w g - w sum(v g)` with weights `v` that sum to one: what is common goes.

    So a gradient leaves a softmax, and a norm its mean and its component along `x`.
    """

    def rule(
        domain: SecondMoments, args: Sequence[Value], shape: Shape
    ) -> Value | None:
        for one, other, signs in ((*args, sign), (*args[::-1], 1.0)):
            result = _without_its_sum(domain, one, other, signs, shape)
            if result is not None:
                return result
        return None

    return rule


def _without_its_sum(
    domain: SecondMoments, one: Value, other: Value, sign: float, shape: Shape
) -> Value | None:
    if not isinstance(one, Random) or not isinstance(other, Random):
        return None
    origin, gradient = other.origin, one.gradient
    if origin is None or gradient is None:
        return None
    whole = (gradient.source, gradient.place)
    for source, place in (whole, *gradient.parts):
        beside = origin.beside(place) if source == origin.of else None
        if beside is not None:
            break
    else:
        return None
    if origin.kind == "projection":
        # Whatever the direction, an n-th is along it, or as much more as is known.
        n = math.prod(shape[axis] for axis in beside.over)
        along = (1 + gradient.along) / (n + gradient.along)
        left = scaled(one.moments, math.sqrt(max(1 - along, 0.0)))
        return with_parts(random(left, one.unevenness, one.atom.units, of=[one]), [one])
    if origin.kind != "weighted" or origin.factor * sign > 0:
        return None
    if gradient.source == origin.of:
        return domain.without_mean(one, gradient, beside)
    return _less(one, other)


def _less(one: Random, other: Random) -> Value:
    """A sum minus the mean of one of its parts."""
    pairs = np.array(one.moments.pairs - other.moments.pairs)
    here = (-1,) * one.moments.ndim
    pairs[here] = np.maximum(pairs[here], 0)
    left = Moments(one.shape, one.moments.mean, pairs)
    return with_parts(random(left, one.unevenness, one.atom.units, of=[one]), [one])


def completing(
    domain: SecondMoments, args: Sequence[Value], shape: Shape
) -> Value | None:
    """`(g / sum(x)) x`: the gradient times the weights that sum to one."""
    for one, other in (args, args[::-1]):
        if not isinstance(one, Random) or not isinstance(other, Random):
            return None
        origin = one.origin
        if origin is None or origin.kind != "quotient" or origin.of != other.key:
            continue
        key = other.key, other.atom.place
        if key not in domain.shares or one.factor is None:
            continue
        beside = origin.beside(other.atom.place)
        if beside is None:
            continue
        weights, left = domain.shares[key]
        # Row by row, in place of what is left on average.
        rows = known(np.sqrt(left / (domain.left.get(one.factor.number) or 1.0)))
        moments = times(one.factor.moments, rows)
        rest = dataclasses.replace(one.factor, moments=moments, number=next(numbers))
        return _of_no_sum(product([Random(rest), weights]), beside.over)
    return None


def _of_no_sum(value: Value, over: frozenset[int]) -> Value:
    """What leaves a softmax: equal logits more for all terms change nothing."""
    if not isinstance(value, Random) or len(over) > 1:
        return value
    (axis,) = over
    moments = summing_to_zero(value.moments, axis)
    return random(moments, value.unevenness, value.atom.units, of=[value])


Relation: TypeAlias = Callable[[SecondMoments, Sequence[Value], Shape], Value | None]

RELATIONS: Mapping[str, tuple[Relation, ...]] = {
    "sub": (centring, cancelling(-1.0)),
    "add": (cancelling(1.0),),
    "add_any": (cancelling(1.0),),
    "mul": (normalising, completing),
    "div": (sharing,),
    "select_n": (guarded, masked_before),
}
