"""Transformers."""

from typing import Any, Literal

import equinox as eqx

from .._models.selectors import Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.constant import Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import GlorotUniform
from .._schemes.mimetic import Mimetic
from .._schemes.transformer import SmallInit, Wang
from .._typing import Natural, Number, checked
from ._parts import ATTENTION_INPUTS, BRANCH, DENSE, RESIDUAL, embeddings, layers, norms


@checked
def plain_normal(std: Number = 0.02) -> list[Rule]:
    r"""BERT's and Llama's: $\mathcal N(0, \text{std}^2)$ for all weights and
    embeddings, zero biases.

    **Arguments:**

    - `std`: standard deviation.

    **Returns:** rules.
    """
    return [*layers(DENSE, Normal(std)), *embeddings(Normal(std)), *norms()]


@checked
def gpt2(
    num_layers: Natural, residual: SelectorLike = RESIDUAL, std: Number = 0.02
) -> list[Rule]:
    r"""GPT-2: $\mathcal N(0, 0.02^2)$, and $1/\sqrt{2L}$ of that where a residual
    branch ends.

    **Arguments:**

    - `num_layers`: $L$, the number of blocks (of two branches each).
    - `residual`: the last layers of residual branches; by default those called
        `output_proj`, `c_proj` or `proj_down`. An MLP's last layer has no name of its
        own: `Path("**.output_proj") | Path("**.mlp.layers.1")`.
    - `std`: standard deviation of the other weights.

    **Returns:** rules.

    Radford et al., Language models are unsupervised multitask learners, 2019.
    """
    last = Normal(std * depth.gpt2(num_layers))
    return [Rule(residual, weight=last, bias=Zeros()), *plain_normal(std)]


@checked
def neox(
    num_layers: Natural, dim: Natural, residual: SelectorLike = RESIDUAL
) -> list[Rule]:
    r"""GPT-NeoX: $\mathcal N(0, 2/(5d))$, and std $2/(L\sqrt d)$ where a branch ends.

    **Arguments:**

    - `num_layers`: $L$, the number of blocks.
    - `dim`: $d$, the model's width.
    - `residual`: the last layers of residual branches, as in
        [`eqinit.recipes.gpt2`][].

    **Returns:** rules.

    Nguyen and Salazar, Transformers without tears, arXiv:1910.05895; Black et al.,
    GPT-NeoX-20B, arXiv:2204.06745.
    """
    small = SmallInit(dim)
    return [
        Rule(residual, weight=Wang(num_layers, dim), bias=Zeros()),
        *layers(DENSE, small),
        *embeddings(small),
        *norms(),
    ]


def _unit_rows(gain: float = 1.0) -> Any:
    def embedding(site: Site) -> Normal:
        return Normal(gain * site.shape[-1] ** -0.5)

    return embedding


@checked
def vaswani(attention: SelectorLike = ATTENTION_INPUTS) -> list[Rule]:
    r"""The transformer as fairseq and torch have it: Glorot uniform, with a gain of
    $1/\sqrt2$ for queries, keys and values; embeddings $\mathcal N(0, 1/d)$.

    **Arguments:**

    - `attention`: the layers that make queries, keys and values.

    **Returns:** rules.

    Vaswani et al., Attention is all you need, arXiv:1706.03762.
    """
    return [
        Rule(attention, weight=GlorotUniform(gain=2**-0.5), bias=Zeros()),
        *_scaled_glorot(None, 1.0),
        *embeddings(_unit_rows()),
    ]


def _scaled_glorot(branch: SelectorLike | None, gain: float) -> list[Rule]:
    """Glorot uniform everywhere, with a gain in the layers of the branches."""
    shrunk = [] if branch is None else [_glorot(branch, gain)]
    return [*shrunk, *layers(DENSE, GlorotUniform()), *norms()]


def _glorot(branch: SelectorLike, gain: float) -> Rule:
    return Rule(branch, weight=GlorotUniform(gain=gain), bias=Zeros())


@checked
def t_fixup(
    num_layers: Natural,
    part: Literal["encoder", "decoder"] = "encoder",
    branch: SelectorLike = BRANCH,
) -> list[Rule]:
    """T-Fixup, for training without norms or warm-up: one part of a transformer.

    Scales as [`eqinit.depth.t_fixup`][]; the embeddings get the decoder's.

    **Arguments:**

    - `num_layers`: layers of this part.
    - `part`: `"encoder"` or `"decoder"`.
    - `branch`: values, attention outputs and the layers of the MLPs.

    **Returns:** rules.

    Huang et al., Improving transformer optimization through better initialization,
    ICML 2020.
    """
    rows = _unit_rows(depth.t_fixup(num_layers, "decoder"))
    gain = depth.t_fixup(num_layers, part)
    return [*_scaled_glorot(branch, gain), *embeddings(rows)]


@checked
def deepnet(
    encoder: Natural | None = None,
    decoder: Natural | None = None,
    part: Literal["encoder", "decoder"] = "encoder",
    branch: SelectorLike = BRANCH,
) -> list[Rule]:
    """DeepNet: Glorot, shrunk in the branches; the model multiplies its stream.

    The other half of the method is `alpha` of [`eqinit.depth.deepnorm`][], which the
    model itself applies.

    **Arguments:**

    - `encoder`, `decoder`: layers of each; leave out what there is not.
    - `part`: which of them these rules are for.
    - `branch`: values, attention outputs and the layers of the MLPs.

    **Returns:** rules.

    Wang et al., DeepNet: Scaling transformers to 1,000 layers, arXiv:2203.00555.
    """
    scales = getattr(depth.deepnorm(encoder, decoder), part)
    return _scaled_glorot(branch, _given(scales, "deepnet", part).beta)


@checked
def subln(
    encoder: Natural | None = None,
    decoder: Natural | None = None,
    part: Literal["encoder", "decoder"] = "encoder",
    branch: SelectorLike = BRANCH,
) -> list[Rule]:
    """Magneto (Sub-LayerNorm): Glorot, enlarged in the branches.

    **Arguments:**

    - `encoder`, `decoder`: layers of each; leave out what there is not.
    - `part`: which of them these rules are for.
    - `branch`: values, attention outputs and the layers of the MLPs.

    **Returns:** rules.

    Wang et al., Foundation transformers, arXiv:2210.06423.
    """
    gain = getattr(depth.subln(encoder, decoder), part)
    return _scaled_glorot(branch, _given(gain, "subln", part))


def _given(scale: Any, recipe: str, part: str) -> Any:
    if scale is None:
        raise ValueError(
            f"{recipe} was asked for the {part} and not told its layers: "
            f"`{recipe}({part}=12, part={part!r})`."
        )
    return scale


@checked
def mimetic() -> list[Rule]:
    """Mimetic attention, for every `eqx.nn.MultiheadAttention`.

    Rules for the four projections alone; put them in front of a recipe for the rest.

    **Returns:** rules.

    Trockman and Kolter, Mimetic initialization of self-attention layers,
    arXiv:2305.09828.
    """

    def factor(part: Literal["query", "key", "value", "output"]) -> Any:
        def of(site: Site) -> Mimetic:
            heads = next(
                step.module.num_heads
                for step in reversed(site.ancestors)
                if isinstance(step.module, eqx.nn.MultiheadAttention)
            )
            return Mimetic(part, heads=heads if part in ("query", "key") else 1)

        return of

    return [
        Rule(Path(f"**.{part}_proj"), weight=factor(part))
        for part in ("query", "key", "value", "output")
    ]
