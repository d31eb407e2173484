"""Base distributions: unit laws that a scheme moves and scales."""

import abc
import math
from typing import ClassVar, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._typing import Array, DTypeLike, Key, Number, ScalarLike, Shape


# The least and the largest value of a real law.
Bounds: TypeAlias = tuple[Number, Number]


class AbstractBase(eqx.Module):
    """A fixed distribution, hashable: one compiled draw serves every scale.

    Its fields are static. A subclass says how to draw, and its moments; where these do
    not exist or are useless (Cauchy), it says what to test instead (`normalise`).
    """

    # A class variable where it is a number; most unit laws are centred.
    mean: ClassVar[float] = 0.0
    # The least and the largest value of a real draw, where they are known.
    support: ClassVar[Bounds | None] = None

    @abc.abstractmethod
    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array: ...

    @abc.abstractmethod
    def std(self, is_complex: bool = False) -> float: ...

    @abc.abstractmethod
    def kurtosis(self, is_complex: bool = False) -> float:
        """E|z - mean|^4 / std^4, which sets the sampling error of a variance."""

    @property
    def kernel(self) -> tuple[str, tuple[float, ...]] | None:
        """Name and parameters of the kernel that draws it in bulk, in float32."""
        return None

    def farthest(self, dtype: DTypeLike) -> float | None:
        """The largest size of a draw in `dtype`: what the bits that jax draws allow.

        Where nobody says it, that of a normal in units of its std: once in 1.7 million.
        """
        far = max(map(abs, self.support or EVERYWHERE))
        if not math.isfinite(far):
            far = abs(self.mean) + 5 * self.std(is_complex(dtype))
        return float(far) if math.isfinite(far) else None

    def fits(self, is_complex: bool) -> None:
        """Raise a `ValueError` if it does not draw complex (or real) numbers."""
        del is_complex

    def scale_for(self, variance: ScalarLike, is_complex: bool) -> ScalarLike:
        """The factor that gives draws this variance (E|w|^2 for complex ones)."""
        return over(sqrt(variance), self.std(is_complex))

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        """Map draws to numbers whose mean and variance are worth testing."""
        del is_complex
        return values

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        """Mean, standard deviation and kurtosis of what `normalise` returns."""
        return self.mean, self.std(is_complex), self.kurtosis(is_complex)


class AbstractRealBase(AbstractBase):
    """A base for real parameters: complex ones are refused while planning."""

    def fits(self, is_complex: bool) -> None:
        if is_complex:
            raise ValueError(
                f"{type(self).__name__} is a law of real numbers, and the parameter is "
                "complex. Use a normal, a truncated normal, a uniform or "
                "`RandomPhase()`."
            )


class AbstractFixedBase(AbstractRealBase):
    """A base for real parameters whose moments are mere numbers."""

    deviation: ClassVar[float]
    fourth: ClassVar[float]

    def std(self, is_complex: bool = False) -> float:
        self.fits(is_complex)
        return self.deviation

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return self.fourth


EVERYWHERE: Bounds = (-math.inf, math.inf)
POSITIVE: Bounds = (0.0, math.inf)


def sqrt(value: ScalarLike) -> ScalarLike:
    """A square root that keeps numpy scalars in numpy and follows traced ones."""
    return jnp.sqrt(value) if isinstance(value, jax.Array) else np.sqrt(value)


def over(value: ScalarLike, number: Number) -> ScalarLike:
    """`value / number`, rounded alike by itself and in a vector of them.

    XLA divides vectors by an approximation, so a gain under `vmap` would give other
    bits than by itself; it multiplies both exactly.
    """
    if isinstance(value, jax.Array):
        return value * np.asarray(1 / number, value.dtype)
    return value / as_dtype(number, value)


def as_dtype(value: Number, like: ScalarLike) -> ScalarLike:
    return np.asarray(value, like.dtype)[()] if hasattr(like, "dtype") else value  # pyright: ignore


def is_complex(dtype: DTypeLike) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.complexfloating))
