"""Distributions over the whole line, by their moments: no fan, no axes."""

import math
from collections.abc import Iterator
from typing import Annotated

import equinox as eqx

from .._checks import number, ordered, positive
from .._laws.base import AbstractBase
from .._laws.families import LocScale, UniformLaw
from .._laws.heavy_tails import (
    StandardCauchy,
    StandardLaplace,
    StandardLogistic,
    StandardStudentT,
)
from .._laws.unit import StandardNormal, TruncatedStandardNormal
from .._parameters.spec import ParamSpec
from .._typing import Finite, NonNegative, Number, ScalarLike
from .initializer import AbstractLawInitializer


class Normal(AbstractLawInitializer):
    r"""Normal: $w \sim \mathcal{N}(\text{mean}, \text{std}^2)$.

    Complex parameters have $E|w - \text{mean}|^2 = \text{std}^2$. Values are those of
    `jax.random.normal` times `std`. From jax 0.12 on `jax.nn.initializers.normal` is
    compiled with its factors merged, and differs in the last bit.

    **Arguments:**

    - `std`: standard deviation.
    - `mean`: mean, by keyword: torch and Keras have it first, and `Normal(0.0, 0.02)`
        would be the constant 0.02.
    """

    std: NonNegative = 0.01
    mean: Finite = eqx.field(default=0.0, kw_only=True)

    def law(self, spec: ParamSpec) -> LocScale:
        del spec
        return LocScale(StandardNormal(), self.mean, self.std)


