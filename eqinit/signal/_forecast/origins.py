"""What is still known of a value's origin behind an equation."""

import dataclasses
from collections.abc import Sequence

from ..._inference.walker import Equation
from .atoms import Origin
from .moments import known
from .values import Known, Random, Value, sign_of


_SUMS_OF_WEIGHTS = ("weighted", "projected", "projection")


def origin_behind(eqn: Equation, args: Sequence[Value]) -> Origin | None:
    """Of the output of a primitive that acts entry by entry."""
    return (
        _square(eqn, args)
        or weighted_behind(eqn.name, args)
        or _quotient(eqn.name, args)
        or _sum(eqn, args)
    )


def with_origin(value: Value, origin: Origin | None) -> Value:
    """The value, with an origin if there is one."""
    if origin is None or not isinstance(value, Random):
        return value
    return dataclasses.replace(value, origin=origin)


def _square(eqn: Equation, args: Sequence[Value]) -> Origin | None:
    one = args[0]
    if not isinstance(one, Random):
        return None
    power = eqn.name == "integer_pow" and eqn.params["y"] == 2
    product = eqn.name == "mul" and args[1] is one
    if not (power or product or eqn.name == "square"):
        return None
    return Origin("square", one.key, frozenset(), tuple(range(len(one.shape))))


def _quotient(name: str, args: Sequence[Value]) -> Origin | None:
    """That something was divided by a sum, by which the terms of that are shares."""
    bottom = args[-1]
    if name != "div" or not isinstance(bottom, Random) or bottom.origin is None:
        return None
    origin = bottom.origin
    if origin.kind != "sum" or isinstance(args[0], Known):
        return None
    return dataclasses.replace(origin, kind="quotient")


def _sum(eqn: Equation, args: Sequence[Value]) -> Origin | None:
    """Any function of a sum of squares is one still; another sum may be scaled."""
    origins = [arg.origin for arg in args if isinstance(arg, Random) and arg.origin]
    if len(origins) != 1:
        return None
    (origin,) = origins
    # A largest value that is at least some number is what it was, but for that number.
    if origin.kind == "power" or (origin.kind == "max" and eqn.name == "max"):
        return origin
    factor = _factor(eqn.name, args)
    if origin.kind != "sum" or factor is None:
        return None
    return dataclasses.replace(origin, factor=origin.factor * factor)


def _factor(name: str, args: Sequence[Value]) -> float | None:
    """The number that a value is multiplied by."""
    one, *rest = args
    for value, other in ((one, *rest), (*rest, one)) if len(rest) == 1 else ():
        if isinstance(other, Known) and value is not other:
            profile = known(other.array).mean
            if profile.size != 1:
                return None
            number = float(profile.reshape(()))
            if name == "mul":
                return number
            if name == "div" and other is args[1] and number:
                return 1 / number
    return None


def weighted_behind(name: str, args: Sequence[Value]) -> Origin | None:
    """A weighted sum is one whatever it is multiplied by; that may change its sign."""
    if name not in ("mul", "div", "neg", "select_n"):
        return None
    for place, arg in enumerate(args):
        origin = arg.origin if isinstance(arg, Random) else None
        if origin is None or origin.kind not in _SUMS_OF_WEIGHTS:
            continue
        others = [*args[:place], *args[place + 1 :]]
        if name == "div" and place:
            return None
        if origin.kind != "weighted":
            met = any(
                isinstance(o, Random) and o.direction == origin.weights for o in others
            )
            return dataclasses.replace(origin, kind="projection") if met else origin
        sign = _sign(name, others)
        return (
            dataclasses.replace(origin, factor=sign * origin.factor) if sign else None
        )
    return None


def _sign(name: str, others: Sequence[Value]) -> int:
    sign = -1 if name == "neg" else 1
    for other in others if name != "select_n" else ():
        sign *= sign_of(other)
    return sign
