"""RWKV of the fourth to the sixth kind, and what the seventh shares with them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._models.selectors import AbstractSelector, Path, SelectorLike, as_selector
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.combined.per_slice import PerSlice
from .._schemes.constant import Constant, Ones, Zeros
from .._schemes.distributions import Uniform
from .._schemes.initializer import AbstractInitializer
from .._schemes.orthogonal import Orthogonal
from .._schemes.spaced import Linspace
from .._typing import Natural, checked
from ._branches import block_of, either
from ._parts import biases, embeddings, for_part, kernels, norms, recipe
from ._selectors import Ends, Head, Named, Of


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
    keys = either("**.att.key", "**.att.gate")
    return recipe(
        "rwkv",
        [
            *deeper_norms("rwkv", Path("**.ln_x"), num_layers),
            *_zero(zero),
            *kernels_of("keys and gates of time mixing", small, keys, Orthogonal(0.1)),
            *kernels_of("head", head, Head(Path("head")), logits),
            *kernels(Orthogonal()),
            *embeddings(Uniform(1e-4)),
            *biases(),
            *norms(),
        ],
    )


def _zero(given: SelectorLike | None) -> list[Rule]:
    gate = Rule(Path("**.ffn.receptance"), Zeros(), optional=True)
    return [*ends_at_zero(given, _ZERO), *([] if given is not None else [gate])]


def ends_at_zero(given: SelectorLike | None, named: AbstractSelector) -> list[Rule]:
    """Zeros where a branch ends: as the caller says, by a trace, or by name."""
    if given is not None:
        return [Rule(given, Zeros())]
    lacking = f"By name {named!r}. Pass `layouts=` a trace, or say them: `zero=...`."
    last = Rule(Ends(named), Zeros(), optional=True)
    return for_part("ends of residual branches", [last], lacking=lacking)


def kernels_of(
    name: str, given: SelectorLike | None, named: AbstractSelector, weight: Any
) -> list[Rule]:
    """Layers that the caller says, or the kernels of those that are called so."""
    if given is not None:
        return [Rule(given, weight=weight, bias=Zeros())]
    return for_part(name, [Rule(named & Of("kernel"), weight, optional=True)])


def deeper_norms(
    name: str, named: AbstractSelector, num_layers: int | None = None
) -> list[Rule]:
    """Norms in which the scale grows with depth, to one in the last block."""

    def factor(block: int, count: int) -> float:
        return ((block + 1) / (num_layers or count)) ** 0.7

    def scale(site: Site) -> AbstractInitializer:
        if site.stack:
            return PerSlice(Ones(), factor)
        _, count = site.block or (0, 1)
        return Constant(factor(block_of(site, name), count))

    norm = Rule(named, weight=scale, bias=Zeros(), optional=True)
    return for_part("`ln_x`", [norm])


def logits(site: Site) -> Orthogonal:
    vocabulary, width = site.spec.fan("fan_out"), site.spec.fan("fan_in")
    return Orthogonal(0.5 * math.sqrt(max(1.0, vocabulary / width)))


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
    last = Path("**.head") | Path("head")
    return recipe(
        "rwkv4",
        [
            Rule(Named(("time_decay",)), _decay),
            Rule(Named(("time_first",)), _zigzag),
            Rule(_MIX_VALUE, _mixed(shift=0.3)),
            Rule(_MIX_RECEPTANCE, _mixed(power=0.5)),
            Rule(Named(("time_mix_*",)), _mixed()),
            *for_part("what starts at zero", [Rule(at_zero, Zeros(), optional=True)]),
            *kernels_of("head", head, last, logits),
            *kernels(_wide),
            *embeddings(Uniform(1e-4)),
            *biases(),
            *norms(),
        ],
    )


def depth_of(site: Site, name: str) -> tuple[float, float]:
    """Depth from 0 to 1 with the last block, and from 1 to nearly 0."""
    block, count = block_of(site, name), (site.block or (0, 1))[1]
    return block / max(count - 1, 1), 1 - block / count


def _decay(site: Site) -> Linspace:
    return Linspace(-5.0, 3.0, power=0.7 + 1.3 * depth_of(site, "rwkv4")[0])


def _zigzag(site: Site) -> Constant:
    steps = (np.arange(site.shape[-1]) + 1) % 3 - 1  # 0, 1, -1, 0, ...
    return Constant(np.broadcast_to(math.log(0.3) + 0.5 * steps, site.shape))


def _mixed(power: float = 1.0, shift: float = 0.0) -> Callable[[Site], Linspace]:
    def curve(site: Site) -> Linspace:
        deeper, fewer = depth_of(site, "rwkv4")
        last = (1 - 1 / site.shape[-1]) ** (power * fewer)  # of (i / n)^r
        start = shift * deeper
        return Linspace(start, start + last, power=power * fewer)

    return curve


def _wide(site: Site) -> Orthogonal:
    outputs, inputs = site.spec.fan("fan_out"), site.spec.fan("fan_in")
    return Orthogonal(math.sqrt(max(1.0, outputs / inputs)))
