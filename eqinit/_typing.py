"""Names for the types that appear in public signatures, and the runtime checker."""

import functools
import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import jax
import numpy as np
from jaxtyping import Array, PRNGKeyArray, TypeCheckError, jaxtyped

from . import _checks
from ._calls import bound, said


RoleName: TypeAlias = Literal["kernel", "bias", "scale", "embedding", "other"]
ROLES: tuple[RoleName, ...] = ("kernel", "bias", "scale", "embedding", "other")

Shape: TypeAlias = tuple[int, ...]
# To static checkers an int is a float; to a runtime one only if it is said.
Number: TypeAlias = float | int
# Anything that `jnp.dtype` understands; numpy's own alias is private to stubs.
DTypeLike: TypeAlias = Any
# Hyper-parameters stay Python floats until the engine; arrays (traced, vmapped) may
# take their place, which is what makes a gain differentiable.
ScalarLike: TypeAlias = float | int | np.number[Any] | np.ndarray | jax.Array
Key: TypeAlias = PRNGKeyArray

# Hyper-parameters with what they have to be, which is checked wherever they are passed.
Finite: TypeAlias = Annotated[ScalarLike, _checks.finite]
Positive: TypeAlias = Annotated[ScalarLike, _checks.positive]
NonNegative: TypeAlias = Annotated[ScalarLike, _checks.non_negative]
Natural: TypeAlias = Annotated[int, _checks.natural]
_several = _checks.Condition("a whole number >= 2", lambda x: x >= 2, ("whole",))
Several: TypeAlias = Annotated[int, _several]
Count: TypeAlias = Annotated[int, _checks.count]
Whole: TypeAlias = Annotated[int, _checks.whole]
# The same, where a number is wanted and no array will do.
FiniteNumber: TypeAlias = Annotated[Number, _checks.finite]
PositiveNumber: TypeAlias = Annotated[Number, _checks.positive]
NonNegativeNumber: TypeAlias = Annotated[Number, _checks.non_negative]
# What has a number for each entry of a parameter, or for each class.
Entries: TypeAlias = Annotated[ScalarLike, _checks.finite, _checks.entries]


def _are_sizes(value: Any) -> bool:
    whole = [isinstance(n, int | np.integer) and n >= 0 for n in value]
    flags = [isinstance(n, bool | np.timedelta64) for n in value]
    # Beyond that jax has no random bits.
    return all(whole) and not any(flags) and math.prod(map(int, value)) < 2**63


_sizes = _checks.Kind(
    "a tuple of whole numbers >= 0, of less than 2**63 entries in all",
    lambda value: isinstance(value, tuple) and _are_sizes(value),
)
# A shape from users, who may have worked it out with numpy.
AnyShape: TypeAlias = Annotated[tuple[Any, ...], _sizes]

_F = TypeVar("_F", bound=Callable[..., Any])


def checked(fn: _F) -> _F:
    """Check what `fn` is called with, its types by jaxtyping and beartype.

    Decorating costs about 3 ms, so it is put off until the first call: importing
    eqinit stays cheap however many public functions there are.
    """
    compiled: list[Callable[..., Any]] = []

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not compiled:
            from beartype import beartype

            compiled.append(jaxtyped(fn, typechecker=beartype))
        bound(fn, args, kwargs)
        _checks.check_call(fn, args, kwargs)
        try:
            return compiled[0](*args, **kwargs)
        except TypeCheckError as error:
            # From None: what jaxtyping says is the model, whole, and then the reason.
            raise (said(fn, args, kwargs, error) or error) from None

    return call  # pyright: ignore[reportReturnType]


__all__ = [
    "ROLES",
    "AnyShape",
    "Array",
    "Count",
    "DTypeLike",
    "Entries",
    "Finite",
    "FiniteNumber",
    "Key",
    "Natural",
    "NonNegative",
    "NonNegativeNumber",
    "Number",
    "Positive",
    "PositiveNumber",
    "RoleName",
    "ScalarLike",
    "Several",
    "Shape",
    "Whole",
    "checked",
]
