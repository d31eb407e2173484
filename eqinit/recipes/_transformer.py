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
from ._branches import branches_of, ends
from ._parts import (
    ATTENTION_INPUTS,
    biases,
    embeddings,
    glorot,
    kernels,
    norms,
    recipe,
    unit_rows,
)
from ._selectors import Named
from ._tokens import tokens


@checked
def plain_normal(std: Number = 0.02) -> list[Rule]:
    r"""$\mathcal N(0, \text{std}^2)$ for all weights, embeddings, tokens and position
    embeddings, zero biases: what most models of the transformers library start from.

    **Arguments:**

    - `std`: standard deviation.

    **Returns:** rules.
    """
    return recipe("plain_normal", _plain(std))


def _plain(std: Number) -> list[Rule]:
    normal = Normal(std)
    rest = [*kernels(normal), *embeddings(normal), *biases(), *norms()]
    return [*tokens(std, std), *rest]


@checked
def bert(std: Number = 0.02) -> list[Rule]:
    r"""BERT: $\mathcal N(0, 0.02^2)$ for weights and embeddings, zero biases, also
    that of the predictions, which is an array of its own.

    The paper's own code truncates at two sigma; this is what transformers does. That
    zeroes the row of the padding token, of which nothing is known here.

    **Arguments:**

    - `std`: standard deviation.

    **Returns:** rules.

    Devlin et al., BERT: Pre-training of deep bidirectional transformers for language
    understanding, arXiv:1810.04805.
    """
    predictions = Rule(Named(("bias",)), Zeros(), optional=True)
    return recipe("bert", [predictions, *_plain(std)])


@checked
def llama(std: Number = 0.02) -> list[Rule]:
    r"""Llama: $\mathcal N(0, 0.02^2)$ for weights and embeddings, ones in the norms.

    What transformers does, for Mistral, Qwen and OPT as well; the paper says nothing
    of it.

    **Arguments:**

    - `std`: standard deviation.

    **Returns:** rules.

    Touvron et al., LLaMA: Open and efficient foundation language models,
    arXiv:2302.13971.
    """
    return recipe("llama", _plain(std))


@checked
def gpt2(
    num_layers: Natural | None = None,
    residual: SelectorLike | None = None,
    std: Number = 0.02,
) -> list[Rule]:
    r"""GPT-2: $\mathcal N(0, 0.02^2)$, and $1/\sqrt{2L}$ of that where a residual
    branch ends.

    With a trace of a call, `layouts=trace_layouts(model, call, x)`, it finds these ends
    in any model, and counts the branches: $1/\sqrt{N}$ for $N$ of them. Without, it
    knows them by the names that layers have in well-known models, and raises where
    there are fewer than two in a block. (The last layer of an `eqx.nn.MLP` has no name
    of its own.)

    **Arguments:**

    - `num_layers`: $L$, the number of blocks (of two branches each); may be left out
        with a trace.
    - `residual`: the last layers of residual branches, to say them oneself:
        `Path("**.output_proj") | Path("**.mlp.layers.1")`.
    - `std`: standard deviation of the other weights.

    **Returns:** rules.

    Radford et al., Language models are unsupervised multitask learners, 2019.
    """

    def counted(site: Site) -> Normal:
        return Normal(std * branches_of(site, "gpt2") ** -0.5)

    told = num_layers is not None
    last = Normal(std * depth.gpt2(num_layers)) if told else counted
    return recipe("gpt2", [*ends(residual, last, num_layers), *_plain(std)])


@checked
def neox(
    num_layers: Natural, dim: Natural, residual: SelectorLike | None = None
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
    return recipe(
        "neox",
        [
            *ends(residual, Wang(num_layers, dim), num_layers),
            *kernels(small),
            *embeddings(small),
            *biases(),
            *norms(),
        ],
    )


@checked
def vaswani(attention: SelectorLike = ATTENTION_INPUTS) -> list[Rule]:
    r"""The transformer as fairseq and torch have it: Glorot uniform, with a gain of
    $1/\sqrt2$ for queries, keys and values; embeddings $\mathcal N(0, 1/d)$.

    **Arguments:**

    - `attention`: the layers that make queries, keys and values.

    **Returns:** rules.

    Vaswani et al., Attention is all you need, arXiv:1706.03762.
    """
    inputs = Rule(attention, weight=GlorotUniform(gain=2**-0.5), bias=Zeros())
    return recipe("vaswani", [inputs, *glorot(), *embeddings(unit_rows)])


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

    rules = [
        Rule(Path(f"**.{part}_proj"), weight=factor(part))
        for part in ("query", "key", "value", "output")
    ]
    return recipe("mimetic", rules, whole=False)
