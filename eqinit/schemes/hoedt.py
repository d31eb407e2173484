"""Hoedt and Klambauer's scheme for layers with non-negative weights (ICNNs)."""

import math
from typing import Any, ClassVar, NamedTuple

from .._bases import StandardNormal
from .._initializer import AbstractLawInitializer
from .._law import LocScale, LogNormalLaw
from .._spec import ParamSpec
from .._typing import RoleName, ScalarLike, checked
from ._checks import positive
from .distributions import log_normal_law


class Positive(NamedTuple):
    """Moments of a positive layer: mean and variance of weights, the bias's shift."""

    mean: float
    variance: float
    shift: float


def _relu_product(corr: float) -> float:
    """E relu(x) relu(y) of two unit normals with this correlation."""
    return (math.sqrt(1 - corr**2) + corr * math.acos(-corr)) / (2 * math.pi)


def positive_moments(fan_in: float, corr: float, alpha: float) -> Positive:
    r"""Weight moments and bias for which mean 0, variance 1 and `corr` are kept.

    With $m_1 = E\phi$, $m_2 = E\phi^2$, $m_x = E\phi(x)\phi(y)$ at unit variance:
    $\mu^2 = \rho / (n (m_2 + (n-1) m_x - n m_1^2))$, $v = (1-\rho)/(n m_2)$,
    $b = -n \mu m_1$.
    """
    mean = (1 - alpha) / math.sqrt(2 * math.pi)
    square = (1 + alpha**2) / 2
    product = (1 + alpha**2) * _relu_product(corr) - 2 * alpha * _relu_product(-corr)
    spread = square + (fan_in - 1) * product - fan_in * mean**2
    weight = math.sqrt(corr / (fan_in * spread))
    return Positive(weight, (1 - corr) / (fan_in * square), -fan_in * weight * mean)


class AbstractHoedt(AbstractLawInitializer):
    """What the weight and the bias of one positive layer have to agree on."""

    var: ScalarLike = 1.0
    corr: float = 0.5
    bias_noise: float = 0.0
    alpha: float = 0.0

    def __check_init__(self) -> None:
        name = type(self).__name__
        positive(name, var=self.var)
        if not 0 < self.corr < 1:
            raise ValueError(f"{name} got corr={self.corr}; it must be inside (0, 1).")
        if not 0 <= self.bias_noise < 1:
            raise ValueError(
                f"{name} got bias_noise={self.bias_noise}; it is the share of the "
                "variance that the bias carries, inside [0, 1)."
            )
        if not -1 < self.alpha < 1:
            raise ValueError(f"{name} got alpha={self.alpha}; it must be in (-1, 1).")

    def positive_moments(self, spec: ParamSpec) -> Positive:
        return positive_moments(spec.fan("fan_in"), self.corr, self.alpha)


class HoedtNormal(AbstractHoedt):
    r"""Log-normal weights for a layer whose weights must stay positive.

    Positive weights add a common part to every output, so no centred scheme works. With
    fan_in $n$, correlation $\rho$ and ReLU, the weights have

    $$\mu^2 = \frac{2\pi\rho}{n\left(\pi - n + (n-1)(\sqrt{1-\rho^2}
    + \rho\arccos(-\rho))\right)}, \qquad v = \frac{2 (1-\rho)}{n}$$

    and [`eqinit.HoedtBias`][] takes the common mean away again.

    **Arguments:**

    - `var`: variance of the pre-activations that the pair keeps.
    - `corr`: correlation $\rho$ between features that the pair keeps.
    - `bias_noise`: share of the weights' variance that the bias carries instead.
    - `alpha`: negative slope of a leaky ReLU. Consistent in weight and bias (the
        authors' code puts it into $v$ alone).

    !!! warning
        The fixed point holds for one layer, in expectation, and is unstable beyond:
        deep nets want [`eqinit.calibrate`](../signal.md) afterwards.

    Hoedt and Klambauer, Principled weight initialisation for input-convex neural
    networks, NeurIPS 2023, arXiv:2312.12474.
    """

    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def law(self, spec: ParamSpec) -> LogNormalLaw:
        if spec.is_complex:
            raise ValueError("HoedtNormal is positive, and the parameter is complex.")
        mean, variance, _ = self.positive_moments(spec)
        return log_normal_law(mean, variance * (1 - self.bias_noise))


class HoedtBias(AbstractHoedt):
    r"""The *negative* bias that takes away the mean which positive weights add.

    $b = -n \mu \sqrt{\text{var} / 2\pi}$ for ReLU, with $\mu$ of
    [`eqinit.HoedtNormal`][]: -0.48 at a fan_in of 1, -0.74 at 4096. (klax has the sign
    wrong, which leaves a mean of +1.48 after one layer.)

    Arguments as [`eqinit.HoedtNormal`][]; the bias takes the fan_in of the kernel that
    feeds it, or `fan_in=` outside of a model.

    Hoedt and Klambauer, arXiv:2312.12474.
    """

    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def law(self, spec: ParamSpec) -> LocScale:
        shift = self.positive_moments(spec).shift
        noise = math.sqrt(self.bias_noise * (1 - self.corr))
        scale = self.var**0.5
        return LocScale(StandardNormal(), shift * scale, noise * scale)


@checked
def hoedt(
    var: ScalarLike = 1.0,
    corr: float = 0.5,
    bias_noise: float = 0.0,
    alpha: float = 0.0,
) -> dict[str, Any]:
    """The linked pair for a positive layer, to spread into a rule.

    `Rule(PositiveLinear, **hoedt(corr=0.5))` says what
    `Rule(PositiveLinear, weight=HoedtNormal(...), bias=HoedtBias(...))` says, with the
    arguments written once.

    Arguments as [`eqinit.HoedtNormal`][].

    **Returns:** `{"weight": HoedtNormal(...), "bias": HoedtBias(...)}`.
    """
    return {
        "weight": HoedtNormal(var, corr, bias_noise, alpha),
        "bias": HoedtBias(var, corr, bias_noise, alpha),
    }
