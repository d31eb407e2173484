"""Uniform laws whose bound is a power of a fan."""

from typing import ClassVar

import equinox as eqx
import numpy as np

from .._laws.law import LocScale
from .._parameters.spec import FAN_MODES, ParamSpec
from .._typing import RoleName, ScalarLike
from .checks import choice, positive
from .initializer import AbstractLawInitializer
from .variance_scaling import BASES, Mode


def bounded_law(bound: ScalarLike, spec: ParamSpec) -> LocScale:
    """Uniform on $[-b, b)$; complex draws have the variance that real ones would."""
    if isinstance(bound, (int, float)):
        bound = np.asarray(bound, spec.real_dtype)[()]
    # Real draws scale U(-1, 1); complex ones fill a disk whose E|z|^2 is 1.
    share = 3 * spec.pair_size if spec.is_complex else spec.pair_size
    return LocScale(BASES["uniform"], 0.0, bound / share**0.5 if share > 1 else bound)


class FanUniform(AbstractLawInitializer):
    r"""Uniform $U(-b, b)$ with $b = g\,(c / n)^p$: a gain, a numerator, a fan, a power.

    Its variance is $b^2 / 3$. The generic scheme behind several named ones:
    `FanUniform(6, "fan_sum", 0.5)` is Glorot's, `FanUniform(1, "fan_in", 1.0)` the
    first layer of a SIREN, `FanUniform(1, "fan_in", 0.5)` torch's default, and with
    `gain=scale` the projection of Mamba's time step.

    **Arguments:**

    - `numerator`: $c$.
    - `mode`: which fan $n$ is: `fan_in`, `fan_out`, `fan_avg`, `fan_geo_avg`,
        `fan_sum`, `fan_min` or `fan_max`.
    - `power`: $p$.
    - `gain`: $g$, multiplies the bound.
    """

    numerator: ScalarLike = 1.0
    mode: Mode = eqx.field(static=True, default="fan_in")
    power: ScalarLike = 0.5
    gain: ScalarLike = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "bias")

    def __check_init__(self) -> None:
        positive("FanUniform", numerator=self.numerator, gain=self.gain, zero=True)
        choice("FanUniform", "mode", self.mode, tuple(FAN_MODES))

    def law(self, spec: ParamSpec) -> LocScale:
        ratio = self.numerator / spec.fan(self.mode)
        return bounded_law(self.gain * ratio**self.power, spec)
