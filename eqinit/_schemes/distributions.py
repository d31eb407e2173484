"""Plain distributions, by their moments: no fan, no axes."""

import math

import equinox as eqx

from .._laws.law import LocScale, LogNormalLaw, UniformLaw
from .._laws.unit import StandardNormal, TruncatedStandardNormal
from .._parameters.spec import ParamSpec
from .._typing import Number, ScalarLike
from .checks import positive
from .initializer import AbstractLawInitializer


class Normal(AbstractLawInitializer):
    r"""Normal: $w \sim \mathcal{N}(\text{mean}, \text{std}^2)$.

    Complex parameters have $E|w - \text{mean}|^2 = \text{std}^2$.

    **Arguments:**

    - `std`: standard deviation.
    - `mean`: mean.
    """

    std: ScalarLike = 0.01
    mean: ScalarLike = 0.0

    def __check_init__(self) -> None:
        positive("Normal", std=self.std, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        del spec
        return LocScale(StandardNormal(), self.mean, self.std)


class TruncatedNormal(AbstractLawInitializer):
    r"""Normal kept between `lower` and `upper`, in units of its own std.

    With `corrected=True` (the default) mean and std are those of the *truncated* law:
    what is drawn has standard deviation `std`. `jax.nn.initializers.truncated_normal`
    does not correct, and draws 0.8796 `std` for bounds of two sigma;
    `corrected=False` gives its values bit for bit.

    **Arguments:**

    - `std`: standard deviation.
    - `mean`: mean.
    - `lower`, `upper`: bounds in units of the std of the untruncated normal.
    - `corrected`: whether `std` and `mean` are reached after truncation.

    !!! warning
        Bounds beyond 5.4 sigma are drawn as 5.4: a literal port puts stray weights at
        the far bound (100 sigma out, for `a=-2, b=2` at `std=0.02` in torch's reading).
    """

    std: ScalarLike = 0.01
    mean: ScalarLike = 0.0
    lower: Number = eqx.field(static=True, default=-2.0)
    upper: Number = eqx.field(static=True, default=2.0)
    corrected: bool = eqx.field(static=True, default=True)

    def __check_init__(self) -> None:
        positive("TruncatedNormal", std=self.std, zero=True)
        if not self.lower < self.upper:
            raise ValueError(
                f"TruncatedNormal got bounds ({self.lower}, {self.upper}), in units of "
                "std; lower must be below upper."
            )

    def law(self, spec: ParamSpec) -> LocScale:
        base = TruncatedStandardNormal(float(self.lower), float(self.upper))
        if not self.corrected:
            return LocScale(base, self.mean, self.std)
        scale = self.std / base.std(spec.is_complex)
        shift = 0.0 if spec.is_complex else base.mean
        # A symmetric law is not shifted: `loc` stays a plain zero, bit for bit.
        loc = self.mean - scale * shift if self.lower != -self.upper else self.mean
        return LocScale(base, loc, scale)


class Uniform(AbstractLawInitializer):
    r"""Uniform on $[\text{lower}, \text{upper})$.

    Give bounds, or only `std` for the symmetric law
    $U(-\sqrt3\,\text{std}, \sqrt3\,\text{std})$, or one number for $U(-b, b)$.

    **Arguments:**

    - `lower`, `upper`: bounds; `Uniform(b)` means `Uniform(-b, b)`.
    - `std`: standard deviation, instead of bounds.
    """

    lower: ScalarLike
    upper: ScalarLike

    def __init__(
        self,
        lower: ScalarLike | None = None,
        upper: ScalarLike | None = None,
        *,
        std: ScalarLike | None = None,
    ) -> None:
        if (lower is None) == (std is None) or (lower is None and upper is not None):
            raise ValueError(
                "Uniform takes a bound, two bounds or `std`: `Uniform(0.1)`, "
                "`Uniform(0.0, 1.0)` or `Uniform(std=0.02)`."
            )
        if std is not None:
            bound = math.sqrt(3) * std
            self.lower, self.upper = -bound, bound
        elif upper is None:
            self.lower, self.upper = -lower, lower  # pyright: ignore
        else:
            self.lower, self.upper = lower, upper  # pyright: ignore

    def __check_init__(self) -> None:
        positive("Uniform", width=self.upper - self.lower, zero=True)

    def law(self, spec: ParamSpec) -> UniformLaw:
        del spec
        return UniformLaw(self.lower, self.upper)


class LogNormal(AbstractLawInitializer):
    r"""Log-normal with the given mean and std of $w$ itself (not of its log).

    $w = e^{\mu + \sigma z}$ with $\sigma^2 = \ln(1 + s^2 / m^2)$ and
    $\mu = \ln m - \sigma^2 / 2$.

    **Arguments:**

    - `mean`: mean $m > 0$ of the drawn values.
    - `std`: standard deviation $s$ of the drawn values.
    """

    mean: ScalarLike = 1.0
    std: ScalarLike = 1.0

    def __check_init__(self) -> None:
        positive("LogNormal", mean=self.mean)
        positive("LogNormal", std=self.std, zero=True)

    def law(self, spec: ParamSpec) -> LogNormalLaw:
        if spec.is_complex:
            raise ValueError("LogNormal is positive, and the parameter is complex.")
        return log_normal_law(self.mean, self.std * self.std)


def log_normal_law(mean: ScalarLike, variance: ScalarLike) -> LogNormalLaw:
    """The log-normal law with this mean and variance."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    traced = isinstance(mean, jax.Array) or isinstance(variance, jax.Array)
    xp = jnp if traced else np
    sigma2 = xp.log1p(variance / (mean * mean))
    return LogNormalLaw(xp.log(mean) - sigma2 / 2, xp.sqrt(sigma2))
