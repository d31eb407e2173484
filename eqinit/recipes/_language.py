"""Language models whose authors have scales of their own, and their adapters."""

import math
from typing import Any

import equinox as eqx

from .._models.selectors import Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.constant import Constant, Zeros
from .._schemes.distributions import Normal, TruncatedNormal, Uniform
from .._schemes.fans import LecunNormal, TorchDefault
from .._schemes.orthogonal import Orthogonal
from .._typing import Natural, checked
from ._parts import DENSE, RESIDUAL, block_of, embeddings, layers, norms


@checked
def t5(
    dim: Natural,
    head_dim: Natural,
    query: SelectorLike = Path("**.query_proj"),
    positions: SelectorLike = Path("**.relative_attention_bias"),
) -> list[Rule]:
    r"""T5: normal of variance $1/n_\text{in}$, and $1/(n_\text{in} d_k)$ for queries,
    because its attention does not divide the scores by $\sqrt{d_k}$.

    Embeddings are $\mathcal N(0, 1)$, relative position biases $\mathcal N(0, 1/d)$.

    **Arguments:**

    - `dim`: $d$, the model's width.
    - `head_dim`: $d_k$, the width of one head. Pass 1 for attention that does divide,
        as `eqx.nn.MultiheadAttention` does.
    - `query`: the layers that make queries.
    - `positions`: the tables of relative position biases, if there are any.

    **Returns:** rules.

    Raffel et al., Exploring the limits of transfer learning with a unified text-to-text
    transformer, arXiv:1910.10683.
    """
    undivided = LecunNormal(head_dim**-0.5, distribution="normal")
    return [
        Rule(positions, Normal(dim**-0.5), optional=True),
        Rule(query, weight=undivided, bias=Zeros()),
        *layers(DENSE, LecunNormal(distribution="normal")),
        *embeddings(Normal(1.0)),
        *norms(),
    ]


@checked
def olmo(residual: SelectorLike = RESIDUAL) -> list[Rule]:
    r"""OLMo's first: variance $1/n_\text{in}$, truncated at three sigma, over
    $2(l + 1)$ in the last layer of each branch of block $l$.

    The variance is that of what is drawn; torch's, which truncates without correction,
    has 0.973 of it. Embeddings have $1/d$.

    **Arguments:**

    - `residual`: the last layers of residual branches, as in [`eqinit.recipes.gpt2`][].
        Their block is the outermost sequence that they are in.

    **Returns:** rules.

    Groeneveld et al., OLMo: Accelerating the science of language models,
    arXiv:2402.00838.
    """
    shape = TruncatedNormal(lower=-3.0, upper=3.0)

    def last(site: Site) -> Any:
        return LecunNormal(depth.beit(block_of(site, "olmo")), distribution=shape)

    def rows(site: Site) -> Any:
        return TruncatedNormal(site.shape[-1] ** -0.5, lower=-3.0, upper=3.0)

    return [
        Rule(residual, weight=last, bias=Zeros()),
        *layers(DENSE, LecunNormal(distribution=shape)),
        *embeddings(rows),
        *norms(),
    ]


@checked
def rwkv(
    num_layers: Natural,
    head: SelectorLike = Path("head"),
    zero: SelectorLike = (
        Path("**.att.output") | Path("**.ffn.value") | Path("**.ffn.receptance")
    ),
    small: SelectorLike = Path("**.att.key") | Path("**.att.gate"),
) -> list[Rule]:
    r"""RWKV-5 and 6: orthogonal, with zeros where a branch ends and tiny embeddings.

    Keys and gates of the time mixing have a gain of 0.1, the head
    $\frac12 \sqrt{\max(1, V/d)}$; embeddings are $U(\pm 10^{-4})$ (a norm follows
    them), and `ln_x` of block $l$ has scales of $((l + 1)/L)^{0.7}$. Time decays and
    mixing coefficients (`time_*`) are for the model's own code: rules for them go in
    front.

    **Arguments:**

    - `num_layers`: $L$, the number of blocks.
    - `head`: the layer from width $d$ to the vocabulary, of size $V$.
    - `zero`: the layers that start at zero.
    - `small`: those with a gain of 0.1.

    **Returns:** rules.

    Peng et al., RWKV: Reinventing RNNs for the transformer era, arXiv:2305.13048.
    """

    def scale(site: Site) -> Constant:
        return Constant(((block_of(site, "rwkv") + 1) / num_layers) ** 0.7)

    def logits(site: Site) -> Orthogonal:
        vocabulary, width = site.shape[-2:]
        return Orthogonal(0.5 * math.sqrt(max(1.0, vocabulary / width)))

    return [
        Rule(Path("**.ln_x"), weight=scale, bias=Zeros(), optional=True),
        Rule(zero, Zeros()),
        Rule(small, weight=Orthogonal(0.1), bias=Zeros()),
        Rule(head, weight=logits, bias=Zeros()),
        *layers(eqx.nn.Linear, Orthogonal()),
        *embeddings(Uniform(1e-4)),
        *norms(),
    ]


@checked
def lora(
    a: SelectorLike = Path("**.lora_a"), b: SelectorLike = Path("**.lora_b")
) -> list[Rule]:
    r"""LoRA: torch's default for the factor $A$ of $BA$, zeros for $B$, so that an
    adapted layer starts as it was.

    Rules for the two factors alone: with no others, everything else keeps its value.

    **Arguments:**

    - `a`: the factors from the input to the rank, stored `out in`.
    - `b`: those from the rank to the output.

    **Returns:** rules.

    Hu et al., LoRA: Low-rank adaptation of large language models, arXiv:2106.09685.
    """
    return [Rule(a, TorchDefault(), axes="out in"), Rule(b, Zeros())]
