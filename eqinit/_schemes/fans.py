"""Schemes whose variance is a constant over a fan."""

import math
from typing import ClassVar, Literal, TypeAlias

import equinox as eqx
import numpy as np

from .._laws.base import over
from .._laws.families import LocScale, UniformLaw
from .._parameters.spec import ParamSpec
from .._typing import Finite, NonNegative, RoleName, ScalarLike
from .centred import Distribution, centred, within
from .initializer import AbstractLawInitializer


Mode: TypeAlias = Literal[
    "fan_in", "fan_out", "fan_avg", "fan_geo_avg", "fan_sum", "fan_min", "fan_max"
]


class AbstractVarianceScaling(AbstractLawInitializer):
    r"""Mean 0 and variance $g^2 c / n$: a gain, a constant and a fan.

    A named scheme sets the constant `moment` and has fields `gain`, `mode` and
    `distribution`.
    """

    gain: eqx.AbstractVar[NonNegative]
    mode: eqx.AbstractVar[Mode]
    distribution: eqx.AbstractVar[Distribution]
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def moment(self) -> ScalarLike:
        """The constant $c$: the variance at a fan and a gain of one."""
        return 1.0

    def law(self, spec: ParamSpec) -> LocScale:
        variance = over(self.moment() * self.gain * self.gain, spec.fan(self.mode))
        return centred(self.distribution, variance, spec)


class LecunNormal(AbstractVarianceScaling):
    r"""Truncated normal with variance $g^2 / n_\text{in}$: keeps the variance of linear
    and self-normalising (SELU) layers.

    **Arguments:**

    - `gain`: $g \ge 0$, multiplies the standard deviation.
    - `mode`: which fan divides: `"fan_in"`, `"fan_out"`, `"fan_avg"`, `"fan_geo_avg"`,
        `"fan_sum"`, `"fan_min"` or `"fan_max"`.
    - `distribution`: `"truncated_normal"` (at two sigma, std corrected), `"normal"`,
        `"uniform"`, or a scheme such as `Laplace()`, of which only the shape counts:
        mean and variance are those above.

    LeCun et al., Efficient BackProp, 1998; Klambauer et al., arXiv:1706.02515.
    """

    gain: NonNegative = 1.0
    mode: Mode = eqx.field(static=True, default="fan_in")
    distribution: Distribution = eqx.field(static=True, default="truncated_normal")


class LecunUniform(AbstractVarianceScaling):
    r"""Uniform $U(-b, b)$ with $b = g \sqrt{3 / n_\text{in}}$: variance $g^2/n$.

    **Arguments:**

    - `gain`: $g \ge 0$, multiplies the bound.
    - `mode`: which fan divides, as in [`eqinit.LecunNormal`][].
    - `distribution`: another with the same variance, as in [`eqinit.LecunNormal`][].

    LeCun et al., Efficient BackProp, 1998.
    """

    gain: NonNegative = 1.0
    mode: Mode = eqx.field(static=True, default="fan_in")
    distribution: Distribution = eqx.field(static=True, default="uniform")


class GlorotNormal(AbstractVarianceScaling):
    r"""Truncated normal with variance $2 g^2 / (n_\text{in} + n_\text{out})$.

    Torch's `xavier_normal_` is not truncated: `distribution="normal"`.

    **Arguments:**

    - `gain`: $g \ge 0$, multiplies the standard deviation.
    - `mode`: which fan divides, as in [`eqinit.LecunNormal`][].
    - `distribution`: as in [`eqinit.LecunNormal`][].

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.
    """

    gain: NonNegative = 1.0
    mode: Mode = eqx.field(static=True, default="fan_avg")
    distribution: Distribution = eqx.field(static=True, default="truncated_normal")


class GlorotUniform(AbstractVarianceScaling):
    r"""Uniform $U(-b, b)$ with $b = g \sqrt{6 / (n_\text{in} + n_\text{out})}$.

    **Arguments:**

    - `gain`: $g \ge 0$, multiplies the bound.
    - `mode`: which fan divides, as in [`eqinit.LecunNormal`][].
    - `distribution`: another with the same variance, as in [`eqinit.LecunNormal`][].

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010.
    """

    gain: NonNegative = 1.0
    mode: Mode = eqx.field(static=True, default="fan_avg")
    distribution: Distribution = eqx.field(static=True, default="uniform")


class AbstractHe(AbstractVarianceScaling):
    r"""Variance $2 g^2 / ((1 + a^2) n)$, for a leaky ReLU of slope $a$."""

    negative_slope: eqx.AbstractVar[Finite]

    def moment(self) -> ScalarLike:
        return 2.0 / (1.0 + self.negative_slope * self.negative_slope)


