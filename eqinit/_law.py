"""Laws: what a parameter is drawn from, and the moments that it should show."""

import abc
import functools
import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._bases import AbstractBase
from ._typing import Array, DTypeLike, Key, ScalarLike, Shape


class Moments(NamedTuple):
    """Expected mean and standard deviation (root mean of |w - mean|^2) of an entry."""

    mean: float
    std: float


class AbstractLaw(eqx.Module):
    """A distribution that every entry of a parameter follows independently."""

    @abc.abstractmethod
    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw an array of `shape` in `dtype` (float32 or wider, or complex)."""

    @abc.abstractmethod
    def moments(self, is_complex: bool = False) -> Moments: ...

    @abc.abstractmethod
    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        """Map draws to numbers whose mean and variance are worth testing."""

    @abc.abstractmethod
    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        """Mean, standard deviation and kurtosis of what `normalise` returns."""


class ConstantLaw(AbstractLaw):
    """Every entry is `value` (which may be an array that broadcasts)."""

    value: ScalarLike

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        del key  # deterministic
        # With an explicit dtype: `full(shape, 1.0)` is weakly typed, which costs one
        # more trace of whatever takes the model as an argument.
        value = jnp.asarray(self.value, dtype)
        # `+ 0` would not copy under jit; `broadcast_to` of a same-shaped array is the
        # array itself, and nobody may get the caller's own buffer.
        return jnp.array(jnp.broadcast_to(value, shape), dtype, copy=True)

    def moments(self, is_complex: bool = False) -> Moments:
        del is_complex
        value = np.asarray(self.value)
        value = value.astype(np.promote_types(value.dtype, np.float64))
        return Moments(_real(value.mean()), float(value.std()))

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        del is_complex
        value = np.broadcast_to(np.asarray(self.value), values.shape)
        return np.asarray(values - value.astype(values.dtype), values.dtype)

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        del is_complex
        return 0.0, 0.0, 3.0


class LocScale(AbstractLaw):
    r"""$w = \text{loc} + \text{scale} \cdot z$ with $z$ from a base distribution."""

    base: AbstractBase
    loc: ScalarLike = 0.0
    scale: ScalarLike = 1.0

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return _sample_loc_scale(
            self.base, key, shape, dtype, *_arguments(self.loc, self.scale, dtype)
        )

    def moments(self, is_complex: bool = False) -> Moments:
        base, scale = self.base, float(np.abs(np.asarray(self.scale)))
        mean = _real(np.asarray(self.loc + self.scale * base.mean))
        return Moments(mean, scale * base.std(is_complex))

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        return self.base.normalise(_divide(values, self.loc, self.scale), is_complex)

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        return self.base.normalised(is_complex)


class LogNormalLaw(AbstractLaw):
    r"""$w = \exp(\mu + \sigma z)$ with $z$ standard normal."""

    mu: ScalarLike
    sigma: ScalarLike

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return _sample_log_normal(key, shape, dtype, self.mu, self.sigma)

    def moments(self, is_complex: bool = False) -> Moments:
        del is_complex
        mu, variance = float(self.mu), float(self.sigma) ** 2
        mean = math.exp(mu + variance / 2)
        return Moments(mean, mean * math.sqrt(math.expm1(variance)))

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        # The log, because the sample variance of a log-normal says nothing: its
        # relative error is governed by a kurtosis of exp(4 sigma^2).
        del is_complex
        return _divide(np.log(values), self.mu, self.sigma)

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        del is_complex
        return 0.0, 1.0, 3.0


def _real(value: np.ndarray | np.generic) -> float:
    return float(np.real(value))


def _divide(values: np.ndarray, loc: ScalarLike, scale: ScalarLike) -> np.ndarray:
    scale = np.asarray(scale)
    if not np.any(scale):
        return values - np.asarray(loc)
    return (values - np.asarray(loc)) / scale


def _arguments(
    loc: ScalarLike, scale: ScalarLike, dtype: DTypeLike
) -> tuple[Array | None, Array]:
    # `+ 0.0` would turn -0.0 into 0.0 and break bit equality with jax, so a location
    # that is plainly zero is not added at all.
    plain_zero = isinstance(loc, (int, float)) and loc == 0
    return None if plain_zero else jnp.asarray(loc, dtype), jnp.asarray(scale, dtype)


@functools.partial(jax.jit, static_argnums=(0, 2, 3))
def _sample_loc_scale(
    base: AbstractBase,
    key: Key,
    shape: Shape,
    dtype: DTypeLike,
    loc: Array | None,
    scale: Array,
) -> Array:
    # The barrier keeps XLA from folding `scale` into the constants of the base when it
    # is itself a constant (inside a user's jit), which would change the last bit.
    base_draw, scale = jax.lax.optimization_barrier(
        (base.sample(key, shape, dtype), scale)
    )
    scaled = base_draw * scale
    return scaled if loc is None else scaled + loc


@functools.partial(jax.jit, static_argnums=(1, 2))
def _sample_log_normal(
    key: Key, shape: Shape, dtype: DTypeLike, mu: ScalarLike, sigma: ScalarLike
) -> Array:
    normal = jax.random.normal(key, shape, dtype)
    return jnp.exp(normal * jnp.asarray(sigma, dtype) + jnp.asarray(mu, dtype))
