"""Language models whose authors have scales of their own, and their adapters."""

import math
from typing import Any

from .._models.selectors import AbstractSelector, Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.combined.per_slice import PerSlice
from .._schemes.constant import Constant, Ones, Zeros
from .._schemes.distributions import Normal, TruncatedNormal, Uniform
from .._schemes.fans import LecunNormal, TorchDefault
from .._schemes.initializer import AbstractInitializer
from .._schemes.orthogonal import Orthogonal
from .._typing import Natural, checked
from ._branches import block_of, by_depth, either, ends
from ._parts import biases, embeddings, for_part, kernels, norms, recipe
from ._selectors import Ends, Head, Of


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
    table = Rule(positions, Normal(dim**-0.5), optional=True)
    return recipe(
        "t5",
        [
            *for_part("relative position biases", [table]),
            Rule(query, weight=undivided, bias=Zeros()),
            *kernels(LecunNormal(distribution="normal")),
            *embeddings(Normal(1.0)),
            *biases(),
            *norms(),
        ],
    )


@checked
def olmo(residual: SelectorLike | None = None) -> list[Rule]:
    r"""OLMo's first: variance $1/n_\text{in}$, truncated at three sigma, over
    $2(l + 1)$ in the last layer of each branch of block $l$.

    The variance is that of what is drawn; torch's, which truncates without correction,
    has 0.973 of it. Embeddings have $1/d$.

    **Arguments:**

    - `residual`: the last layers of residual branches, as in [`eqinit.recipes.gpt2`][].
        Their block is that of `site.block` of [`eqinit.Site`][]; where there is no
        sequence of blocks, a trace counts two branches to a block.

    **Returns:** rules.

    Groeneveld et al., OLMo: Accelerating the science of language models,
    arXiv:2402.00838.
    """
    shape = TruncatedNormal(lower=-3.0, upper=3.0)

    def scheme(gain: float) -> LecunNormal:
        return LecunNormal(gain, distribution=shape)

    def rows(site: Site) -> TruncatedNormal:
        return TruncatedNormal(site.shape[-1] ** -0.5, lower=-3.0, upper=3.0)

    return recipe(
        "olmo",
        [
            *ends(residual, by_depth("olmo", scheme, depth.beit)),
            *kernels(scheme(1.0)),
            *embeddings(rows),
            *biases(),
            *norms(),
        ],
    )


_ZERO = either("**.att.output", "**.ffn.value")


@checked
def rwkv(
    num_layers: Natural | None = None,
    head: SelectorLike | None = None,
    zero: SelectorLike | None = None,
    small: SelectorLike | None = None,
) -> list[Rule]:
    r"""RWKV-5 and 6: orthogonal, with zeros where a branch ends and tiny embeddings.

    Keys and gates of the time mixing have a gain of 0.1, the head
    $\frac12 \sqrt{\max(1, V/d)}$; embeddings are $U(\pm 10^{-4})$ (a norm follows
    them), and `ln_x` of block $l$ has scales of $((l + 1)/L)^{0.7}$. Time decays and
    mixing coefficients (`time_*`) are for the model's own code: rules for them go in
    front. Ends of branches and head are found from a trace where there is one.

    **Arguments:**

    - `num_layers`: $L$; the number of blocks that there are if left out.
    - `head`: the layer from width $d$ to the vocabulary, of size $V$; by name `head`.
    - `zero`: the layers that start at zero; by name `att.output`, `ffn.value` and
        `ffn.receptance`.
    - `small`: those with a gain of 0.1; by name `att.key` and `att.gate`.

    **Returns:** rules.

    Peng et al., RWKV: Reinventing RNNs for the transformer era, arXiv:2305.13048.
    """

    def factor(block: int, count: int) -> float:
        return ((block + 1) / (num_layers or count)) ** 0.7

    def scale(site: Site) -> AbstractInitializer:
        if site.stack:
            return PerSlice(Ones(), factor)
        _, count = site.block or (0, 1)
        return Constant(factor(block_of(site, "rwkv"), count))

    def logits(site: Site) -> Orthogonal:
        vocabulary, width = site.spec.fan("fan_out"), site.spec.fan("fan_in")
        return Orthogonal(0.5 * math.sqrt(max(1.0, vocabulary / width)))

    norm = Rule(Path("**.ln_x"), weight=scale, bias=Zeros(), optional=True)
    return recipe(
        "rwkv",
        [
            *for_part("`ln_x`", [norm]),
            *_zero(zero),
            *_either_way(small, either("**.att.key", "**.att.gate"), Orthogonal(0.1)),
            *_either_way(head, Head(Path("head")), logits, "head"),
            *kernels(Orthogonal()),
            *embeddings(Uniform(1e-4)),
            *biases(),
            *norms(),
        ],
    )


def _zero(given: SelectorLike | None) -> list[Rule]:
    if given is not None:
        return [Rule(given, Zeros())]
    gate = Rule(Path("**.ffn.receptance"), Zeros(), optional=True)
    named = f"By name {_ZERO!r}. Pass `layouts=` a trace, or say them: `zero=...`."
    last = Rule(Ends(_ZERO), Zeros(), optional=True)
    return [*for_part("ends of residual branches", [last], lacking=named), gate]


def _either_way(
    given: SelectorLike | None,
    default: AbstractSelector,
    weight: Any,
    name: str = "keys and gates of time mixing",
) -> list[Rule]:
    if given is not None:
        return [Rule(given, weight=weight, bias=Zeros())]
    return for_part(name, [Rule(default & Of("kernel"), weight, optional=True)])


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
    rules = [Rule(a, TorchDefault(), axes="out in"), Rule(b, Zeros())]
    return recipe("lora", rules, whole=False)
