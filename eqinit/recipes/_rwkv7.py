"""RWKV of the seventh kind."""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from .._models.selectors import AbstractSelector, Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Constant, Zeros
from .._schemes.distributions import Uniform
from .._schemes.fans import FanUniform
from .._schemes.orthogonal import Orthogonal
from .._schemes.spaced import Linspace
from .._typing import Several, checked
from ._branches import either
from ._parts import biases, embeddings, for_part, kernels, norms, recipe
from ._rwkv import deeper_norms, depth_of, ends_at_zero, kernels_of, logits
from ._selectors import Head, Of


# Each by the authors' name and by that of the library flash-linear-attention (fla).
_DECAY = either("**.w0", "**.w_lora.lora.2.bias")
_RATE = either("**.a0", "**.a_lora.lora.2.bias")
_RESIDUAL = either("**.v0", "**.v_lora.lora.2.bias")
_DOWN = either(*(f"**.{x}1" for x in "wavg"), *(f"**.{x}_lora.lora.0" for x in "wavg"))
_UP = either(*(f"**.{x}2" for x in "wavg"), *(f"**.{x}_lora.lora.2" for x in "wavg"))
_ENDS = either("**.att.output", "**.attn.o_proj", "**.ffn.value")
_KEYS = either("**.att.key", "**.attn.k_proj")
_HEAD = Head(either("head", "lm_head"))
_NORMS = either("**.ln_x", "**.attn.g_norm")
# How fast what is mixed in of the step before falls off along the channels.
_MIXED = {"r": 0.2, "w": 0.9, "k": 0.7, "v": 0.7, "a": 0.9, "g": 0.2}

# (keys of the time mixing, all others)
_KERNELS: dict[str, Any] = {
    "orthogonal": (Orthogonal(0.1), Orthogonal()),
    "uniform": (FanUniform(gain=0.05), FanUniform(gain=0.5)),
}


@checked
def rwkv7(
    head_size: Several = 64,
    head: SelectorLike | None = None,
    zero: SelectorLike | None = None,
    kernel: Literal["orthogonal", "uniform"] = "orthogonal",
) -> list[Rule]:
    r"""RWKV-7: curves over the channels for decays, rates and mixing, zeros where a
    branch ends, all else orthogonal.

    In block $l$ of $L$ and channel $i$ of $n$, with $\rho = l / (L - 1)$,
    $r = 1 - l / L$, $c = i / (n - 1)$, and $z = s|s|$ where $s$ runs from -1 to 1 over
    the channels of a head:

    | parameter | start |
    |-|-|
    | `w0` | $-5.5 + 6 c^{1 + \rho^{0.3}} + 2.5 z$ |
    | `a0` | $-0.39 + 0.4 c + 0.3 z$ |
    | `v0` | $0.93 - 0.4 c$ |
    | `k_k`, `k_a`, `r_k` | $0.76 - 0.1 c$, 1.02, -0.04 |
    | `x_r`, `x_g` | $1 - (i / n)^{0.2 r}$ |
    | `x_k`, `x_v` | $1 - (i / n)^{0.7 r}$, in `ffn` $1 - (i / n)^{r^4}$ |
    | `x_w`, `x_a` | $1 - (i / n)^{0.9 r}$ |
    | `w1`, `a1`, `v1`, `g1` | 0 |
    | `w2`, `a2`, `v2`, `g2` | orthogonal, gain $0.1 \sqrt{\max(1, n_\text{in} / n)}$ |

    Keys of the time mixing have a gain of 0.1, the head one of
    $\frac12 \sqrt{\max(1, V/n)}$; `ln_x` has scales of $((l + 1)/L)^{0.7}$, and
    embeddings are $U(\pm 10^{-4})$.

    **Arguments:**

    - `head_size`: channels of one head.
    - `head`: the layer from the width to the vocabulary, of size $V$; by name `head`.
    - `zero`: the layers that start at zero; by name `att.output` and `ffn.value`.
    - `kernel`: in the authors' code the layers start from $U(\pm 0.5/\sqrt n)$, keys of
        the time mixing from a tenth of that, and then the model puts orthogonal
        matrices in their place, with which training starts. `"uniform"` is the former.

    **Returns:** rules.

    Peng et al., RWKV-7 "Goose" with expressive dynamic state evolution,
    arXiv:2503.14456, by the authors' code.
    """
    small, large = _KERNELS[kernel]
    return recipe(
        "rwkv7",
        [
            *_curves(head_size),
            *_factors(),
            *deeper_norms("rwkv7", _NORMS),
            *ends_at_zero(zero, _ENDS),
            *kernels_of("keys of time mixing", None, _KEYS, small),
            *kernels_of("head", head, _HEAD, logits),
            *kernels(large),
            *embeddings(Uniform(1e-4)),
            *biases(),
            *norms(),
        ],
    )


