"""Vision transformers, and what came after them."""

import math
from typing import Any

import equinox as eqx

from .._models.selectors import Layer, Path, SelectorLike, as_selector
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.combined.split import Blocks
from .._schemes.constant import Constant, Zeros
from .._schemes.distributions import Normal, Uniform
from .._schemes.fans import GlorotUniform, LecunNormal, TorchDefault
from .._schemes.gates import ClassPrior
from .._typing import Number, checked
from ._parts import CONVS, DENSE, RESIDUAL, block_of, layers, norms


def _tokens(std: Number) -> list[Rule]:
    """Position embeddings and class tokens, which are bare arrays."""
    positions = Path("**.pos_embed") | Path("**.pos_embedding")
    token = Path("**.cls_token") | Path("**.reg_token")
    return [
        Rule(positions, Normal(std), optional=True),
        Rule(token, Normal(1e-6), optional=True),
    ]


@checked
def vit_timm(std: Number = 0.02) -> list[Rule]:
    r"""The vision transformer of timm: $\mathcal N(0, 0.02^2)$ and zero biases; the
    patch convolution has torch's default.

    timm truncates at $\pm 2$ in absolute terms, 100 sigma, which is not at all.

    **Arguments:**

    - `std`: standard deviation of linear layers and position embeddings.

    **Returns:** rules.

    Dosovitskiy et al., An image is worth 16x16 words, arXiv:2010.11929.
    """
    return [
        *layers(eqx.nn.Linear, Normal(std)),
        Rule(CONVS, TorchDefault(), optional=True),
        *_tokens(std),
        *norms(),
    ]


@checked
def vit_jax(
    head: SelectorLike, mlp: SelectorLike = Layer(eqx.nn.MLP), *, prior: bool = False
) -> list[Rule]:
    r"""The original ViT's: Glorot uniform, tiny biases in the MLPs, a zero head; the
    patch convolution LeCun normal.

    **Arguments:**

    - `head`: the classifier.
    - `mlp`: the MLPs of the blocks, whose biases are $\mathcal N(0, 10^{-12})$.
    - `prior`: start the head's bias at $-\ln C$ (timm's `jax_nlhb`).

    **Returns:** rules.

    Dosovitskiy et al., An image is worth 16x16 words, arXiv:2010.11929.
    """
    return [
        Rule(head, weight=Zeros(), bias=ClassPrior() if prior else Zeros()),
        Rule(mlp, weight=GlorotUniform(), bias=Normal(1e-6)),
        *layers(eqx.nn.Linear, GlorotUniform()),
        *layers(CONVS, LecunNormal()),
        *_tokens(0.02),
        *norms(),
    ]


@checked
def beit(
    residual: SelectorLike = RESIDUAL, std: Number = 0.02, layer_scale: Number = 0.1
) -> list[Rule]:
    r"""BEiT's and EVA's: as [`eqinit.recipes.vit_timm`][], with the last layer of each
    branch of block $l$ divided by $\sqrt{2(l + 1)}$.

    **Arguments:**

    - `residual`: the last layers of residual branches, as in [`eqinit.recipes.gpt2`][].
        Their block is the outermost sequence that they are in.
    - `std`: standard deviation.
    - `layer_scale`: value of parameters called `gamma`, `gamma_1` or `gamma_2`.

    **Returns:** rules.

    Bao et al., BEiT: BERT pre-training of image transformers, arXiv:2106.08254.
    """

    def last(site: Site) -> Any:
        return Normal(std * depth.beit(block_of(site, "beit")))

    scales = Path("**.gamma") | Path("**.gamma_1") | Path("**.gamma_2")
    return [
        Rule(residual, weight=last, bias=Zeros()),
        Rule(scales, Constant(layer_scale), optional=True),
        *vit_timm(std),
    ]


def _flattened(site: Site) -> Uniform:
    """Glorot uniform for a patch convolution read as a matrix: its stride is its size,
    so that every input reaches an output once.
    """
    return Uniform(math.sqrt(6 / (site.spec.fan_in + site.layer.out_channels)))


