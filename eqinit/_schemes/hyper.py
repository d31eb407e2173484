"""Heads of hypernetworks: layers whose outputs are another network's parameters."""

import abc
from typing import ClassVar, Literal, TypeAlias

import equinox as eqx

from .._laws.law import LocScale
from .._parameters.spec import ParamSpec
from .._typing import Number, RoleName, ScalarLike
from .checks import choice, positive
from .initializer import AbstractLawInitializer
from .variance_scaling import BASES, Distribution, base_of, scaled_law


Target: TypeAlias = Literal["weight", "bias"]


class AbstractHyperfan(AbstractLawInitializer):
    r"""A head whose *outputs* have the variance that a main-network parameter needs.

    With embeddings of variance $\operatorname{Var} e$ and a head of fan_in $d_k$ the
    head's weights get that variance over $d_k \operatorname{Var} e$. A subclass says
    which variance it is.
    """

    fan_in: eqx.AbstractVar[Number]
    fan_out: eqx.AbstractVar[Number]
    target: eqx.AbstractVar[Target]
    relu: eqx.AbstractVar[bool]
    bias: eqx.AbstractVar[bool]
    variance: eqx.AbstractVar[ScalarLike]
    distribution: eqx.AbstractVar[Distribution]
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def __check_init__(self) -> None:
        name = type(self).__name__
        choice(name, "target", self.target, ("weight", "bias"))
        positive(name, fan_in=self.fan_in, fan_out=self.fan_out, variance=self.variance)
        if isinstance(self.distribution, str):
            choice(name, "distribution", self.distribution, tuple(BASES))

    @abc.abstractmethod
    def generated(self) -> float:
        """The variance that the generated parameter should have."""

    def law(self, spec: ParamSpec) -> LocScale:
        variance = self.generated() / (spec.fan("fan_in") * self.variance)
        return scaled_law(base_of(self.distribution), variance, spec)

    @property
    def relus(self) -> float:
        return 2.0 if self.relu else 1.0


class HyperfanIn(AbstractHyperfan):
    r"""The head of a hypernetwork, for main-network *activations* of variance one.

    The head that generates weights has variance $c / (c_b\, n_\text{in} d_k
    \operatorname{Var} e)$, the one that generates biases $c / (2 d_k
    \operatorname{Var} e)$, with $c = 2$ for ReLU, $c_b = 2$ where the main layer has a
    generated bias (which then carries half of the variance), and else 1.

    **Arguments:**

    - `fan_in`, `fan_out`: of the *main* layer whose parameter is generated; the head's
        own fan_in comes from its layout.
    - `target`: whether the head generates a `"weight"` or a `"bias"`.
    - `relu`: whether the main network's activation is a ReLU.
    - `bias`: whether the main layer has a generated bias.
    - `variance`: of the embedding's entries.
    - `distribution`: as [`eqinit.LecunNormal`][].

    Chang, Flokas and Lipson, Principled weight initialization for hypernetworks,
    arXiv:2312.08399.
    """

    fan_in: Number = eqx.field(static=True)
    fan_out: Number = eqx.field(static=True)
    target: Target = eqx.field(static=True, default="weight")
    relu: bool = eqx.field(static=True, default=True)
    bias: bool = eqx.field(static=True, default=True)
    variance: ScalarLike = 1.0
    distribution: Distribution = eqx.field(static=True, default="uniform")

    def generated(self) -> float:
        if self.target == "bias":
            return self.relus / 2
        return self.relus / ((2 if self.bias else 1) * self.fan_in)


class HyperfanOut(AbstractHyperfan):
    r"""The head of a hypernetwork, for main-network *gradients* of variance one.

    The head that generates weights has variance $c / (n_\text{out} d_k
    \operatorname{Var} e)$, the one that generates biases what is missing forward,
    $\max(0, c (1 - n_\text{in} / n_\text{out})) / (d_k \operatorname{Var} e)$.

    Arguments as [`eqinit.HyperfanIn`][].

    Chang, Flokas and Lipson, Principled weight initialization for hypernetworks,
    arXiv:2312.08399.
    """

    fan_in: Number = eqx.field(static=True)
    fan_out: Number = eqx.field(static=True)
    target: Target = eqx.field(static=True, default="weight")
    relu: bool = eqx.field(static=True, default=True)
    bias: bool = eqx.field(static=True, default=True)
    variance: ScalarLike = 1.0
    distribution: Distribution = eqx.field(static=True, default="uniform")

    def generated(self) -> float:
        if self.target == "bias":
            return max(0.0, self.relus * (1 - self.fan_in / self.fan_out))
        return self.relus / self.fan_out
