"""Rules that several recipes share, and what they are for."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx

from .._layouts.known.equinox import of_kind
from .._models.selectors import AbstractSelector, Filter, Layer, Path, SelectorLike
from .._models.site import Site
from .._planning.part import Part
from .._planning.rule import Rule
from .._schemes.constant import Ones, Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import GlorotUniform
from ._selectors import Convolution, Of, Scales


# Equinox's own names in its transformer layers.
ATTENTION_INPUTS = Path("**.query_proj") | Path("**.key_proj") | Path("**.value_proj")
VALUES = Path("**.value_proj") | Path("**.v_proj")


CONVS = Layer(of_kind("conv"))
DENSE = Layer(of_kind("dense", "conv"))
CONV_TRANSPOSE = Layer(eqx.nn.ConvTranspose)
CELLS = Layer(of_kind("cell"))
NORMS = Layer(of_kind("norm"))


def for_part(name: str, rules: Sequence[Rule], **more: Any) -> list[Rule]:
    """These rules, and in words what they are for."""
    part = Part(name, **more)
    return [rule.for_part(part) for rule in rules]


def given_or_named(
    name: str,
    given: SelectorLike | None,
    named: AbstractSelector,
    lacking: str = "",
    **fields: Any,
) -> list[Rule]:
    """A rule for layers that the caller says, or else for those that are called so."""
    if given is not None:
        return [Rule(given, **fields)]
    return for_part(name, [Rule(named, **fields, optional=True)], lacking=lacking)


def recipe(name: str, rules: Sequence[Rule], *, whole: bool = True) -> list[Rule]:
    """These rules as those of one recipe, which is for a whole model or is not."""
    parts = [rule.part or Part("") for rule in rules]
    pairs = zip(rules, parts, strict=True)
    return [
        rule.for_part(dataclasses.replace(part, recipe=name, whole=whole))
        for rule, part in pairs
    ]


def norms() -> list[Rule]:
    """Ones and zeros in every norm."""
    known = Rule(NORMS, weight=Ones(), bias=Zeros(), optional=True)
    return for_part("norms", [known, Rule(Scales(), Ones(), optional=True)])


def layers(
    selector: Any, weight: Any, bias: Any = Zeros(), name: str = ""
) -> list[Rule]:
    """Weight and bias of layers that a model may lack."""
    return for_part(name, [Rule(selector, weight=weight, bias=bias, optional=True)])


def kernels(
    weight: Any, selector: AbstractSelector | None = None, name: str = "kernels"
) -> list[Rule]:
    """Kernels of any layers, or of those that are selected."""
    chosen = Of("kernel") if selector is None else Of("kernel") & selector
    return for_part(name, [Rule(chosen, weight, optional=True)])


def dense(weight: Any) -> list[Rule]:
    """Kernels that have no taps."""
    return kernels(weight, ~Convolution(), "linear layers")


def with_fan(weight: Any) -> list[Rule]:
    """Kernels and the biases that they feed, which those of norms are not."""
    fed = Of("bias") & Filter(_has_fan)
    return for_part("kernels", [Rule(Of("kernel") | fed, weight, optional=True)])


def _has_fan(site: Site) -> bool:
    return site.spec.fan_in is not None


def biases(bias: Any = Zeros()) -> list[Rule]:
    """Biases of any layers, those of norms as well."""
    return for_part("biases", [Rule(Of("bias"), bias, optional=True)])


def embeddings(weight: Any) -> list[Rule]:
    table = Rule(Of("embedding"), weight, optional=True)
    return for_part("embeddings", [table])


def unit_rows(site: Site) -> Normal:
    """Rows of unit length."""
    return Normal(site.shape[-1] ** -0.5)


def glorot(weight: Any = GlorotUniform()) -> list[Rule]:
    return [*kernels(weight), *biases(), *norms()]


def cells(weight_ih: Any, weight_hh: Any, lstm_bias: Any, gru_bias: Any) -> list[Rule]:
    """The two recurrent cells, gate by gate as their layouts say."""
    both: dict[str, Any] = {
        "weight_ih": weight_ih,
        "weight_hh": weight_hh,
        "optional": True,
    }
    return [
        Rule(eqx.nn.LSTMCell, **both, bias=lstm_bias),
        Rule(eqx.nn.GRUCell, **both, bias=gru_bias, bias_n=Zeros()),
    ]


def attention_of(site: Site) -> Any:
    """The attention that a projection is of."""
    return next(
        node.module
        for node in reversed(site.ancestors)
        if isinstance(node.module, eqx.nn.MultiheadAttention)
    )
