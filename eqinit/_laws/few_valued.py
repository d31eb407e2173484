"""Unit laws over few values: signs, thirds, a circle."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp

from .._typing import Array, DTypeLike, Key, Number, Shape
from .base import AbstractBase, is_complex


class RandomSign(AbstractBase):
    """-1 or 1 with equal odds; complex draws are (±1 ± i) / sqrt(2)."""

    mean = 0.0
    support = (-1.0, 1.0)

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return _signs(key, shape, dtype)

    def std(self, is_complex: bool = False) -> float:
        del is_complex
        return 1.0

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 1.0


def _signs(key: Key, shape: Shape, dtype: DTypeLike) -> Array:
    if not is_complex(dtype):
        return jax.random.rademacher(key, shape, dtype)
    real = jnp.finfo(dtype).dtype
    half = jnp.asarray(math.sqrt(0.5), real)
    re, im = (jax.random.rademacher(k, shape, real) for k in jax.random.split(key))
    return jax.lax.complex(re * half, im * half)


class RandomTernary(AbstractBase):
    """-1, 0 or 1: non-zero with probability `density`, either sign alike.

    **Arguments:**

    - `density`: expected share of non-zero entries, in (0, 1].
    """

    density: Number = eqx.field(static=True, default=2 / 3)
    mean = 0.0
    support = (-1.0, 1.0)

    def __check_init__(self) -> None:
        if not 0 < self.density <= 1:
            raise ValueError(
                f"RandomTernary got density={self.density}; it must be in (0, 1]."
            )

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        mask_key, sign_key = jax.random.split(key)
        mask = jax.random.bernoulli(mask_key, float(self.density), shape)
        return jnp.where(mask, _signs(sign_key, shape, dtype), jnp.zeros((), dtype))

    def std(self, is_complex: bool = False) -> float:
        del is_complex
        return math.sqrt(self.density)

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 1 / self.density


class RandomPhase(AbstractBase):
    """Complex numbers of modulus 1 with a uniform phase."""

    mean = 0.0

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        real = jnp.finfo(dtype).dtype
        angle = jax.random.uniform(key, shape, real, -math.pi, math.pi)
        return jax.lax.complex(jnp.cos(angle), jnp.sin(angle))

    def farthest(self, dtype: DTypeLike) -> float:
        del dtype
        return 1.0

    def fits(self, is_complex: bool) -> None:
        if not is_complex:
            raise ValueError(
                "RandomPhase draws complex numbers, and the parameter is real. Its "
                "real counterpart is `RandomSign()`."
            )

    def std(self, is_complex: bool = False) -> float:
        self.fits(is_complex)
        return 1.0

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 1.0
