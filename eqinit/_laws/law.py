"""Laws: what a parameter is drawn from, and the moments that it should show."""

import abc
import dataclasses
import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._typing import Array, DTypeLike, Key, ScalarLike, Shape
from .exact import affine, apart
from .unit import AbstractBase, is_complex


class Moments(NamedTuple):
    """Expected mean and standard deviation of an entry.

    - `mean`: its real part, of a complex entry.
    - `std`: the root mean of |w - mean|^2.
    """

    mean: float
    std: float


# Mean, std and kurtosis of the deviations from a law without spread: all are 0, and
# there is no scale to divide by.
CERTAIN = (0.0, 0.0, 3.0)


# Plain dataclasses and not modules: a plan makes one a parameter, and building an
# `eqx.Module` costs a hundred times as much.


class AbstractLaw(abc.ABC):
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


@dataclasses.dataclass(frozen=True, eq=False)
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
        return CERTAIN


@dataclasses.dataclass(frozen=True, eq=False)
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
        units = _divide(values, self.loc, self.scale)
        return self.base.normalise(units, is_complex) if np.any(self.scale) else units

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        return self.base.normalised(is_complex) if np.any(self.scale) else CERTAIN


@dataclasses.dataclass(frozen=True, eq=False)
class UniformLaw(AbstractLaw):
    r"""Uniform on $[\text{lower}, \text{upper})$, in the arithmetic of `jax.random`.

    Complex draws have two independent parts of half the variance each, so that
    E|w - mean|^2 is that of the real law.
    """

    lower: ScalarLike
    upper: ScalarLike

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        real = jnp.finfo(dtype).dtype if is_complex(dtype) else dtype
        lower, upper = (jnp.asarray(v, real) for v in (self.lower, self.upper))
        return _sample_uniform(key, shape, dtype, lower, upper)

    def moments(self, is_complex: bool = False) -> Moments:
        del is_complex
        lower, upper = float(self.lower), float(self.upper)
        return Moments((lower + upper) / 2, (upper - lower) / math.sqrt(12))

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        del is_complex
        return _divide(values, self.lower, np.subtract(self.upper, self.lower))

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        if np.equal(self.lower, self.upper):
            return CERTAIN
        return 0.5, 1 / math.sqrt(12), 1.4 if is_complex else 1.8


@dataclasses.dataclass(frozen=True, eq=False)
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
        return _divide(np.asarray(np.log(values)), self.mu, self.sigma)

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        del is_complex
        return (0.0, 1.0, 3.0) if np.any(self.sigma) else CERTAIN


def _real(value: np.ndarray | np.generic) -> float:
    return float(np.real(value))


def _divide(values: np.ndarray, loc: ScalarLike, scale: ScalarLike) -> np.ndarray:
    """`(values - loc) / scale`; of a law without spread, the deviations themselves."""
    deviations = values - np.asarray(loc)
    # Arithmetic on arrays without axes gives numbers.
    return np.asarray(deviations / np.asarray(scale) if np.any(scale) else deviations)


def _arguments(
    loc: ScalarLike, scale: ScalarLike, dtype: DTypeLike
) -> tuple[Array | None, Array]:
    # `+ 0.0` would turn -0.0 into 0.0 and break bit equality with jax, so a location
    # that is plainly zero is not added at all.
    plain_zero = isinstance(loc, (int, float)) and loc == 0
    return None if plain_zero else jnp.asarray(loc, dtype), jnp.asarray(scale, dtype)


# The barriers keep XLA from folding a scale that is a constant (inside a user's `jit`)
# into the constants of the base draw, which would change the last bit.
_barrier = jax.lax.optimization_barrier


@functools.partial(jax.jit, static_argnums=(0, 2, 3))
def _sample_loc_scale(
    base: AbstractBase,
    key: Key,
    shape: Shape,
    dtype: DTypeLike,
    loc: Array | None,
    scale: Array,
) -> Array:
    drawn, scale = _barrier((base.sample(key, shape, dtype), scale))
    return affine(drawn, scale, loc)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _sample_log_normal(
    key: Key, shape: Shape, dtype: DTypeLike, mu: ScalarLike, sigma: ScalarLike
) -> Array:
    scale, loc = jnp.asarray(sigma, dtype), jnp.asarray(mu, dtype)
    drawn, scale = _barrier((jax.random.normal(key, shape, dtype), scale))
    return apart(jnp.exp(affine(drawn, scale, loc)))


@functools.partial(jax.jit, static_argnums=(1, 2))
def _sample_uniform(
    key: Key, shape: Shape, dtype: DTypeLike, lower: Array, upper: Array
) -> Array:
    lower, upper = _barrier((lower, upper))
    if not is_complex(dtype):
        return apart(jax.random.uniform(key, shape, dtype, lower, upper))
    half, middle = (upper - lower) * math.sqrt(0.125), (upper + lower) / 2
    parts = [
        jax.random.uniform(k, shape, half.dtype, -half, half)
        for k in jax.random.split(key)
    ]
    return apart(jax.lax.complex(parts[0] + middle, parts[1]))
