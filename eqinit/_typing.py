"""Names for the types that appear in public signatures, and the runtime checker."""

import functools
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar

import jax
import numpy as np
from jaxtyping import Array, PRNGKeyArray, jaxtyped


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

_F = TypeVar("_F", bound=Callable[..., Any])


def checked(fn: _F) -> _F:
    """Check `fn`'s annotations at run time with jaxtyping and beartype.

    Decorating costs about 3 ms, so it is put off until the first call: importing
    eqinit stays cheap however many public functions there are.
    """
    compiled: list[Callable[..., Any]] = []

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not compiled:
            from beartype import beartype

            compiled.append(jaxtyped(fn, typechecker=beartype))
        return compiled[0](*args, **kwargs)

    return call  # pyright: ignore[reportReturnType]


__all__ = [
    "ROLES",
    "Array",
    "DTypeLike",
    "Key",
    "Number",
    "RoleName",
    "ScalarLike",
    "Shape",
    "checked",
]
