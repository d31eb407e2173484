"""Laws of mean 0 and a given variance or bound, whatever their distribution."""

from typing import Literal, TypeAlias

import numpy as np

from .._laws.base import AbstractBase
from .._laws.families import LocScale
from .._laws.unit import StandardNormal, SymmetricUniform, TruncatedStandardNormal
from .._parameters.spec import ParamSpec
from .._typing import ScalarLike
from .initializer import AbstractLawInitializer


DistributionName: TypeAlias = Literal["truncated_normal", "normal", "uniform"]
Distribution: TypeAlias = DistributionName | AbstractLawInitializer | AbstractBase

_BASES: dict[str, AbstractBase] = {
    "truncated_normal": TruncatedStandardNormal(),
    "normal": StandardNormal(),
    "uniform": SymmetricUniform(),
}


def centred(
    distribution: Distribution, variance: ScalarLike, spec: ParamSpec
) -> LocScale:
    """The law with mean 0 and E|w|^2 = `variance`, in the arithmetic that jax uses."""
    base = _base(distribution, spec)
    # Rounded to the drawing dtype before the square root: the same bits as jax.
    if isinstance(variance, (int, float)):
        with np.errstate(over="ignore"):  # `check` says so
            variance = np.asarray(variance, spec.real_dtype)[()]
    # Where a weight is stored as a real and an imaginary part, each has half.
    variance = variance / spec.pair_size if spec.pair_size > 1 else variance
    scale = base.scale_for(variance, spec.is_complex)
    shift = base.mean if not spec.is_complex else 0.0
    return LocScale(base, -scale * shift if shift else 0.0, scale)


def within(bound: ScalarLike, spec: ParamSpec) -> LocScale:
    """Uniform on $[-b, b)$; complex draws have the variance that real ones would."""
    if isinstance(bound, (int, float)):
        with np.errstate(over="ignore"):
            bound = np.asarray(bound, spec.real_dtype)[()]
    # Real draws scale U(-1, 1); complex ones fill a disk whose E|z|^2 is 1.
    share = 3 * spec.pair_size if spec.is_complex else spec.pair_size
    return LocScale(_BASES["uniform"], 0.0, bound / share**0.5 if share > 1 else bound)


def _base(distribution: Distribution, spec: ParamSpec) -> AbstractBase:
    """What a distribution is without a location and a scale."""
    if isinstance(distribution, str):
        return _BASES[distribution]
    if isinstance(distribution, AbstractBase):
        return distribution
    unit = distribution.law(spec).unit
    if unit is not None:
        return unit
    raise ValueError(
        f"distribution={distribution!r} has no scale that could be chosen. Pass a "
        "scheme of independent entries with a variance, such as `Laplace()` or "
        '`StudentT(5.0)`, or "normal", "truncated_normal" or "uniform".'
    )
