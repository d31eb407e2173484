"""Schemes whose variance is a constant over a fan."""

import math
from typing import Any, ClassVar, Literal, TypeAlias

import equinox as eqx
import numpy as np

from .._laws.law import LocScale
from .._laws.unit import (
    AbstractBase,
    StandardNormal,
    SymmetricUniform,
    TruncatedStandardNormal,
)
from .._parameters.spec import FAN_MODES, ParamSpec
from .._typing import Number, RoleName, ScalarLike
from .checks import choice, positive
from .initializer import AbstractLawInitializer


Mode: TypeAlias = Literal[
    "fan_in", "fan_out", "fan_avg", "fan_geo_avg", "fan_sum", "fan_min", "fan_max"
]
DistributionName: TypeAlias = Literal["truncated_normal", "normal", "uniform"]
Distribution: TypeAlias = DistributionName | AbstractBase

BASES: dict[str, AbstractBase] = {
    "truncated_normal": TruncatedStandardNormal(),
    "normal": StandardNormal(),
    "uniform": SymmetricUniform(),
}


def base_of(distribution: Distribution) -> AbstractBase:
    """The base distribution that a name or an object stands for."""
    return BASES[distribution] if isinstance(distribution, str) else distribution


def scaled_law(base: AbstractBase, variance: ScalarLike, spec: ParamSpec) -> LocScale:
    """The law with mean 0 and E|w|^2 = `variance`, in the arithmetic that jax uses."""
    # Rounded to the drawing dtype before the square root: the same bits as jax.
    if isinstance(variance, (int, float)):
        variance = np.asarray(variance, spec.real_dtype)[()]
    # Where a weight is stored as a real and an imaginary part, each has half.
    variance = variance / spec.pair_size if spec.pair_size > 1 else variance
    scale = base.scale_for(variance, spec.is_complex)
    shift = base.mean if not spec.is_complex else 0.0
    return LocScale(base, -scale * shift if shift else 0.0, scale)


class AbstractVarianceScaling(AbstractLawInitializer):
    r"""Mean 0 and variance $g^2 c / n$: a gain, a constant and a fan.

    A named scheme sets the constant `moment` and has fields `gain`, `mode` and
    `distribution`.
    """

    gain: eqx.AbstractVar[ScalarLike]
    mode: eqx.AbstractVar[Mode]
    distribution: eqx.AbstractVar[Distribution]
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def __check_init__(self) -> None:
        name = type(self).__name__
        positive(name, gain=self.gain, zero=True)
        choice(name, "mode", self.mode, tuple(FAN_MODES))
        if isinstance(self.distribution, str):
            choice(name, "distribution", self.distribution, tuple(BASES))

    def moment(self) -> ScalarLike:
        """The constant $c$: the variance at a fan and a gain of one."""
        return 1.0

    def law(self, spec: ParamSpec) -> LocScale:
        variance = self.moment() * self.gain * self.gain / spec.fan(self.mode)
        return scaled_law(base_of(self.distribution), variance, spec)


# What they return is a `dataclasses.Field`; the checker must be told `Any`.
def _mode(default: Mode) -> Any:
    return eqx.field(static=True, default=default)


def _distribution(default: DistributionName) -> Any:
    return eqx.field(static=True, default=default)


class LecunNormal(AbstractVarianceScaling):
    r"""Truncated normal with variance $g^2 / n_\text{in}$: keeps the variance of linear
    and self-normalising (SELU) layers.

    **Arguments:**

    - `gain`: multiplies the standard deviation.
    - `mode`: which fan divides.
    - `distribution`: `"truncated_normal"` (at two sigma, std corrected), `"normal"`,
        `"uniform"`, or any base distribution.

    LeCun et al., Efficient BackProp, 1998; Klambauer et al., arXiv:1706.02515.
    """

    gain: ScalarLike = 1.0
    mode: Mode = _mode("fan_in")
    distribution: Distribution = _distribution("truncated_normal")


