"""Functions of one array by their values, and gradients times such functions."""

from collections.abc import Callable, Sequence

import numpy as np

from ..._inference.walker import Equation
from .atoms import Atom, ones
from .curves import Curve, applied
from .moments import known
from .origins import origin_behind, weighted_behind
from .values import Known, Random, Value


# A known array with more different values than this is no set of classes of positions.
_MOST_CLASSES = 4096


def function(eqn: Equation, args: Sequence[Value]) -> Value | None:
    """A function of one array, and of what is known."""
    randoms = [arg for arg in args if isinstance(arg, Random)]
    atoms = {arg.atom.id for arg in randoms}
    if len(atoms) != 1 or any(arg.factor is not None for arg in randoms):
        return None
    curve = _applied(eqn, [_column(arg) for arg in args])
    return curve and Random(randoms[0].atom, curve, origin_behind(eqn, args))


def _column(arg: Value) -> Curve | np.ndarray | None:
    if isinstance(arg, Random):
        return arg.values
    assert isinstance(arg, Known)
    profile = known(arg.array).mean
    return profile if np.unique(profile).size <= _MOST_CLASSES else None


def _applied(
    eqn: Equation, columns: Sequence[Curve | np.ndarray | None]
) -> Curve | None:
    some = [column for column in columns if column is not None]
    return applied(eqn.name, eqn.params, some) if len(some) == len(columns) else None


def times_a_factor(eqn: Equation, args: Sequence[Value]) -> Value | None:
    """What is linear in a gradient, times functions of one other array, or numbers."""
    randoms = [arg for arg in args if isinstance(arg, Random)]
    factor = _factor(randoms)
    if factor is None or any(a.factor not in (None, factor) for a in randoms):
        return None
    others = {
        a.atom.id: a.atom for a in randoms if a.atom is not factor and a.atom.number
    }
    if len(others) == 2 and eqn.name == "mul":
        return _two_functions(args)
    fits = _LINEAR.get(eqn.name)
    linear = [_is_linear(arg, factor) for arg in args]
    if len(others) > 1 or fits is None or not fits(linear):
        return None
    (atom,) = others.values() or [ones(factor.moments.shape)]
    one = np.ones((1,) * factor.moments.ndim)
    curve = _applied(eqn, [one if _is(a, factor) else _column(a) for a in args])
    if atom.gradient or curve is None:
        return None
    return Random(atom, curve, origin_behind(eqn, args), factor)


def _factor(randoms: Sequence[Random]) -> Atom | None:
    """What these are linear in, if they are."""
    factors = [a.factor for a in randoms if a.factor is not None]
    if factors:
        return factors[0]
    # A gradient that meets something for the first time.
    bare = [a.atom for a in randoms if a.is_atom and a.atom.gradient]
    return bare[0] if len(bare) == 1 else None


def _is(arg: Value, factor: Atom) -> bool:
    return isinstance(arg, Random) and arg.is_atom and arg.atom is factor


def _is_linear(arg: Value, factor: Atom) -> bool | None:
    """None for a zero, which is anything times zero."""
    if isinstance(arg, Known):
        return False if arg.array.any() else None
    return _is(arg, factor) or (isinstance(arg, Random) and arg.factor is factor)


# Whether a primitive is linear in the arguments that are (True), given the others.
_LINEAR: dict[str, Callable[[list[bool | None]], bool]] = {
    "mul": lambda args: args.count(True) == 1,
    "div": lambda args: args[0] is True and args[1] is False,
    "neg": lambda args: args == [True],
    **dict.fromkeys(("add", "sub", "add_any"), lambda args: False not in args),
    "select_n": lambda args: args[0] is not True and False not in args[1:],
}


def _two_functions(args: Sequence[Value]) -> Value | None:
    """`(g f(x)) h(y)`: what was a product is the factor of the next one."""
    for one, other in (args, args[::-1]):
        assert isinstance(one, Random)
        assert isinstance(other, Random)
        if one.factor is None or other.factor is not None or other.atom.gradient:
            continue
        return Random(
            other.atom, other.values, weighted_behind("mul", args), one.as_factor
        )
    return None
