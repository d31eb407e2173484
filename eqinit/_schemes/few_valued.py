"""Distributions over few values: signs, thirds, whole numbers, a circle."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import Condition, ordered, share
from .._laws.families import LocScale
from .._laws.few_valued import RandomPhase, RandomSign, RandomTernary
from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._typing import Array, Key, NonNegative, Number
from .distributions import by_std
from .initializer import AbstractInitializer, AbstractLawInitializer


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


Int32: TypeAlias = Annotated[
    int,
    Condition("a whole number of 32 bits", lambda x: abs(x) < 2**31, ("whole",)),
]


class DiscreteUniform(AbstractInitializer):
    r"""Whole numbers from `lower` (included) to `upper` (excluded), equally likely.

    Mean $(\text{lower} + \text{upper} - 1)/2$, variance $(n^2 - 1)/12$ with
    $n = \text{upper} - \text{lower}$. Also for integer arrays, when called by itself:
    `DiscreteUniform(0, 10)(key, (3, 4), "int8")`.

    **Arguments:**

    - `lower`: the smallest number.
    - `upper`: one more than the largest.

    **Raises:** `ValueError` where the dtype cannot hold them.
    """

    lower: Int32 = eqx.field(static=True, default=0)
    upper: Int32 = eqx.field(static=True, default=2)
    whole: ClassVar[bool] = True

    def conflicts(self) -> Iterator[str]:
        yield from ordered("DiscreteUniform", lower=self.lower, upper=self.upper)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        if not jnp.issubdtype(spec.dtype, jnp.integer):
            return
        limits = jnp.iinfo(spec.dtype)
        if self.lower < limits.min or self.upper - 1 > limits.max:
            yield (
                f"DiscreteUniform({self.lower}, {self.upper}) does not fit "
                f"{spec.dtype}, which holds {limits.min} to {limits.max}. Use a wider "
                "dtype."
            )

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        return jax.random.randint(key, spec.shape, self.lower, self.upper, np.int32)

    def moments(self, spec: ParamSpec) -> Moments:
        del spec
        count = self.upper - self.lower
        mean = (self.lower + self.upper - 1) / 2
        return Moments(mean, math.sqrt((count**2 - 1) / 12))
