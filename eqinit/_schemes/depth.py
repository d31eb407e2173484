"""How much smaller a residual branch starts in a deeper network: published factors."""

import math
from typing import Annotated, Literal, NamedTuple

from .._checks import count
from .._typing import Natural, NonNegativeNumber, Several, checked


@checked
def gpt2(num_layers: Natural, branches: Natural = 2) -> float:
    r"""GPT-2: $1/\sqrt{2L}$ for the last layer of every residual branch.

    The stream then gains one unit of variance over all depth, rather than one a branch.

    **Arguments:**

    - `num_layers`: $L$, the number of blocks.
    - `branches`: residual branches in a block.

    **Returns:** the factor.

    Radford et al., Language models are unsupervised multitask learners, 2019.
    """
    return (branches * num_layers) ** -0.5


@checked
def beit(index: Annotated[int, count], branches: Natural = 2) -> float:
    r"""BEiT, EVA: $1/\sqrt{2(l + 1)}$ for the last layer of the branches of block $l$.

    **Arguments:**

    - `index`: $l$, the position of the block, from 0 (`site.index`).
    - `branches`: residual branches in a block.

    **Returns:** the factor.

    Bao et al., BEiT: BERT pre-training of image transformers, arXiv:2106.08254.
    """
    return gpt2(index + 1, branches)


@checked
def fixup(num_layers: Natural, branch_layers: Several = 2) -> float:
    r"""Fixup: $L^{-1/(2m - 2)}$ for all but the last layer of every residual branch.

    The last layer of a branch and the classifier start at zero, scalar biases at 0 and
    scalar multipliers at 1, and there are no norms. With two layers a block that is
    $L^{-1/2}$, with three (bottlenecks) $L^{-1/4}$.

    **Arguments:**

    - `num_layers`: $L$, the number of residual branches.
    - `branch_layers`: $m > 1$, the layers of one branch: with one, none is before the
        last, which is zero.

    **Returns:** the factor, for `HeNormal(mode="fan_out", gain=...)`.

    Zhang, Dauphin and Ma, Fixup initialization: Residual learning without
    normalization, arXiv:1901.09321.
    """
    return num_layers ** (-1 / (2 * branch_layers - 2))


@checked
def t_fixup(
    num_layers: Natural, part: Literal["encoder", "decoder"] = "encoder"
) -> float:
    r"""T-Fixup: $0.67 N^{-1/4}$ in the encoder, $(9N)^{-1/4}$ in the decoder.

    For values, attention outputs and both layers of the MLP; the decoder's factor also
    for the embeddings, which are $\mathcal N(0, 1/d)$. Everything else is Glorot. No
    norms and no warm-up.

    **Arguments:**

    - `num_layers`: $N$, the layers of that part.
    - `part`: `"encoder"` or `"decoder"`.

    **Returns:** the factor.

    Huang et al., Improving transformer optimization through better initialization,
    ICML 2020.
    """
    return 0.67 * num_layers**-0.25 if part == "encoder" else (9 * num_layers) ** -0.25


@checked
def dt_fixup(num_layers: Natural, largest: NonNegativeNumber) -> float:
    r"""DT-Fixup: $(N (4 \mu^2 + 2 \mu + 2))^{-1/2}$, for a transformer that reads what
    another model, trained before, makes of the inputs.

    For values, attention outputs and both layers of the MLP, all of which are Glorot
    otherwise, and for what relations between tokens add to values. No norms and no
    warm-up. This is the factor of the authors' code, which takes $\mu$ over all of the
    training set before the first step, and divides by it once, whatever was drawn.

    **Arguments:**

    - `num_layers`: $N$, the layers of the transformer.
    - `largest`: $\mu$, the largest norm of an input vector of its first layer:
        `jnp.linalg.norm(x, axis=-1).max()` over tokens and examples.

    **Returns:** the factor.

    Xu et al., Optimizing deeper transformers on small datasets, arXiv:2012.15355.
    """
    return (num_layers * (4 * largest**2 + 2 * largest + 2)) ** -0.5


class ResidualScale(NamedTuple):
    r"""$x \leftarrow \operatorname{norm}(\alpha x + f(x))$, with weights of $f$ times
    `beta`.
    """

    alpha: float
    beta: float


