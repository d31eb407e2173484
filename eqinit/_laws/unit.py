"""The unit laws that jax draws: normal, truncated normal, uniform."""

import functools
import math
import statistics
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._typing import Array, DTypeLike, Key, ScalarLike, Shape
from .base import EVERYWHERE, AbstractBase, Bounds, is_complex, sqrt


class StandardNormal(AbstractBase):
    """Mean 0, variance 1; for complex dtypes E|z|^2 = 1."""

    mean = 0.0
    support = EVERYWHERE

    @property
    def kernel(self) -> tuple[str, tuple[float, ...]]:
        return "normal", ()

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        return jax.random.normal(key, shape, dtype)

    def farthest(self, dtype: DTypeLike) -> float:
        # The inverse error function of the number next to -1: 5.4, in float32.
        tail = float(jnp.finfo(dtype).epsneg) / 2
        return -statistics.NormalDist().inv_cdf(tail)

    def std(self, is_complex: bool = False) -> float:
        del is_complex
        return 1.0

    def scale_for(self, variance: ScalarLike, is_complex: bool) -> ScalarLike:
        del is_complex
        return sqrt(variance)

    def kurtosis(self, is_complex: bool = False) -> float:
        return 2.0 if is_complex else 3.0


def _pdf(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


@functools.lru_cache(maxsize=1024)
def _truncated_moment(lower: float, upper: float, power: int) -> float:
    """E z^power, by integration by parts: m_k = (k-1) m_{k-2} + edge terms."""
    if power <= 0:
        return float(power == 0)
    low, high = max(lower, -40.0), min(upper, 40.0)
    edge = low ** (power - 1) * _pdf(low) - high ** (power - 1) * _pdf(high)
    rest = _truncated_moment(lower, upper, power - 2)
    return (power - 1) * rest + edge / (_cdf(upper) - _cdf(lower))


@functools.lru_cache(maxsize=1024)
def erf_bounds(
    lower: float, upper: float, dtype: str
) -> tuple[np.floating[Any], np.floating[Any]]:
    """erf(bound / sqrt 2), as `jax.random.truncated_normal` computes it eagerly.

    Worked out once and outside of any trace: XLA folds the erf of a constant in higher
    precision than it computes it, and a draw under `jit` would differ from an eager
    one.
    """
    with jax.ensure_compile_time_eval():
        bounds = jnp.asarray((lower, upper), dtype)
        root = jnp.asarray(math.sqrt(2), dtype)
        values = np.asarray(jax.jit(lambda x, r: jax.lax.erf(x / r))(bounds, root))
    return values[0], values[1]


def _between(
    key: Key, bounds: tuple[float, float], shape: Shape, dtype: DTypeLike
) -> Array:
    """`jax.random.truncated_normal`, the same to the last bit under `jit`."""
    dtype = np.dtype(dtype)
    low, high = erf_bounds(*bounds, dtype.name)
    u = jax.random.uniform(key, shape, dtype, low, high)
    z = jnp.asarray(math.sqrt(2), dtype) * jax.lax.erf_inv(u)
    # The inverse may round onto a bound; the interval is open.
    lowest = np.nextafter(dtype.type(bounds[0]), dtype.type(np.inf))
    highest = np.nextafter(dtype.type(bounds[1]), dtype.type(-np.inf))
    return jnp.clip(z, lowest, highest)


class TruncatedStandardNormal(AbstractBase):
    """A standard normal kept inside `(lower, upper)`, not rescaled.

    Complex draws have their modulus kept below `upper` instead.

    **Arguments:**

    - `lower`, `upper`: bounds, in units of the std of the normal.
    """

    lower: float = eqx.field(static=True, default=-2.0)
    upper: float = eqx.field(static=True, default=2.0)

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        if is_complex(dtype):
            return _modulus_truncated(key, self.upper, shape, dtype)
        return _between(key, self.bounds(dtype), shape, dtype)

    @property
    def support(self) -> Bounds:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.lower, self.upper

    @property
    def kernel(self) -> tuple[str, tuple[float, ...]]:
        return "truncated_normal", self.bounds(np.float32)

    def farthest(self, dtype: DTypeLike) -> float:
        if is_complex(dtype):
            return min(self.upper, math.sqrt(-math.log(jnp.finfo(dtype).epsneg)))
        return max(map(abs, self.bounds(dtype)))

    def bounds(self, dtype: DTypeLike) -> tuple[float, float]:
        """The bounds, no further out than the inverse cdf can resolve.

        Further out, jax puts a few draws in 10^7 exactly *on* the bound, which is 100
        sigma out for (-100, 100).
        """
        far = 8.2 if np.dtype(dtype) == np.float64 else 5.4
        return max(self.lower, -far), min(self.upper, far)

    def _moment(self, power: int) -> float:
        return _truncated_moment(self.lower, self.upper, power)

    @property
    def mean(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._moment(1)

    def std(self, is_complex: bool = False) -> float:
        if is_complex:
            return math.sqrt(_truncated_exponential(self.upper**2, 1))
        return math.sqrt(self._moment(2) - self._moment(1) ** 2)

    def kurtosis(self, is_complex: bool = False) -> float:
        if is_complex:
            bound = self.upper**2
            square = _truncated_exponential(bound, 1) ** 2
            return _truncated_exponential(bound, 2) / square
        m1, m2, m3, m4 = (self._moment(k) for k in (1, 2, 3, 4))
        fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
        return fourth / (m2 - m1**2) ** 2


def _truncated_exponential(bound: float, power: int) -> float:
    """E t^power of a unit exponential (|z|^2 of a complex normal) below `bound`."""
    if math.isinf(bound):
        return float(math.factorial(power))
    tail = math.exp(-bound)
    series = sum(bound**j / math.factorial(j) for j in range(power + 1))
    return math.factorial(power) * (1 - tail * series) / (1 - tail)


def _modulus_truncated(key: Key, upper: float, shape: Shape, dtype: DTypeLike) -> Array:
    radius_key, angle_key = jax.random.split(key)
    real = jnp.finfo(dtype).dtype
    share = -math.expm1(-(upper**2))
    uniform = jax.random.uniform(radius_key, shape, real) * jnp.asarray(share, real)
    radius = jnp.sqrt(-jnp.log1p(-uniform))
    angle = jax.random.uniform(angle_key, shape, real) * jnp.asarray(2 * math.pi, real)
    return jax.lax.complex(radius * jnp.cos(angle), radius * jnp.sin(angle))


class SymmetricUniform(AbstractBase):
    """Uniform on [-1, 1); complex draws fill the disk with E|z|^2 = 1."""

    mean = 0.0
    support = (-1.0, 1.0)

    @property
    def kernel(self) -> tuple[str, tuple[float, ...]]:
        return "uniform", (-1.0, 1.0)

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        if is_complex(dtype):
            return _disk(key, shape, dtype)
        return jax.random.uniform(key, shape, dtype, -1)

    def farthest(self, dtype: DTypeLike) -> float:
        return math.sqrt(2) if is_complex(dtype) else 1.0

    def std(self, is_complex: bool = False) -> float:
        return 1.0 if is_complex else 1 / math.sqrt(3)

    def kurtosis(self, is_complex: bool = False) -> float:
        return 4 / 3 if is_complex else 1.8

    def scale_for(self, variance: ScalarLike, is_complex: bool) -> ScalarLike:
        return sqrt(variance) if is_complex else sqrt(3 * variance)


def _disk(key: Key, shape: Shape, dtype: DTypeLike) -> Array:
    radius_key, angle_key = jax.random.split(key)
    real = jnp.finfo(dtype).dtype
    radius = jnp.sqrt(2 * jax.random.uniform(radius_key, shape, real))
    angle = jax.random.uniform(angle_key, shape, real) * jnp.asarray(2 * math.pi, real)
    return jax.lax.complex(radius * jnp.cos(angle), radius * jnp.sin(angle))
