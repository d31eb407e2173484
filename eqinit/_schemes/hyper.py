"""Heads of hypernetworks: layers whose outputs are another network's parameters."""

import abc
from typing import Annotated, ClassVar, Literal, TypeAlias

import equinox as eqx

from .._checks import positive
from .._laws.families import LocScale
from .._parameters.spec import ParamSpec
from .._typing import Number, Positive, RoleName
from .centred import Distribution, centred
from .initializer import AbstractLawInitializer


Fan: TypeAlias = Annotated[Number, positive]
Unit: TypeAlias = Literal["relu", "linear"]
Target: TypeAlias = Literal["weight", "bias"]


class AbstractHyperfan(AbstractLawInitializer):
    r"""A head whose *outputs* have the variance that a main-network parameter needs.

    With embeddings of variance $\operatorname{Var} e$ and a head of fan_in $d_k$ the
    head's weights get that variance over $d_k \operatorname{Var} e$. A subclass says
    which variance it is.
    """

    fan_in: eqx.AbstractVar[Fan]
    fan_out: eqx.AbstractVar[Fan]
    target: eqx.AbstractVar[Target]
    activation: eqx.AbstractVar[Unit]
    use_bias: eqx.AbstractVar[bool]
    embedding_var: eqx.AbstractVar[Positive]
    distribution: eqx.AbstractVar[Distribution]
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    @abc.abstractmethod
    def generated(self) -> float:
        """The variance that the generated parameter should have."""

    def law(self, spec: ParamSpec) -> LocScale:
        variance = self.generated() / (spec.fan("fan_in") * self.embedding_var)
        return centred(self.distribution, variance, spec)

    @property
    def boost(self) -> float:
        """$c$: a ReLU passes half of a second moment."""
        return 2.0 if self.activation == "relu" else 1.0


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
    - `activation`: the main network's, `"relu"` or `"linear"`.
    - `use_bias`: whether the main layer has a generated bias.
    - `embedding_var`: variance of the embedding's entries.
    - `distribution`: as in [`eqinit.LecunNormal`][].

    Chang, Flokas and Lipson, Principled weight initialization for hypernetworks,
    arXiv:2312.08399.
    """

    fan_in: Fan = eqx.field(static=True)
    fan_out: Fan = eqx.field(static=True)
    target: Target = eqx.field(static=True, default="weight")
    activation: Unit = eqx.field(static=True, default="relu")
    use_bias: bool = eqx.field(static=True, default=True)
    embedding_var: Positive = 1.0
    distribution: Distribution = eqx.field(static=True, default="uniform")

    def generated(self) -> float:
        if self.target == "bias":
            return self.boost / 2
        return self.boost / ((2 if self.use_bias else 1) * self.fan_in)


class HyperfanOut(AbstractHyperfan):
    r"""The head of a hypernetwork, for main-network *gradients* of variance one.

    The head that generates weights has variance $c / (n_\text{out} d_k
    \operatorname{Var} e)$, the one that generates biases what is missing forward,
    $\max(0, c (1 - n_\text{in} / n_\text{out})) / (d_k \operatorname{Var} e)$.

    **Arguments:**

    - `fan_in`, `fan_out`: of the *main* layer whose parameter is generated; the head's
        own fan_in comes from its layout.
    - `target`: whether the head generates a `"weight"` or a `"bias"`.
    - `activation`: the main network's, `"relu"` or `"linear"`.
    - `use_bias`: whether the main layer has a generated bias.
    - `embedding_var`: variance of the embedding's entries.
    - `distribution`: as in [`eqinit.LecunNormal`][].

    Chang, Flokas and Lipson, Principled weight initialization for hypernetworks,
    arXiv:2312.08399.
    """

    fan_in: Fan = eqx.field(static=True)
    fan_out: Fan = eqx.field(static=True)
    target: Target = eqx.field(static=True, default="weight")
    activation: Unit = eqx.field(static=True, default="relu")
    use_bias: bool = eqx.field(static=True, default=True)
    embedding_var: Positive = 1.0
    distribution: Distribution = eqx.field(static=True, default="uniform")

    def generated(self) -> float:
        if self.target == "bias":
            return max(0.0, self.boost * (1 - self.fan_in / self.fan_out))
        return self.boost / self.fan_out