class DeepNorm(NamedTuple):
    """The scales of an encoder and of a decoder; `None` for what there is not."""

    encoder: ResidualScale | None
    decoder: ResidualScale | None


@checked
def deepnorm(
    encoder: Natural | None = None, decoder: Natural | None = None
) -> DeepNorm:
    r"""DeepNorm: how much to enlarge the stream, and how much to shrink the branches.

    $\beta$ multiplies the gain of Glorot weights of values, attention outputs and both
    layers of the MLP; queries and keys keep a gain of 1.

    | | encoder | decoder |
    |-|-|-|
    | $N$ alone | $\alpha = (2N)^{1/4}$, $\beta = (8N)^{-1/4}$ | |
    | $M$ alone | | $\alpha = (2M)^{1/4}$, $\beta = (8M)^{-1/4}$ |
    | both | $\alpha = 0.81 (N^4 M)^{1/16}$, $\beta = 0.87 (N^4 M)^{-1/16}$ |
    $\alpha = (3M)^{1/4}$, $\beta = (12M)^{-1/4}$ |

    **Arguments:**

    - `encoder`: $N$, the encoder's layers.
    - `decoder`: $M$, the decoder's layers.

    **Returns:** `(encoder, decoder)`, each `(alpha, beta)` or `None`.

    **Raises:** `ValueError` if neither is given.

    Wang et al., DeepNet: Scaling transformers to 1,000 layers, arXiv:2203.00555.
    """
    _told("deepnorm", encoder, decoder)
    if encoder is not None and decoder is not None:
        both = (encoder**4 * decoder) ** (1 / 16)
        third = (3 * decoder) ** 0.25, (12 * decoder) ** -0.25
        return DeepNorm(ResidualScale(0.81 * both, 0.87 / both), ResidualScale(*third))
    return DeepNorm(_alone(encoder), _alone(decoder))


def _told(name: str, encoder: int | None, decoder: int | None) -> None:
    if encoder is None and decoder is None:
        raise ValueError(
            f"{name} was told of no layers; pass how many there are: "
            f"`{name}(encoder=12)`, `{name}(decoder=12)` or both."
        )


def _alone(layers: int | None) -> ResidualScale | None:
    if layers is None:
        return None
    return ResidualScale((2 * layers) ** 0.25, (8 * layers) ** -0.25)


class SubLN(NamedTuple):
    """Gains of an encoder and of a decoder; `None` for what there is not."""

    encoder: float | None
    decoder: float | None


@checked
def subln(encoder: Natural | None = None, decoder: Natural | None = None) -> SubLN:
    r"""Sub-LayerNorm (Magneto): $\sqrt{\ln 2N}$ for values, outputs and the MLP.

    In an encoder-decoder $\sqrt{\tfrac13 \ln 3M \ln 2N}$ and $\sqrt{\ln 3M}$ (not for
    cross-attention).

    **Arguments:**

    - `encoder`, `decoder`: layers of each; leave out what there is not.

    **Returns:** `(encoder, decoder)`: factors for the gain of Glorot weights.

    **Raises:** `ValueError` if neither is given.

    Wang et al., Foundation transformers, arXiv:2210.06423.
    """
    _told("subln", encoder, decoder)
    if encoder is not None and decoder is not None:
        third = math.log(3 * decoder)
        return SubLN(math.sqrt(third * math.log(2 * encoder) / 3), math.sqrt(third))
    factors = [
        None if n is None else math.sqrt(math.log(2 * n)) for n in (encoder, decoder)
    ]
    return SubLN(*factors)


@checked
def layer_scale(num_layers: Natural) -> float:
    r"""LayerScale: the start of the per-channel multipliers of every branch.

    0.1 up to 18 layers, $10^{-5}$ up to 24, $10^{-6}$ beyond; use as
    `Constant(layer_scale(36))`.

    **Arguments:**

    - `num_layers`: blocks of the network.

    **Returns:** the constant.

    Touvron et al., Going deeper with image transformers, arXiv:2103.17239.
    """
    return 0.1 if num_layers <= 18 else 1e-5 if num_layers <= 24 else 1e-6
