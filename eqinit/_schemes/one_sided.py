"""Distributions of positive numbers, by their moments: no fan, no axes."""

import math
from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import positive
from .._laws.families import LocScale, LogNormalLaw
from .._laws.one_sided import StandardHalfNormal, UnitExponential, UnitGamma
from .._parameters.spec import ParamSpec
from .._typing import NonNegative, Number, Positive, ScalarLike
from .distributions import by_std
from .initializer import AbstractLawInitializer


class LogNormal(AbstractLawInitializer):
    r"""Log-normal with the given std and mean of $w$ itself (not of its log).

    $w = e^{\mu + \sigma z}$ with $\sigma^2 = \ln(1 + s^2 / m^2)$ and
    $\mu = \ln m - \sigma^2 / 2$.

    **Arguments:**

    - `std`: standard deviation $s$ of the drawn values.
    - `mean`: mean $m > 0$ of the drawn values.
    """

    std: NonNegative = 1.0
    mean: Positive = 1.0

    def law(self, spec: ParamSpec) -> LogNormalLaw:
        if spec.is_complex:
            raise ValueError("LogNormal is positive, and the parameter is complex.")
        return log_normal_law(self.mean, self.std * self.std)


def log_normal_law(mean: ScalarLike, variance: ScalarLike) -> LogNormalLaw:
    """The log-normal law with this mean and variance."""
    traced = isinstance(mean, jax.Array) or isinstance(variance, jax.Array)
    xp = jnp if traced else np
    sigma2 = xp.log1p(variance / (mean * mean))
    return LogNormalLaw(xp.log(mean) - sigma2 / 2, xp.sqrt(sigma2))


class Exponential(AbstractLawInitializer):
    r"""Exponential with the given mean: positive, standard deviation equal to the mean.

    Density $e^{-w/m} / m$.

    **Arguments:**

    - `mean`: mean $m = 1 / \lambda$.
    """

    mean: NonNegative = 1.0

    def law(self, spec: ParamSpec) -> LocScale:
        return by_std(UnitExponential(), self.mean, 0.0, spec)


class Gamma(AbstractLawInitializer):
    r"""Gamma with the given shape and mean: positive, std $= \text{mean}/\sqrt{k}$.

    Density proportional to $w^{k-1} e^{-k w / \text{mean}}$.

    **Arguments:**

    - `shape`: the shape $k = (\text{mean} / \text{std})^2$; 1 is the exponential law.
    - `mean`: mean.
    """

    shape: Annotated[Number, positive] = eqx.field(static=True, default=1.0)
    mean: NonNegative = 1.0

    def law(self, spec: ParamSpec) -> LocScale:
        std = self.mean / math.sqrt(self.shape)
        return by_std(UnitGamma(float(self.shape)), std, 0.0, spec)


class HalfNormal(AbstractLawInitializer):
    r"""The modulus of a normal: $w = |z|$ with $z \sim \mathcal{N}(0, \text{scale}^2)$.

    Mean $\text{scale}\sqrt{2/\pi}$, variance $\text{scale}^2 (1 - 2/\pi)$.

    **Arguments:**

    - `scale`: standard deviation of the normal, not of its modulus.
    """

    scale: NonNegative = 1.0

    def law(self, spec: ParamSpec) -> LocScale:
        base = StandardHalfNormal()
        base.std(spec.is_complex)  # raises for complex parameters
        return LocScale(base, 0.0, self.scale)
