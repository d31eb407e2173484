"""More base distributions: heavy tails, one-sided laws, few-valued laws, phases."""

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._typing import Array, DTypeLike, Key, Number, ScalarLike, Shape
from .unit import AbstractBase, is_complex


def _real_only(base: AbstractBase, is_complex: bool) -> None:
    if is_complex:
        raise ValueError(
            f"{type(base).__name__} is a law of real numbers, and the parameter is "
            "complex. Use a normal, a truncated normal, a uniform or `RandomPhase()`."
        )


class AbstractRealBase(AbstractBase):
    """A base for real parameters: complex ones are refused while planning."""

    def _fits(self, dtype: DTypeLike) -> None:
        _real_only(self, is_complex(dtype))


class AbstractFixedBase(AbstractRealBase):
    """A base for real parameters whose moments are mere numbers."""

    deviation: ClassVar[float]
    fourth: ClassVar[float]

    def std(self, is_complex: bool = False) -> float:
        _real_only(self, is_complex)
        return self.deviation

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return self.fourth


class StandardLaplace(AbstractFixedBase):
    """Laplace with location 0 and scale 1: variance 2."""

    mean = 0.0
    deviation = math.sqrt(2.0)
    fourth = 6.0

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        self._fits(dtype)
        return jax.random.laplace(key, shape, dtype)


class StandardLogistic(AbstractFixedBase):
    """Logistic with location 0 and scale 1: variance pi^2 / 3."""

    mean = 0.0
    deviation = math.pi / math.sqrt(3)
    fourth = 4.2

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        self._fits(dtype)
        return jax.random.logistic(key, shape, dtype)


class UnitExponential(AbstractFixedBase):
    """Exponential with mean 1 and variance 1."""

    mean = 1.0
    deviation = 1.0
    fourth = 9.0

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        self._fits(dtype)
        return jax.random.exponential(key, shape, dtype)


class StandardHalfNormal(AbstractFixedBase):
    """The modulus of a standard normal: mean sqrt(2 / pi), variance 1 - 2 / pi."""

    mean = math.sqrt(2 / math.pi)
    deviation = math.sqrt(1 - 2 / math.pi)
    fourth = 3 + 8 * (math.pi - 3) / (math.pi - 2) ** 2

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        self._fits(dtype)
        return jnp.abs(jax.random.normal(key, shape, dtype))


class UnitGamma(AbstractRealBase):
    """Gamma with shape `shape` and scale 1: mean and variance are `shape`.

    **Arguments:**

    - `shape`: 1 is the exponential, below 1 most of the mass is near zero.
    """

    shape: Number = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        if not 0 < self.shape < math.inf:
            raise ValueError(f"UnitGamma got shape={self.shape}; it must be positive.")

    @property
    def mean(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return float(self.shape)

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        self._fits(dtype)
        return jax.random.gamma(key, jnp.asarray(self.shape, dtype), shape, dtype)

    def std(self, is_complex: bool = False) -> float:
        _real_only(self, is_complex)
        return math.sqrt(self.shape)

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 3 + 6 / self.shape


class AbstractHeavyTail(AbstractRealBase):
    """A law whose moments are useless or missing: its cdf is tested instead."""

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        # What `normalise` returns, the cdf at each draw, is uniform on [0, 1].
        del is_complex
        return 0.5, 1 / math.sqrt(12), 1.8


class StandardStudentT(AbstractHeavyTail):
    """Student's t: variance `df / (df - 2)` for `df > 2`, kurtosis from 4 on only.

    **Arguments:**

    - `df`: degrees of freedom.
    """

    df: Number = eqx.field(static=True, default=5.0)
    mean = 0.0

    def __check_init__(self) -> None:
        if not 0 < self.df < math.inf:
            raise ValueError(f"StandardStudentT got df={self.df}; it must be positive.")

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        # Bailey's polar form: exact for any df, and two uniforms instead of the
        # rejection loop that a gamma draw would need.
        self._fits(dtype)
        radius_key, angle_key = jax.random.split(key)
        # In (0, 1], so that the logarithm is finite.
        uniform = 1 - jax.random.uniform(radius_key, shape, dtype)
        angle = jax.random.uniform(angle_key, shape, dtype)
        square = jnp.expm1(jnp.log(uniform) * jnp.asarray(-2 / self.df, dtype))
        radius = jnp.sqrt(square * jnp.asarray(self.df, dtype))
        return radius * jnp.cos(angle * jnp.asarray(2 * math.pi, dtype))

    def std(self, is_complex: bool = False) -> float:
        _real_only(self, is_complex)
        if self.df <= 2:
            return math.inf
        return math.sqrt(self.df / (self.df - 2))

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 3 + 6 / (self.df - 4) if self.df > 4 else math.inf

    def scale_for(self, variance: ScalarLike, is_complex: bool) -> ScalarLike:
        if self.df <= 2:
            raise ValueError(
                f"Student's t with df={self.df} has no variance to scale; use df > 2, "
                "or give the scale itself with `StudentT(df, scale=...)`."
            )
        return super().scale_for(variance, is_complex)

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

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        self._fits(dtype)
        return jax.random.cauchy(key, shape, dtype)

    def std(self, is_complex: bool = False) -> float:
        _real_only(self, is_complex)
        return math.inf

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return math.inf

    def scale_for(self, variance: ScalarLike, is_complex: bool) -> ScalarLike:
        del variance, is_complex
        raise ValueError(
            "a Cauchy law has no variance to scale. Give its scale, half the distance "
            "between its quartiles, with `Cauchy(scale)`."
        )

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        del is_complex
        return 0.5 + np.arctan(values) / math.pi


class RandomSign(AbstractBase):
    """-1 or 1 with equal odds; complex draws are (±1 ± i) / sqrt(2)."""

    mean = 0.0

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
        self._fits(is_complex(dtype))
        real = jnp.finfo(dtype).dtype
        angle = jax.random.uniform(key, shape, real, -math.pi, math.pi)
        return jax.lax.complex(jnp.cos(angle), jnp.sin(angle))

    def _fits(self, is_complex: bool) -> None:
        if not is_complex:
            raise ValueError(
                "RandomPhase draws complex numbers, and the parameter is real. Its "
                "real counterpart is `RandomSign()`."
            )

    def std(self, is_complex: bool = False) -> float:
        self._fits(is_complex)
        return 1.0

    def kurtosis(self, is_complex: bool = False) -> float:
        del is_complex
        return 1.0
