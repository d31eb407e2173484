"""The rule of primitives that act entry by entry."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..._inference.walker import Equation
from ..._typing import Shape
from .curves import Curve
from .domain import SecondMoments
from .functions import function, times_a_factor
from .independent import INDEPENDENT
from .moves import broadcast
from .norms import RELATIONS
from .origins import weighted_behind, with_origin
from .values import NotKnown, Random, Value


def elementwise(domain: SecondMoments, eqn: Equation, args: Sequence[Value]) -> Value:
    """What is known of a relation of the inputs comes first; independence last."""
    shape = tuple(eqn.outputs[0].shape)
    args = [_as_wide(domain, arg, shape) for arg in args]
    for relation in RELATIONS.get(eqn.name, ()):
        result = relation(domain, args, shape)
        if result is not None:
            return result
    result = times_a_factor(eqn, args) or function(eqn, args)
    if result is not None:
        return result
    combine = INDEPENDENT.get(eqn.name)
    if combine is None:
        raise NotKnown(f"`{eqn.name}` of arrays that are not one function")
    return with_origin(combine(args), weighted_behind(eqn.name, args))


def _as_wide(domain: SecondMoments, one: Value, shape: Shape) -> Value:
    """Repeated along axes of length 1, as equations may leave to be understood."""
    if not isinstance(one, Random) or one.shape == shape or not one.shape:
        return one
    axes = tuple(range(len(shape)))
    return domain.moved(one, lambda m: broadcast(m, shape, axes), axes, shape)


def copied(domain: SecondMoments, eqn: Equation, args: Sequence[Value]) -> Value:
    """The value as it is, or in another precision."""
    del domain, eqn
    (one,) = args
    if not isinstance(one, Random) or one.curve is None:
        return one
    # What was true or false is 1 or 0 from here on.
    curve = Curve(one.curve.index, one.curve.values.astype(float))
    return Random(one.atom, curve, one.origin, one.factor)


_PRIMITIVES = """
    exp exp2 log log1p expm1 tanh sin cos tan sqrt cbrt sign floor square abs ceil round
    sinh cosh atan asinh erf erfc logistic neg rsqrt is_finite not add add_any sub mul
    div max min pow eq ne lt le gt ge and or select_n clamp integer_pow one_minus_square
"""
_COPIES = "copy copy_p stop_gradient reduce_precision convert_element_type"

RULES: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(_PRIMITIVES.split(), elementwise),
    **dict.fromkeys(_COPIES.split(), copied),
}
