"""The laws that schemes name: constants, locations and scales, uniform, log-normal."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._trees import tree_node
from .._typing import Array, DTypeLike, Key, ScalarLike, Shape
from . import exact
from .base import EVERYWHERE, AbstractBase, Bounds, is_complex
from .law import AbstractFlatLaw, AbstractLaw, Bulk, Moments
from .unit import StandardNormal, SymmetricUniform


# Mean, std and kurtosis of the deviations from a law without spread: all are 0, and
# there is no scale to divide by.
CERTAIN = (0.0, 0.0, 3.0)


# Plain dataclasses and not modules: a plan makes one per parameter, and building an
# `eqx.Module` costs a hundred times as much.


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

    def support(self) -> Bounds | None:
        return _extent(self.value)

    def scaled(self, factor: ScalarLike) -> "ConstantLaw":
        return ConstantLaw(self.value * factor)

    def shifted(self, offset: ScalarLike) -> "ConstantLaw":
        return ConstantLaw(self.value + offset)

    @property
    def constant(self) -> ScalarLike:
        return self.value


@tree_node(["loc", "scale"], ["base"])
@dataclasses.dataclass(frozen=True, eq=False)
class LocScale(AbstractFlatLaw):
    r"""$w = \text{loc} + \text{scale} \cdot z$ with $z$ from a base distribution."""

    base: AbstractBase
    loc: ScalarLike = 0.0
    scale: ScalarLike = 1.0

    def settled(self, dtype: np.dtype[Any]) -> "LocScale":
        # -0.0 is what can be added to any float, -0.0 included, and change nothing.
        loc = -0.0 if self._centred else self.loc
        loc, scale = exact.settled(loc, dtype), exact.settled(self.scale, dtype)
        return LocScale(self.base, loc, scale)

    @property
    def _centred(self) -> bool:
        return isinstance(self.loc, (int, float)) and bool(self.loc == 0)

    def entries(self, key: Key, form: Shape, dtype: np.dtype[Any]) -> Array:
        self.base.fits(is_complex(dtype))
        z = exact.entries(lambda k: self.base.sample(k, form, dtype), key, form)
        return exact.affine(z, self.scale, self.loc)

    def moments(self, is_complex: bool = False) -> Moments:
        base, scale = self.base, float(np.abs(np.asarray(self.scale)))
        if not scale:  # that of Cauchy is infinite, and zero times it is no number
            return Moments(_real(np.asarray(self.loc)), 0.0)
        mean = _real(np.asarray(self.loc + self.scale * base.mean))
        return Moments(mean, scale * base.std(is_complex))

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        units = _divide(values, self.loc, self.scale)
        return self.base.normalise(units, is_complex) if np.any(self.scale) else units

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        return self.base.normalised(is_complex) if np.any(self.scale) else CERTAIN

    def support(self) -> Bounds | None:
        return self._moved(self.base.support)

    def farthest(self, dtype: DTypeLike) -> Bounds | None:
        far = self.base.farthest(dtype)
        if far is None:
            return None
        ends = None if is_complex(dtype) else self.base.support
        low, high = ends or EVERYWHERE
        return self._moved((max(low, -far), min(high, far)))

    def _moved(self, base: Bounds | None) -> Bounds | None:
        loc, scale = _extent(self.loc), _extent(self.scale)
        if base is None or loc is None or scale is None:
            return None
        if scale == (0.0, 0.0):
            return loc
        size = max(abs(scale[0]), abs(scale[1]))
        low, high = base if scale[0] >= 0 else (-base[1], -base[0])
        return loc[0] + size * low, loc[1] + size * high

    def scaled(self, factor: ScalarLike) -> "LocScale":
        # A plain zero stays one: it is not added at all.
        loc = self.loc if self._centred else _like(self.loc, factor) * factor
        return LocScale(self.base, loc, _like(self.scale, factor) * factor)

    def shifted(self, offset: ScalarLike) -> "LocScale":
        return LocScale(self.base, _like(self.loc, offset) + offset, self.scale)

    def bulk(self) -> Bulk | None:
        kernel = self.base.kernel
        if kernel is None:
            return None
        name, params = kernel
        return Bulk(name, self.loc, self.scale, params)

    @property
    def unit(self) -> AbstractBase:
        return self.base


@tree_node(["lower", "upper"])
@dataclasses.dataclass(frozen=True, eq=False)
class UniformLaw(AbstractFlatLaw):
    r"""Uniform on $[\text{lower}, \text{upper})$, in the arithmetic of `jax.random`.

    Complex draws have two independent parts of half the variance each, so that
    E|w - mean|^2 is that of the real law.
    """

    lower: ScalarLike
    upper: ScalarLike

    def entries(self, key: Key, form: Shape, dtype: np.dtype[Any]) -> Array:
        if not is_complex(dtype):
            return jax.random.uniform(key, form, dtype, self.lower, self.upper)
        half = (self.upper - self.lower) * math.sqrt(0.125)
        middle = (self.upper + self.lower) / 2
        real, imag = (
            jax.random.uniform(k, form, half.dtype, -half, half)  # pyright: ignore
            for k in jax.random.split(key)
        )
        return jax.lax.complex(exact.apart(real) + middle, imag)

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

    def support(self) -> Bounds | None:
        low, high = _extent(self.lower), _extent(self.upper)
        return None if low is None or high is None else (low[0], high[1])

    def farthest(self, dtype: DTypeLike) -> Bounds | None:
        del dtype
        return self.support()

    def scaled(self, factor: ScalarLike) -> "UniformLaw | None":
        if not _is_positive(factor):
            return None
        return UniformLaw(self.lower * factor, self.upper * factor)

    def shifted(self, offset: ScalarLike) -> "UniformLaw":
        return UniformLaw(self.lower + offset, self.upper + offset)

    def bulk(self) -> Bulk:
        return Bulk("uniform", 0.0, 1.0, (self.lower, self.upper))

    @property
    def unit(self) -> AbstractBase:
        return SymmetricUniform()


@tree_node(["mu", "sigma"])
@dataclasses.dataclass(frozen=True, eq=False)
class LogNormalLaw(AbstractFlatLaw):
    r"""$w = \exp(\mu + \sigma z)$ with $z$ standard normal."""

    mu: ScalarLike
    sigma: ScalarLike

    def entries(self, key: Key, form: Shape, dtype: np.dtype[Any]) -> Array:
        log = LocScale(StandardNormal(), self.mu, self.sigma).entries(key, form, dtype)
        return exact.exp(log)

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

    def support(self) -> Bounds:
        return 0.0, math.inf

    def farthest(self, dtype: DTypeLike) -> Bounds | None:
        log = LocScale(StandardNormal(), self.mu, self.sigma).farthest(dtype)
        return None if log is None else (0.0, float(np.exp(log[1])))

    def scaled(self, factor: ScalarLike) -> "LogNormalLaw | None":
        if not _is_positive(factor):
            return None
        return LogNormalLaw(self.mu + math.log(factor), self.sigma)

    def bulk(self) -> Bulk:
        return Bulk("lognormal", self.mu, self.sigma)


def _real(value: np.ndarray | np.generic) -> float:
    return float(np.real(value))


def _extent(value: ScalarLike) -> Bounds | None:
    if isinstance(value, Tracer) or np.iscomplexobj(value):
        return None
    array = np.asarray(value)
    return (float(array.min()), float(array.max())) if array.size else None


def _is_positive(factor: ScalarLike) -> bool:
    return isinstance(factor, (int, float)) and factor > 0


def _like(value: ScalarLike, traced: ScalarLike) -> ScalarLike:
    """`value` in the dtype of what may be traced: strict promotion mixes none."""
    if isinstance(value, np.generic) and isinstance(traced, jax.Array):
        return jnp.asarray(value, traced.dtype)
    return value


def _divide(values: np.ndarray, loc: ScalarLike, scale: ScalarLike) -> np.ndarray:
    """`(values - loc) / scale`; of a law without spread, the deviations themselves."""
    deviations = values - np.asarray(loc)
    # Arithmetic on arrays without axes gives numbers.
    return np.asarray(deviations / np.asarray(scale) if np.any(scale) else deviations)