def _curves(head_size: int) -> list[Rule]:
    """What has one number per channel."""

    def decay(site: Site) -> Constant:
        power = 1 + depth_of(site, "rwkv7")[0] ** 0.3
        curve = -5.5 + 6 * _channels(site) ** power
        return Constant(curve + 2.5 * _zigzag(site, head_size))

    def rate(site: Site) -> Constant:
        curve = -0.39 + 0.4 * _channels(site)
        return Constant(curve + 0.3 * _zigzag(site, head_size))

    return [
        Rule(_DECAY, decay),
        *_named("rates (`a0`)", _RATE, rate),
        *_named("residuals of values (`v0`)", _RESIDUAL, Linspace(0.93, 0.53)),
        *_named("keys (`k_k`)", Path("**.k_k"), Linspace(0.76, 0.66)),
        *_named("keys (`k_a`)", Path("**.k_a"), Constant(1.02)),
        *_named("bonus (`r_k`)", Path("**.r_k"), Constant(-0.04)),
        *_named("mixing in `ffn`", Path("**.ffn.x_k"), _mixed),
        *(Rule(Path(f"**.x_{x}"), _slower(power)) for x, power in _MIXED.items()),
    ]


def _factors() -> list[Rule]:
    """Two matrices of a low rank, the first of which is zero."""
    array = ~Of("kernel") & ~Of("bias")
    return [
        *_named("factors (`w1`, ...)", _DOWN, Zeros()),
        *_named("factors (`w2`, ...)", _UP & Of("kernel"), _narrowing),
        # Arrays of their own are stored so that the input is multiplied from the left.
        Rule(_UP & array, _narrowing, axes="in out", optional=True),
    ]


def _named(name: str, selector: AbstractSelector, weight: Any) -> list[Rule]:
    return for_part(name, [Rule(selector, weight, optional=True)])


def _narrowing(site: Site) -> Orthogonal:
    inputs, outputs = site.spec.fan("fan_in"), site.spec.fan("fan_out")
    return Orthogonal(0.1 * math.sqrt(max(1.0, inputs / outputs)))


def _channels(site: Site) -> np.ndarray:
    return np.linspace(0.0, 1.0, site.shape[-1])


def _zigzag(site: Site, head_size: int) -> np.ndarray:
    """From -1 to 1 over the channels of each head, slowly around zero."""
    middle = (head_size - 1) / 2
    within = (np.arange(site.shape[-1]) % head_size - middle) / middle
    return within * np.abs(within)


def _slower(power: float) -> Callable[[Site], Linspace]:
    def curve(site: Site) -> Linspace:
        return _falling(site, power * depth_of(site, "rwkv7")[1])

    return curve


def _mixed(site: Site) -> Linspace:
    return _falling(site, depth_of(site, "rwkv7")[1] ** 4)


def _falling(site: Site, power: float) -> Linspace:
    """One less a power of i / n."""
    count = site.shape[-1]
    return Linspace(1.0, 1 - (1 - 1 / count) ** power, power=power)