@checked
def vit_moco(packed: SelectorLike | None = None) -> list[Rule]:
    r"""MoCo v3's: Glorot uniform and zero biases, also for queries, keys and values one
    by one, and for the patch convolution as the matrix that it is.

    **Arguments:**

    - `packed`: layers that make queries, keys and values in one, such as `"**.qkv"`:
        $U(\pm\sqrt{6 / (n_\text{out}/3 + n_\text{in})})$.

    **Returns:** rules.

    Chen, Xie and He, An empirical study of training self-supervised vision
    transformers, arXiv:2104.02057.
    """
    three = Blocks({name: GlorotUniform() for name in ("query", "key", "value")})
    split = [] if packed is None else [Rule(packed, weight=three, bias=Zeros())]
    return [
        *split,
        *layers(eqx.nn.Linear, GlorotUniform()),
        *layers(CONVS, _flattened),
        *_tokens(0.02),
        *norms(),
    ]


@checked
def swin(
    std: Number = 0.02,
    positions: SelectorLike = Path("**.relative_position_bias_table"),
) -> list[Rule]:
    r"""Swin: as [`eqinit.recipes.vit_timm`][], and $\mathcal N(0, 0.02^2)$ for the
    tables of relative positions.

    **Arguments:**

    - `std`: standard deviation.
    - `positions`: those tables.

    **Returns:** rules.

    Liu et al., Swin transformer: Hierarchical vision transformer using shifted windows,
    arXiv:2103.14030.
    """
    return [Rule(positions, Normal(std), optional=True), *vit_timm(std)]


@checked
def convnext(
    head: SelectorLike | None = None,
    head_gain: Number = 1.0,
    std: Number = 0.02,
    layer_scale: Number = 1e-6,
) -> list[Rule]:
    r"""ConvNeXt: $\mathcal N(0, 0.02^2)$ and zero biases everywhere, branches that
    start at $10^{-6}$.

    The reference truncates at $\pm 2$ in absolute terms, 100 sigma, which is not at
    all.

    **Arguments:**

    - `head`: the classifier.
    - `head_gain`: multiplies the standard deviation of the classifier's weights.
    - `std`: standard deviation.
    - `layer_scale`: value of parameters called `gamma`.

    **Returns:** rules.

    Liu et al., A ConvNet for the 2020s, arXiv:2201.03545.
    """
    last = Normal(std * head_gain)
    scaled = [] if head is None else [Rule(head, weight=last, bias=Zeros())]
    return [
        Rule(Path("**.gamma"), Constant(layer_scale), optional=True),
        *scaled,
        *layers(DENSE, Normal(std)),
        *norms(),
    ]


@checked
def dit(
    modulation: SelectorLike = Path("**.adaLN_modulation"),
    final: SelectorLike = Path("final_layer"),
    condition: SelectorLike = Path("t_embedder") | Path("y_embedder"),
) -> list[Rule]:
    r"""Diffusion transformers (adaLN-Zero): Glorot uniform, and zeros in what modulates
    the norms and in the last layer, so that every block starts as the identity.

    Embeddings of time and class are $\mathcal N(0, 0.02^2)$, the patch convolution is
    Glorot uniform as the matrix that it is. Position embeddings are fixed sines and
    stay as they are.

    **Arguments:**

    - `modulation`: the layers that make shifts, scales and gates.
    - `final`: what follows the blocks; its linear layers are zero.
    - `condition`: what embeds time and class.

    **Returns:** rules.

    Peebles and Xie, Scalable diffusion models with transformers, arXiv:2212.09748.
    """
    linear, table = Layer(eqx.nn.Linear), Layer(eqx.nn.Embedding)
    given, small = as_selector(condition), Normal(0.02)
    return [
        Rule(as_selector(modulation) & linear, Zeros()),
        Rule(as_selector(final) & linear, Zeros()),
        Rule(given & linear, weight=small, bias=Zeros(), optional=True),
        Rule(given & table, weight=small, optional=True),
        *layers(eqx.nn.Linear, GlorotUniform()),
        *layers(CONVS, _flattened),
        *norms(),
    ]
