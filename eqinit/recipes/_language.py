"""Language models whose authors have scales of their own, and their adapters."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._models.selectors import AbstractSelector, Path, SelectorLike, as_selector
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.combined.per_slice import PerSlice
from .._schemes.constant import Constant, Ones, Zeros
from .._schemes.distributions import Normal, TruncatedNormal, Uniform
from .._schemes.fans import LecunNormal, TorchDefault
from .._schemes.initializer import AbstractInitializer
from .._schemes.orthogonal import Orthogonal
from .._schemes.spaced import Linspace
from .._typing import Natural, checked
from ._branches import block_of, by_depth, either, ends
from ._parts import biases, embeddings, for_part, kernels, norms, recipe
from ._selectors import Ends, Head, Named, Of


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


# What starts at zero in RWKV-4, by the authors' names and those of transformers.
_ATTENTION_ZERO = ("key", "receptance", "output")
_ZERO_4 = either(
    *(f"**.{mix}.{name}" for mix in ("att", "attention") for name in _ATTENTION_ZERO),
    *(f"**.{mix}.value" for mix in ("ffn", "feed_forward")),
    *(f"**.{mix}.receptance" for mix in ("ffn", "feed_forward")),
)
_MIX_VALUE = either("**.time_mix_v", "**.time_mix_value")
_MIX_RECEPTANCE = either("**.att.time_mix_r", "**.attention.time_mix_receptance")


@checked
def rwkv4(
    head: SelectorLike | None = None, zero: SelectorLike | None = None
) -> list[Rule]:
    r"""RWKV-4: zeros in most weights, the others orthogonal, and curves over the
    channels for decays and mixing.

    In block $l$ of $L$ and channel $i$ of $n$, with $\rho = l / (L - 1)$ and
    $r = 1 - l / L$: decays (`time_decay`) are
    $-5 + 8 (i / (n - 1))^{0.7 + 1.3 \rho}$, what is mixed in of the step before
    (`time_mix_*`) $(i / n)^r$, for values $0.3 \rho$ more and for the receptance of the
    time mixing the root of it. The first step's bonus (`time_first`) zigzags by a half
    around $\ln 0.3$. Orthogonal kernels have a gain of
    $\sqrt{\max(1, n_\text{out} / n_\text{in})}$, the head half of that; embeddings are
    $U(\pm 10^{-4})$.

    **Arguments:**

    - `head`: the layer from the width to the vocabulary; by name `head`.
    - `zero`: the layers that start at zero; by name `key`, `receptance` and `output` of
        `att`, `value` and `receptance` of `ffn`.

    **Returns:** rules.

    Peng et al., RWKV: Reinventing RNNs for the transformer era, arXiv:2305.13048.
    """
    at_zero = _ZERO_4 if zero is None else as_selector(zero)
    logits = Path("**.head") | Path("head") if head is None else as_selector(head)
    return recipe(
        "rwkv4",
        [
            Rule(Named(("time_decay",)), _decay),
            Rule(Named(("time_first",)), _zigzag),
            Rule(_MIX_VALUE, _mixed(shift=0.3)),
            Rule(_MIX_RECEPTANCE, _mixed(power=0.5)),
            Rule(Named(("time_mix_*",)), _mixed()),
            *for_part("what starts at zero", [Rule(at_zero, Zeros(), optional=True)]),
            *_either_way(logits, logits, _orthogonal(0.5), "head"),
            *kernels(_orthogonal(1.0)),
            *embeddings(Uniform(1e-4)),
            *biases(),
            *norms(),
        ],
    )


def _place(site: Site) -> tuple[float, float]:
    """Depth from 0 to 1 with the last block, and from 1 to nearly 0."""
    block, count = block_of(site, "rwkv4"), (site.block or (0, 1))[1]
    return block / max(count - 1, 1), 1 - block / count


def _decay(site: Site) -> Linspace:
    return Linspace(-5.0, 3.0, power=0.7 + 1.3 * _place(site)[0])


def _zigzag(site: Site) -> Constant:
    steps = (np.arange(site.shape[-1]) + 1) % 3 - 1  # 0, 1, -1, 0, ...
    return Constant(np.broadcast_to(math.log(0.3) + 0.5 * steps, site.shape))


def _mixed(power: float = 1.0, shift: float = 0.0) -> Callable[[Site], Linspace]:
    def curve(site: Site) -> Linspace:
        deeper, fewer = _place(site)
        last = (1 - 1 / site.shape[-1]) ** (power * fewer)  # of (i / n)^r
        start = shift * deeper
        return Linspace(start, start + last, power=power * fewer)

    return curve


def _orthogonal(gain: float) -> Callable[[Site], Orthogonal]:
    def scheme(site: Site) -> Orthogonal:
        outputs, inputs = site.spec.fan("fan_out"), site.spec.fan("fan_in")
        return Orthogonal(gain * math.sqrt(max(1.0, outputs / inputs)))

    return scheme


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
