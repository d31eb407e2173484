"""Language models whose authors have scales of their own, and their adapters."""

from .._models.selectors import Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.constant import Zeros
from .._schemes.distributions import Normal, TruncatedNormal
from .._schemes.fans import LecunNormal, TorchDefault
from .._typing import Natural, checked
from ._branches import by_depth, ends
from ._parts import biases, embeddings, for_part, kernels, norms, recipe


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