class TruncatedNormal(AbstractLawInitializer):
    r"""Normal kept between `lower` and `upper`, in units of its own std.

    $w = m + s z$ with $z \sim \mathcal N(0, 1)$ given that
    $\text{lower} < z < \text{upper}$.

    With `corrected=True` (the default) mean and std are those of the *truncated* law:
    what is drawn has standard deviation `std`. `jax.nn.initializers.truncated_normal`
    does not correct, and draws 0.8796 `std` for bounds of two sigma;
    `corrected=False` gives its values bit for bit.

    !!! warning
        Bounds beyond 5.4 sigma are drawn as 5.4: a literal port puts stray weights at
        the far bound (100 sigma out, for `a=-2, b=2` at `std=0.02` in torch's reading).

    **Arguments:**

    - `std`: standard deviation.
    - `mean`: mean, by keyword, as in [`eqinit.Normal`][].
    - `lower`, `upper`: bounds in units of the std of the untruncated normal; infinite
        ones are none.
    - `corrected`: whether `std` and `mean` are reached after truncation.

    **Raises:** `ValueError` for bounds that leave nothing within 4 sigma of the mean.
    """

    std: NonNegative = 0.01
    mean: Finite = eqx.field(default=0.0, kw_only=True)
    lower: Annotated[Number, number] = eqx.field(
        static=True, default=-2.0, kw_only=True
    )
    upper: Annotated[Number, number] = eqx.field(static=True, default=2.0, kw_only=True)
    corrected: bool = eqx.field(static=True, default=True, kw_only=True)

    def conflicts(self) -> Iterator[str]:
        # Beyond 4 sigma float32 has a thousand values of the cdf left, beyond 5 nine.
        if min(self.upper, 4.0) - max(self.lower, -4.0) < 1e-4:
            yield (
                f"TruncatedNormal got lower={self.lower} and upper={self.upper}, which "
                "leave nothing to draw within 4 standard deviations. They are in units "
                "of `std`, lower first: `TruncatedNormal(lower=-2.0, upper=2.0)`."
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

    One bound $b$ means $U(-b, b)$, and `std` alone
    $U(-\sqrt3\,\text{std}, \sqrt3\,\text{std})$.

    **Arguments:**

    - `lower`, `upper`: bounds; `Uniform(b)` is `Uniform(-b, b)`.
    - `std`: standard deviation, instead of bounds.
    """

    lower: Finite | None = None
    upper: Finite | None = None
    std: NonNegative | None = eqx.field(kw_only=True, default=None)

    def conflicts(self) -> Iterator[str]:
        if (self.lower is None) == (self.std is None) or (
            self.upper is not None and self.lower is None
        ):
            yield (
                "Uniform takes a bound, two bounds or `std`: `Uniform(0.1)`, "
                "`Uniform(0.0, 1.0)` or `Uniform(std=0.02)`."
            )
        lower, upper = self.bounds()
        yield from ordered("Uniform", strict=False, lower=lower, upper=upper)

    def bounds(self) -> tuple[ScalarLike, ScalarLike]:
        """The lower and the upper bound, however they were given."""
        if self.lower is not None and self.upper is not None:
            return self.lower, self.upper
        half = self.lower if self.std is None else math.sqrt(3) * self.std
        half = 0.0 if half is None else half
        return -half, half

    def law(self, spec: ParamSpec) -> UniformLaw:
        del spec
        return UniformLaw(*self.bounds())


def by_std(
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

    std: NonNegative = 0.01
    mean: Finite = 0.0

    def law(self, spec: ParamSpec) -> LocScale:
        return by_std(StandardLaplace(), self.std, self.mean, spec)


class Logistic(AbstractLawInitializer):
    r"""Logistic with the given mean and standard deviation.

    The cdf is a sigmoid: $P(w < x) = \sigma((x - m) / s)$, with
    $s = \sqrt3\,\text{std} / \pi$.

    **Arguments:**

    - `std`: standard deviation.
    - `mean`: mean.
    """

    std: NonNegative = 0.01
    mean: Finite = 0.0

    def law(self, spec: ParamSpec) -> LocScale:
        return by_std(StandardLogistic(), self.std, self.mean, spec)


class StudentT(AbstractLawInitializer):
    r"""Student's t with `df` degrees of freedom: tails heavy as $|w|^{-df - 1}$.

    Give `std` (for `df > 2`, where there is one) or `scale`:
    $\text{std} = \text{scale} \sqrt{df / (df - 2)}$.

    **Arguments:**

    - `df`: degrees of freedom; 1 is the Cauchy law, many are nearly the normal.
    - `std`: standard deviation; 0.01 if neither is given.
    - `mean`: location (the mean for `df > 1`).
    - `scale`: the factor of the standard t law, instead of `std`.
    """

    df: Annotated[Number, positive] = eqx.field(static=True, default=5.0)
    std: NonNegative | None = None
    mean: Finite = 0.0
    scale: NonNegative | None = eqx.field(kw_only=True, default=None)

    def conflicts(self) -> Iterator[str]:
        if self.std is not None and self.scale is not None:
            yield (
                "StudentT takes either `std` or `scale`: `StudentT(5.0, std=0.02)` or "
                "`StudentT(1.5, scale=0.02)`."
            )
        if self.scale is None and self.df <= 2:
            yield (
                f"StudentT got df={self.df}, and no variance exists from 2 down; give "
                f"its scale instead: `StudentT({self.df}, scale=0.02)`."
            )

    def law(self, spec: ParamSpec) -> LocScale:
        base = StandardStudentT(float(self.df))
        unit = base.std(spec.is_complex)  # raises for complex parameters
        if self.scale is not None:
            return LocScale(base, self.mean, self.scale)
        std = 0.01 if self.std is None else self.std
        return LocScale(base, self.mean, std / unit)


class Cauchy(AbstractLawInitializer):
    r"""Cauchy: half of the draws within `scale` of `loc`, and no mean or variance.

    $P(w < x) = \tfrac12 + \arctan((x - \text{loc}) / \text{scale}) / \pi$.

    **Arguments:**

    - `scale`: half the distance between the quartiles.
    - `loc`: the median.
    """

    scale: NonNegative = 0.01
    loc: Finite = 0.0

    def moments(self, spec: ParamSpec) -> None:
        del spec  # there are none

    def law(self, spec: ParamSpec) -> LocScale:
        base = StandardCauchy()
        base.std(spec.is_complex)  # raises for complex parameters
        return LocScale(base, self.loc, self.scale)
