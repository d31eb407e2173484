"""Timescales of recurrences: step sizes, decay rates and the ring of the LRU."""

import abc
import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import ordered, probability
from .._laws.law import Moments
from .._laws.transforms import TRANSFORMS, same
from .._parameters.paths import parent
from .._parameters.spec import ParamSpec
from .._typing import (
    Array,
    Key,
    Natural,
    NonNegative,
    Positive,
    RoleName,
    ScalarLike,
    checked,
)
from .initializer import AbstractInitializer


Stored: TypeAlias = Literal["plain", "log", "softplus"]
# What a layer stores so that it reads the value itself: exp(stored), softplus(stored).
_STORED: dict[Stored, Any] = {
    "plain": same,
    "log": TRANSFORMS["exp"].inverse,
    "softplus": TRANSFORMS["softplus"].inverse,
}


class AbstractRate(AbstractInitializer):
    """A positive rate between `lower` and `upper`, stored so that the layer reads it.

    A subclass says how a uniform number becomes a rate.
    """

    lower: eqx.AbstractVar[Positive]
    upper: eqx.AbstractVar[Positive]
    stored: eqx.AbstractVar[Stored]
    roles: ClassVar[tuple[RoleName, ...]] = ("bias", "other")

    def conflicts(self) -> Iterator[str]:
        name = type(self).__name__
        yield from ordered(name, strict=False, lower=self.lower, upper=self.upper)

    @abc.abstractmethod
    def rate(self, share: Array) -> Array:
        """The rate at this quantile, in (0, 1)."""

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        if spec.is_complex:
            yield (
                f"{type(self).__name__} is a real rate, and the parameter is complex."
            )

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        share = jax.random.uniform(key, spec.shape, spec.draw_dtype)
        return _STORED[self.stored](self.rate(share))

    def moments(self, spec: ParamSpec) -> Moments:
        del spec
        with jax.ensure_compile_time_eval():
            share = jnp.asarray((np.arange(4096) + 0.5) / 4096)
            values = np.asarray(_STORED[self.stored](self.rate(share)), np.float64)
        return Moments(float(values.mean()), float(values.std()))


class LogDt(AbstractRate):
    r"""Step sizes spread evenly over magnitudes: $\ln\Delta \sim U(\ln\text{lower},
    \ln\text{upper})$.

    S4, S4D and S5 store $\ln\Delta$ (`stored="log"`). Mamba's bias of `dt_proj` is
    `LogDt(stored="softplus", floor=1e-4)`: softplus of it is $\Delta$, exactly.

    **Arguments:**

    - `lower`, `upper`: smallest and largest step, both > 0.
    - `stored`: `"log"`, `"softplus"` or `"plain"`: what the layer inverts.
    - `floor`: smaller steps are raised to this, after the draw.

    Gu et al., arXiv:2111.00396; Gu and Dao, Mamba: Linear-time sequence modeling with
    selective state spaces, arXiv:2312.00752.
    """

    lower: Positive = 1e-3
    upper: Positive = 0.1
    stored: Stored = eqx.field(static=True, default="log")
    floor: NonNegative = 0.0

    def rate(self, share: Array) -> Array:
        low, high = (jnp.asarray(v, share.dtype) for v in (self.lower, self.upper))
        step = low * jnp.exp(share * jnp.log(high / low))
        return jnp.maximum(step, jnp.asarray(self.floor, share.dtype))


class UniformRate(AbstractRate):
    r"""Decay rates $a \sim U(\text{lower}, \text{upper})$, by default stored as
    $\ln a$: `A_log` of Mamba-2, one per head.

    **Arguments:**

    - `lower`, `upper`: bounds of the rate, both > 0.
    - `stored`: as in [`eqinit.ssm.LogDt`][].

    Dao and Gu, Transformers are SSMs, arXiv:2405.21060.
    """

    lower: Positive = 1.0
    upper: Positive = 16.0
    stored: Stored = eqx.field(static=True, default="log")

    def rate(self, share: Array) -> Array:
        low, high = (jnp.asarray(v, share.dtype) for v in (self.lower, self.upper))
        return low + share * (high - low)


Radius: TypeAlias = Annotated[ScalarLike, probability]
RingPart: TypeAlias = Literal["nu_log", "theta_log", "gamma_log"]


class LruRing(AbstractInitializer):
    r"""Eigenvalues of a linear recurrent unit, uniform on a ring of the unit disk.

    $\lambda = e^{-\nu + i\theta}$ with $|\lambda|^2 \sim U(r_\text{min}^2,
    r_\text{max}^2)$ and $\theta \sim U(0, \text{max\_phase})$; the layer stores
    $\ln\nu$, $\ln\theta$ and $\ln\gamma$ with $\gamma = \sqrt{1 - |\lambda|^2}$, the
    input scale for which white noise keeps its variance.

    $\gamma$ belongs to the $\nu$ that was drawn, so all parts take the key of the layer
    `up` levels above them. [`eqinit.ssm.lru_ring`][] gives all three for a rule.

    **Arguments:**

    - `part`: `"nu_log"`, `"theta_log"` or `"gamma_log"`.
    - `r_min`, `r_max`: radii of the ring, within [0, 1].
    - `max_phase`: largest angle, in radians.
    - `up`: levels from the parameter to what holds all three.

    Orvieto et al., Resurrecting recurrent neural networks for long sequences,
    arXiv:2303.06349.
    """

    part: RingPart = eqx.field(static=True)
    r_min: Radius = 0.0
    r_max: Radius = 1.0
    max_phase: Positive = 2 * math.pi
    up: Natural = eqx.field(static=True, default=1)

    def conflicts(self) -> Iterator[str]:
        yield from ordered("LruRing", r_min=self.r_min, r_max=self.r_max)

    def key_path(self, path: str) -> str:
        return parent(path, self.up)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        if spec.is_complex:
            yield (
                f"LruRing stores the real {self.part}, and the parameter is complex."
            )

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        dtype = spec.draw_dtype
        modulus_key, phase_key = jax.random.split(key)
        if self.part == "theta_log":
            # 1 - u is in (0, 1]: no angle whose logarithm is minus infinity.
            share = 1 - jax.random.uniform(phase_key, spec.shape, dtype)
            return jnp.log(jnp.asarray(self.max_phase, dtype) * share)
        low, high = (jnp.asarray(r, dtype) ** 2 for r in (self.r_min, self.r_max))
        share = jax.random.uniform(modulus_key, spec.shape, dtype)
        grain = jnp.finfo(dtype).eps
        # A modulus of exactly 0 or 1 would be stored as an infinity.
        square = jnp.clip(low + share * (high - low), grain, 1 - grain)
        if self.part == "gamma_log":
            return jnp.log1p(-square) / 2
        return jnp.log(-jnp.log(square) / 2)


@checked
def lru_ring(
    r_min: Radius = 0.0, r_max: Radius = 1.0, max_phase: Positive = 2 * math.pi
) -> dict[str, LruRing]:
    """The three linked parameters of a linear recurrent unit, to spread into a rule.

    `Rule(LRU, **lru_ring(0.9, 0.999))`.

    **Arguments:**

    - `r_min`, `r_max`: radii of the ring, within [0, 1].
    - `max_phase`: largest angle, in radians.

    **Returns:** `{"nu_log": ..., "theta_log": ..., "gamma_log": ...}`, each an
    [`eqinit.ssm.LruRing`][].

    Orvieto et al., arXiv:2303.06349.
    """
    parts: tuple[RingPart, ...] = ("nu_log", "theta_log", "gamma_log")
    return {part: LruRing(part, r_min, r_max, max_phase) for part in parts}