class HeNormal(AbstractHe):
    r"""Truncated normal with variance $2 g^2 / ((1 + a^2)\, n_\text{in})$: keeps the
    second moment of (leaky) ReLU layers.

    **Arguments:**

    - `gain`: $g \ge 0$, multiplies the standard deviation.
    - `negative_slope`: the slope $a$ of a leaky ReLU; 0 for ReLU.
    - `mode`: which fan divides, as in [`eqinit.LecunNormal`][]; `"fan_out"` keeps
        gradients instead.
    - `distribution`: as in [`eqinit.LecunNormal`][]; torch's `kaiming_normal_` is
        `"normal"`.

    He et al., Delving deep into rectifiers, arXiv:1502.01852.
    """

    gain: NonNegative = 1.0
    negative_slope: Finite = 0.0
    mode: Mode = eqx.field(static=True, default="fan_in")
    distribution: Distribution = eqx.field(static=True, default="truncated_normal")


class HeUniform(AbstractHe):
    r"""Uniform $U(-b, b)$ with $b = g \sqrt{6 / ((1 + a^2)\, n_\text{in})}$.

    **Arguments:**

    - `gain`: $g \ge 0$, multiplies the bound.
    - `negative_slope`: the slope $a$ of a leaky ReLU; 0 for ReLU.
    - `mode`: which fan divides, as in [`eqinit.LecunNormal`][].
    - `distribution`: another with the same variance, as in [`eqinit.LecunNormal`][].

    He et al., Delving deep into rectifiers, arXiv:1502.01852.
    """

    gain: NonNegative = 1.0
    negative_slope: Finite = 0.0
    mode: Mode = eqx.field(static=True, default="fan_in")
    distribution: Distribution = eqx.field(static=True, default="uniform")


class VarianceScaling(AbstractVarianceScaling):
    r"""Variance $g^2\,\text{scale} / n$, any fan mode, any distribution.

    The arguments of `jax.nn.initializers.variance_scaling`; the axes come from the
    layer instead of from defaults.

    **Arguments:**

    - `scale`: numerator of the *variance* (torch's "scale" would be its square root).
    - `mode`: which fan divides, as in [`eqinit.LecunNormal`][].
    - `distribution`: as in [`eqinit.LecunNormal`][].
    - `gain`: $g \ge 0$, multiplies the standard deviation.
    """

    scale: NonNegative = 1.0
    mode: Mode = eqx.field(static=True, default="fan_in")
    distribution: Distribution = eqx.field(static=True, default="truncated_normal")
    gain: NonNegative = 1.0

    def moment(self) -> ScalarLike:
        return self.scale


XavierNormal = GlorotNormal
XavierUniform = GlorotUniform
KaimingNormal = HeNormal
KaimingUniform = HeUniform


class FanUniform(AbstractLawInitializer):
    r"""Uniform $U(-b, b)$ with $b = g\,(c / n)^p$: a gain, a numerator, a fan, a power.

    Its variance is $b^2 / 3$. The generic scheme behind several named ones:
    `FanUniform(6, "fan_sum", 0.5)` is Glorot's, `FanUniform(1, "fan_in", 1.0)` the
    first layer of a SIREN, `FanUniform(1, "fan_in", 0.5)` torch's default, and with
    `gain=scale` the projection of Mamba's time step.

    **Arguments:**

    - `numerator`: $c \ge 0$.
    - `mode`: which fan $n$ is, as in [`eqinit.LecunNormal`][].
    - `power`: $p$.
    - `gain`: $g \ge 0$, multiplies the bound.
    """

    numerator: NonNegative = 1.0
    mode: Mode = eqx.field(static=True, default="fan_in")
    power: Finite = 0.5
    gain: NonNegative = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "bias")

    def law(self, spec: ParamSpec) -> LocScale:
        ratio = self.numerator / spec.fan(self.mode)
        return within(self.gain * ratio**self.power, spec)


class TorchDefault(AbstractLawInitializer):
    r"""Uniform $U(-1/\sqrt{n}, 1/\sqrt{n})$ for kernels and biases alike: the default
    of torch and Equinox, for layers that nobody initialises.

    $n$ is the layer's fan_in; recurrent cells use their hidden size for every
    parameter, as their constructors do. With the key that the constructor would have
    used, float32 values are Equinox's own, bit for bit. (A complex parameter gets
    $E|w|^2 = 1/(3n)$ as a real one does; Equinox's constructor gives it twice that.)

    Torch writes this as `kaiming_uniform_(a=sqrt(5))`.
    """

    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "bias")

    def law(self, spec: ParamSpec) -> UniformLaw:
        fan = spec.default_fan if spec.default_fan is not None else spec.fan("fan_in")
        limit = np.asarray(1 / math.sqrt(fan or 1.0), spec.real_dtype)[()]
        return UniformLaw(-limit, limit)
