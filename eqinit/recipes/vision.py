"""Vision transformers."""

from typing import Any

import equinox as eqx

from .._rules import Rule
from .._select import Layer, Path, SelectorLike
from .._sites import Site
from .._typing import Number, checked
from ..schemes import (
    ClassPrior,
    Constant,
    GlorotUniform,
    LecunNormal,
    Normal,
    TorchDefault,
    Zeros,
    beit_scale,
)
from ._parts import CONVS, RESIDUAL, layers, norms


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
    r"""timm's: $\mathcal N(0, 0.02^2)$ and zero biases; the patch convolution has
    torch's default.

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
        if not site.indices:
            raise ValueError(
                f"`{site.path}` is in no sequence of blocks, so that beit does not "
                "know its depth. Pass `residual=` for layers inside of one."
            )
        return Normal(std * beit_scale(site.indices[0][0]))

    scales = Path("**.gamma") | Path("**.gamma_1") | Path("**.gamma_2")
    return [
        Rule(residual, weight=last, bias=Zeros()),
        Rule(scales, Constant(layer_scale), optional=True),
        *vit_timm(std),
    ]
