"""Distributions beyond the normal and the uniform: no fan, no axes.

Inside a fan-based scheme use their bases: `HeNormal(distribution=StandardLaplace())`.
"""

import math

import equinox as eqx

from .._laws.law import LocScale
from .._laws.more_units import (
    AbstractBase,
    RandomPhase,
    RandomSign,
    RandomTernary,
    StandardCauchy,
    StandardHalfNormal,
    StandardLaplace,
    StandardLogistic,
    StandardStudentT,
    UnitExponential,
    UnitGamma,
)
from .._parameters.spec import ParamSpec
from .._typing import Number, ScalarLike
from .checks import positive
from .initializer import AbstractLawInitializer


def _by_std(
    base: AbstractBase, std: ScalarLike, mean: ScalarLike, spec: ParamSpec
) -> LocScale:
    return LocScale(base, mean, std / base.std(spec.is_complex))


class Laplace(AbstractLawInitializer):
    r"""Laplace (double exponential) with the given mean and standard deviation.

    Density $e^{-|w - m| / b} / 2b$ with $b = \text{std} / \sqrt2$.

    **Arguments:**

    - `std`: standard deviation.
    - `mean`: mean.
    """

    std: ScalarLike = 0.01
    mean: ScalarLike = 0.0

    def __check_init__(self) -> None:
        positive("Laplace", std=self.std, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        return _by_std(StandardLaplace(), self.std, self.mean, spec)


class Logistic(AbstractLawInitializer):
    r"""Logistic with the given mean and standard deviation.

    The cdf is a sigmoid: $P(w < x) = \sigma((x - m) / s)$, with
    $s = \sqrt3\,\text{std} / \pi$.

    **Arguments:**

    - `std`: standard deviation.
    - `mean`: mean.
    """

    std: ScalarLike = 0.01
    mean: ScalarLike = 0.0

    def __check_init__(self) -> None:
        positive("Logistic", std=self.std, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        return _by_std(StandardLogistic(), self.std, self.mean, spec)


class StudentT(AbstractLawInitializer):
    r"""Student's t with `df` degrees of freedom: tails heavy as $|w|^{-df - 1}$.

    Give `std` (for `df > 2`, where there is one) or `scale`:
    $\text{std} = \text{scale} \sqrt{df / (df - 2)}$.

    **Arguments:**

    - `df`: degrees of freedom; 1 is the Cauchy law, infinity the normal.
    - `std`: standard deviation.
    - `scale`: the factor of the standard t law, instead of `std`.
    - `mean`: location (the mean for `df > 1`).
    """

    df: Number = eqx.field(static=True)
    scale: ScalarLike
    mean: ScalarLike

    def __init__(
        self,
        df: Number = 5.0,
        std: ScalarLike | None = None,
        mean: ScalarLike = 0.0,
        *,
        scale: ScalarLike | None = None,
    ) -> None:
        if (std is None) == (scale is None):
            raise ValueError(
                "StudentT takes either `std` or `scale`: `StudentT(5.0, std=0.02)` or "
                "`StudentT(1.5, scale=0.02)`."
            )
        self.df, self.mean = df, mean
        base = StandardStudentT(float(df))
        if scale is not None:
            self.scale = scale
        else:
            positive("StudentT", std=std, zero=True)  # pyright: ignore
            base.scale_for(1.0, False)  # raises where there is no variance
            self.scale = std / base.std()  # pyright: ignore

    def __check_init__(self) -> None:
        positive("StudentT", scale=self.scale, zero=True)

    def config_fields(self) -> dict[str, object]:
        return {"df": self.df, "scale": self.scale, "mean": self.mean}

    def law(self, spec: ParamSpec) -> LocScale:
        base = StandardStudentT(float(self.df))
        base.std(spec.is_complex)  # raises for complex parameters
        return LocScale(base, self.mean, self.scale)


class Cauchy(AbstractLawInitializer):
    r"""Cauchy: half of the draws within `scale` of `loc`, and no mean or variance.

    $P(w < x) = \tfrac12 + \arctan((x - \text{loc}) / \text{scale}) / \pi$.

    **Arguments:**

    - `scale`: half the distance between the quartiles.
    - `loc`: the median.
    """

    scale: ScalarLike = 0.01
    loc: ScalarLike = 0.0

    def __check_init__(self) -> None:
        positive("Cauchy", scale=self.scale, zero=True)

    def moments(self, spec: ParamSpec) -> None:
        del spec  # there are none

    def law(self, spec: ParamSpec) -> LocScale:
        base = StandardCauchy()
        base.std(spec.is_complex)  # raises for complex parameters
        return LocScale(base, self.loc, self.scale)


class Exponential(AbstractLawInitializer):
    r"""Exponential with the given mean: positive, standard deviation equal to the mean.

    **Arguments:**

    - `mean`: mean $1 / \lambda$.
    """

    mean: ScalarLike = 1.0

    def __check_init__(self) -> None:
        positive("Exponential", mean=self.mean, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        return _by_std(UnitExponential(), self.mean, 0.0, spec)


class Gamma(AbstractLawInitializer):
    r"""Gamma with the given mean and shape: positive, std $= \text{mean}/\sqrt{k}$.

    **Arguments:**

    - `shape`: the shape $k = (\text{mean} / \text{std})^2$; 1 is the exponential law.
    - `mean`: mean.
    """

    shape: Number = eqx.field(static=True, default=1.0)
    mean: ScalarLike = 1.0

    def __check_init__(self) -> None:
        positive("Gamma", shape=self.shape)
        positive("Gamma", mean=self.mean, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        std = self.mean / math.sqrt(self.shape)
        return _by_std(UnitGamma(float(self.shape)), std, 0.0, spec)


class HalfNormal(AbstractLawInitializer):
    r"""The modulus of a normal: $w = |z|$ with $z \sim \mathcal{N}(0, \text{scale}^2)$.

    Mean $\text{scale}\sqrt{2/\pi}$, variance $\text{scale}^2 (1 - 2/\pi)$.

    **Arguments:**

    - `scale`: standard deviation of the normal.
    """

    scale: ScalarLike = 1.0

    def __check_init__(self) -> None:
        positive("HalfNormal", scale=self.scale, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        base = StandardHalfNormal()
        base.std(spec.is_complex)  # raises for complex parameters
        return LocScale(base, 0.0, self.scale)


class Rademacher(AbstractLawInitializer):
    r"""Random signs: $w = \pm\text{std}$, every entry of the same modulus.

    Complex entries are $(\pm 1 \pm i)\,\text{std}/\sqrt2$.

    **Arguments:**

    - `std`: the modulus, which is the standard deviation.
    """

    std: ScalarLike = 1.0

    def __check_init__(self) -> None:
        positive("Rademacher", std=self.std, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        return _by_std(RandomSign(), self.std, 0.0, spec)


class Ternary(AbstractLawInitializer):
    r"""$w \in \{-s, 0, s\}$ with $s = \text{std} / \sqrt{p}$: non-zero with probability
    $p$, and standard deviation `std` whatever $p$.

    **Arguments:**

    - `std`: standard deviation.
    - `density`: the probability $p$ of a non-zero entry.
    """

    std: ScalarLike = 1.0
    density: Number = eqx.field(static=True, default=2 / 3)

    def __check_init__(self) -> None:
        positive("Ternary", std=self.std, zero=True)
        RandomTernary(float(self.density))  # raises for a density that is none

    def law(self, spec: ParamSpec) -> LocScale:
        return _by_std(RandomTernary(float(self.density)), self.std, 0.0, spec)


class Phase(AbstractLawInitializer):
    r"""Complex numbers on a circle: $w = r e^{i\theta}$, $\theta \sim U(-\pi, \pi)$.

    **Arguments:**

    - `modulus`: the radius $r$; $E|w|^2 = r^2$.
    """

    modulus: ScalarLike = 1.0

    def __check_init__(self) -> None:
        positive("Phase", modulus=self.modulus, zero=True)

    def law(self, spec: ParamSpec) -> LocScale:
        return _by_std(RandomPhase(), self.modulus, 0.0, spec)
