"""Unit laws with more in their tails than a normal, from Laplace to Cauchy."""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._typing import Array, DTypeLike, Key, Number, ScalarLike, Shape
from .base import EVERYWHERE, AbstractFixedBase, AbstractRealBase, over, sqrt
from .exact import tan


class StandardLaplace(AbstractFixedBase):
    """Laplace with location 0 and scale 1: variance 2."""

    mean = 0.0
    support = EVERYWHERE
    deviation = math.sqrt(2.0)
    fourth = 6.0

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return jax.random.laplace(key, shape, dtype)

    def farthest(self, dtype: DTypeLike) -> float:
        return -math.log(jnp.finfo(dtype).epsneg)


class StandardLogistic(AbstractFixedBase):
    """Logistic with location 0 and scale 1: variance pi^2 / 3."""

    mean = 0.0
    support = EVERYWHERE
    deviation = math.pi / math.sqrt(3)
    fourth = 4.2

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        z = jax.random.logistic(key, shape, dtype)
        # jax takes a uniform 0, once in 8 million entries, for the least float there
        # is: 87 below the mean, where the next draw is 16 below it.
        return jnp.maximum(z, jnp.asarray(-self.farthest(dtype), dtype))

    def farthest(self, dtype: DTypeLike) -> float:
        return -math.log(jnp.finfo(dtype).eps)


class AbstractHeavyTail(AbstractRealBase):
    """A law whose moments are useless or missing: its cdf is tested instead."""

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        # What `normalise` returns, the cdf at each draw, is uniform on [0, 1].
        del is_complex
        return 0.5, 1 / math.sqrt(12), 1.8

    @abc.abstractmethod
    def farthest(self, dtype: DTypeLike) -> float: ...  # of no std to tell it by

    @abc.abstractmethod
    def without_variance(self) -> str:
        """What an error says where a variance is asked for and there is none."""

    def scale_for(self, variance: ScalarLike, is_complex: bool) -> ScalarLike:
        std = self.std(is_complex)
        if math.isinf(std):
            raise ValueError(self.without_variance())
        return over(sqrt(variance), std)


class StandardStudentT(AbstractHeavyTail):
    """Student's t: variance `df / (df - 2)` for `df > 2`, kurtosis from 4 on only.

    **Arguments:**

    - `df`: degrees of freedom.
    """

    df: Number = eqx.field(static=True, default=5.0)
    mean = 0.0
    support = EVERYWHERE

    def __check_init__(self) -> None:
        if not 0 < self.df < math.inf:
            raise ValueError(f"StandardStudentT got df={self.df}; it must be positive.")

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        # Bailey's polar form: exact for any df, and two uniforms instead of the
        # rejection loop that a gamma draw would need.
        radius_key, angle_key = jax.random.split(key)
        # In (0, 1], so that the logarithm is finite.
        uniform = 1 - jax.random.uniform(radius_key, shape, dtype)
        angle = jax.random.uniform(angle_key, shape, dtype)
        square = jnp.expm1(jnp.log(uniform) * jnp.asarray(-2 / self.df, dtype))
        radius = jnp.sqrt(square * jnp.asarray(self.df, dtype))
        return radius * jnp.cos(angle * jnp.asarray(2 * math.pi, dtype))

    def farthest(self, dtype: DTypeLike) -> float:
        # The least `uniform` is eps. The square may overflow where its root does not.
        limits = jnp.finfo(dtype)
        exponent = -2 / self.df * math.log(limits.eps)
        if exponent >= math.log(limits.max) - max(math.log(self.df), 0.0):
            return math.inf
        return math.sqrt(self.df * math.expm1(exponent))

    def std(self, is_complex: bool = False) -> float:
        self.fits(is_complex)
        if self.df <= 2:
            return math.inf
        return math.sqrt(self.df / (self.df - 2))

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 3 + 6 / (self.df - 4) if self.df > 4 else math.inf

    def without_variance(self) -> str:
        return (
            f"Student's t with df={self.df} has no variance to scale; use df > 2, or "
            "give the scale itself with `StudentT(df, scale=...)`."
        )

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        del is_complex
        t = np.asarray(values, np.float32)
        share = jnp.asarray(self.df / (self.df + t * t))
        half = jax.scipy.special.betainc(
            jnp.float32(self.df / 2), jnp.float32(0.5), share
        )
        tail = np.asarray(half, np.float64) / 2
        return np.where(t < 0, tail, 1 - tail)


class StandardCauchy(AbstractHeavyTail):
    """Cauchy with location 0 and scale 1: half of the draws are in (-1, 1)."""

    mean = math.nan
    support = EVERYWHERE

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        # As `jax.random.cauchy`, less its tangent.
        tiny = float(jnp.finfo(dtype).eps)
        share = jax.random.uniform(key, shape, dtype, tiny, 1.0)
        return tan(jnp.asarray(math.pi, dtype) * (share - jnp.asarray(0.5, dtype)))

    def farthest(self, dtype: DTypeLike) -> float:
        # The angle ends pi eps before pi / 2, less two roundings of half an eps each.
        return 1 / (2 * float(jnp.finfo(dtype).eps))

    def std(self, is_complex: bool = False) -> float:
        self.fits(is_complex)
        return math.inf

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return math.inf

    def without_variance(self) -> str:
        return (
            "a Cauchy law has no variance to scale. Give its scale, half the distance "
            "between its quartiles, with `Cauchy(scale)`."
        )

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        del is_complex
        # Of one number, a ufunc of numpy returns no array.
        return np.asarray(0.5 + np.arctan(values) / math.pi)
