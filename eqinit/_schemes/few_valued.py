"""Distributions over few values: signs, thirds, a circle."""

from typing import Annotated

import equinox as eqx

from .._checks import share
from .._laws.law import LocScale
from .._laws.more_units import RandomPhase, RandomSign, RandomTernary
from .._parameters.spec import ParamSpec
from .._typing import NonNegative, Number
from .distributions import by_std
from .initializer import AbstractLawInitializer


class Rademacher(AbstractLawInitializer):
    r"""Random signs: $w = \pm\text{std}$, every entry of the same modulus.

    Complex entries are $(\pm 1 \pm i)\,\text{std}/\sqrt2$.

    **Arguments:**

    - `std`: the modulus, which is the standard deviation.
    """

    std: NonNegative = 1.0

    def law(self, spec: ParamSpec) -> LocScale:
        return by_std(RandomSign(), self.std, 0.0, spec)


class Ternary(AbstractLawInitializer):
    r"""$w \in \{-s, 0, s\}$ with $s = \text{std} / \sqrt{p}$: non-zero with probability
    $p$, and standard deviation `std` whatever $p$.

    **Arguments:**

    - `std`: standard deviation.
    - `density`: the probability $p$ of a non-zero entry, in (0, 1].
    """

    std: NonNegative = 1.0
    density: Annotated[Number, share] = eqx.field(static=True, default=2 / 3)

    def law(self, spec: ParamSpec) -> LocScale:
        return by_std(RandomTernary(float(self.density)), self.std, 0.0, spec)


class Phase(AbstractLawInitializer):
    r"""Complex numbers on a circle: $w = r e^{i\theta}$, $\theta \sim U(-\pi, \pi)$.

    **Arguments:**

    - `std`: the radius $r$, which is the standard deviation: $E|w|^2 = r^2$.
    """

    std: NonNegative = 1.0

    def law(self, spec: ParamSpec) -> LocScale:
        return by_std(RandomPhase(), self.std, 0.0, spec)
