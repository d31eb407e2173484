"""Unit laws of positive numbers."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp

from .._typing import Array, DTypeLike, Key, Number, Shape
from .base import POSITIVE, AbstractFixedBase, AbstractRealBase
from .unit import StandardNormal


class UnitExponential(AbstractFixedBase):
    """Exponential with mean 1 and variance 1."""

    mean = 1.0
    support = POSITIVE
    deviation = 1.0
    fourth = 9.0

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return jax.random.exponential(key, shape, dtype)

    def farthest(self, dtype: DTypeLike) -> float:
        return -math.log(jnp.finfo(dtype).eps)


class StandardHalfNormal(AbstractFixedBase):
    """The modulus of a standard normal: mean sqrt(2 / pi), variance 1 - 2 / pi."""

    mean = math.sqrt(2 / math.pi)
    support = POSITIVE
    deviation = math.sqrt(1 - 2 / math.pi)
    fourth = 3 + 8 * (math.pi - 3) / (math.pi - 2) ** 2

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return jnp.abs(jax.random.normal(key, shape, dtype))

    def farthest(self, dtype: DTypeLike) -> float:
        return StandardNormal().farthest(dtype)


class UnitGamma(AbstractRealBase):
    """Gamma with shape `shape` and scale 1: mean and variance are `shape`.

    **Arguments:**

    - `shape`: 1 is the exponential, below 1 most of the mass is near zero.
    """

    shape: Number = eqx.field(static=True, default=1.0)
    support = POSITIVE

    def __check_init__(self) -> None:
        if not 0 < self.shape < math.inf:
            raise ValueError(f"UnitGamma got shape={self.shape}; it must be positive.")

    @property
    def mean(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return float(self.shape)

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return jax.random.gamma(key, jnp.asarray(self.shape, dtype), shape, dtype)

    def farthest(self, dtype: DTypeLike) -> float:
        # Marsaglia and Tsang's: the cube of a normal, and below 1 a share of that.
        d = self.shape + (self.shape < 1) - 1 / 3
        return d * (1 + StandardNormal().farthest(dtype) / (3 * math.sqrt(d))) ** 3

    def std(self, is_complex: bool = False) -> float:
        self.fits(is_complex)
        return math.sqrt(self.shape)

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 3 + 6 / self.shape