class LecunUniform(AbstractVarianceScaling):
    r"""Uniform $U(-b, b)$ with $b = g \sqrt{3 / n_\text{in}}$: variance $g^2/n$.

    Arguments as [`eqinit.LecunNormal`][].

    LeCun et al., Efficient BackProp, 1998.
    """

    gain: ScalarLike = 1.0
    mode: Mode = _mode("fan_in")
    distribution: Distribution = _distribution("uniform")


class GlorotNormal(AbstractVarianceScaling):
    r"""Truncated normal with variance $2 g^2 / (n_\text{in} + n_\text{out})$.

    Arguments as [`eqinit.LecunNormal`][]. Torch's `xavier_normal_` is not truncated:
    `distribution="normal"`.

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.
    """

    gain: ScalarLike = 1.0
    mode: Mode = _mode("fan_avg")
    distribution: Distribution = _distribution("truncated_normal")


class GlorotUniform(AbstractVarianceScaling):
    r"""Uniform $U(-b, b)$ with $b = g \sqrt{6 / (n_\text{in} + n_\text{out})}$.

    Arguments as [`eqinit.LecunNormal`][].

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.
    """

    gain: ScalarLike = 1.0
    mode: Mode = _mode("fan_avg")
    distribution: Distribution = _distribution("uniform")


class AbstractHe(AbstractVarianceScaling):
    r"""Variance $2 g^2 / ((1 + a^2) n)$, for a leaky ReLU of slope $a$."""

    negative_slope: eqx.AbstractVar[ScalarLike]

    def moment(self) -> ScalarLike:
        return 2.0 / (1.0 + self.negative_slope * self.negative_slope)


class HeNormal(AbstractHe):
    r"""Truncated normal with variance $2 g^2 / ((1 + a^2)\, n_\text{in})$: keeps the
    second moment of (leaky) ReLU layers.

    **Arguments:**

    - `gain`: multiplies the standard deviation.
    - `negative_slope`: the slope $a$ of a leaky ReLU; 0 for ReLU.
    - `mode`: which fan divides; `"fan_out"` keeps gradients instead.
    - `distribution`: as [`eqinit.LecunNormal`][]; torch's `kaiming_normal_` is
        `"normal"`.

    He et al., Delving deep into rectifiers, arXiv:1502.01852.
    """

    gain: ScalarLike = 1.0
    negative_slope: ScalarLike = 0.0
    mode: Mode = _mode("fan_in")
    distribution: Distribution = _distribution("truncated_normal")


class HeUniform(AbstractHe):
    r"""Uniform $U(-b, b)$ with $b = g \sqrt{6 / ((1 + a^2)\, n_\text{in})}$.

    Arguments as [`eqinit.HeNormal`][].

    He et al., Delving deep into rectifiers, arXiv:1502.01852.
    """

    gain: ScalarLike = 1.0
    negative_slope: ScalarLike = 0.0
    mode: Mode = _mode("fan_in")
    distribution: Distribution = _distribution("uniform")


class VarianceScaling(AbstractVarianceScaling):
    r"""Variance $g^2\,\text{scale} / n$, any fan mode, any distribution.

    The arguments of `jax.nn.initializers.variance_scaling`; the axes come from the
    layer instead of from defaults.

    **Arguments:**

    - `scale`: numerator of the *variance* (torch's "scale" would be its square root).
    - `mode`: `fan_in`, `fan_out`, `fan_avg`, `fan_geo_avg`, `fan_sum`, `fan_min` or
        `fan_max`.
    - `distribution`: as [`eqinit.LecunNormal`][].
    - `gain`: multiplies the standard deviation.
    """

    scale: ScalarLike = 1.0
    mode: Mode = _mode("fan_in")
    distribution: Distribution = _distribution("truncated_normal")
    gain: ScalarLike = 1.0

    def __check_init__(self) -> None:
        positive("VarianceScaling", scale=self.scale, zero=True)

    def moment(self) -> ScalarLike:
        return self.scale


XavierNormal = GlorotNormal
XavierUniform = GlorotUniform
KaimingNormal = HeNormal
KaimingUniform = HeUniform


def he_gain(negative_slope: Number = 0.0) -> float:
    r"""$\sqrt{2 / (1 + a^2)}$, the gain of a leaky ReLU."""
    return math.sqrt(2.0 / (1.0 + negative_slope**2))
