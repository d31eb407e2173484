"""Vision transformers, and what came after them."""

import math

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
from .._typing import Natural, Number, checked
from ._branches import by_depth, ends
from ._parts import biases, dense, for_part, norms, recipe
from ._selectors import Head, Named, Of
from ._tokens import convolutions, gammas, tokens


@checked
def vit_timm(std: Number = 0.02, layer_scale: Number = 1e-5) -> list[Rule]:
    r"""The vision transformer of timm: $\mathcal N(0, 0.02^2)$ and zero biases; the
    patch convolution has torch's default.

    timm truncates at $\pm 2$ in absolute terms, 100 sigma, which is not at all. Class
    and register tokens are $\mathcal N(0, 10^{-12})$; those of distillation and for
    masked patches have the std of all else.

    **Arguments:**

    - `std`: standard deviation of linear layers and position embeddings.
    - `layer_scale`: value of the factors of branches, called `gamma` or `layer_scale`.

    **Returns:** rules.

    Dosovitskiy et al., An image is worth 16x16 words, arXiv:2010.11929.
    """
    rules = [*tokens(std), *gammas(layer_scale), *_timm(std)]
    return recipe("vit_timm", rules)


def _timm(std: Number) -> list[Rule]:
    return [
        *convolutions(TorchDefault(), TorchDefault()),
        *dense(Normal(std)),
        *biases(),
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
    rules = [
        Rule(head, weight=Zeros(), bias=ClassPrior() if prior else Zeros()),
        Rule(mlp, weight=GlorotUniform(), bias=Normal(1e-6)),
        *tokens(0.02),
        *gammas(1e-5),
        *convolutions(LecunNormal(), Zeros()),
        *dense(GlorotUniform()),
        *biases(),
        *norms(),
    ]
    return recipe("vit_jax", rules)


@checked
def beit(
    residual: SelectorLike | None = None,
    std: Number = 0.02,
    layer_scale: Number = 0.1,
    head: SelectorLike | None = None,
    head_gain: Number = 1e-3,
) -> list[Rule]:
    r"""BEiT's and EVA's: $\mathcal N(0, 0.02^2)$ and zero biases, with the last layer
    of each branch of block $l$ divided by $\sqrt{2(l + 1)}$, and a small classifier.

    Tokens and position embeddings have the std of all else; biases of queries and
    values and tables of relative positions are zero, and the patch convolution has
    torch's default.

    **Arguments:**

    - `residual`: the last layers of residual branches, as in [`eqinit.recipes.gpt2`][].
        Their block is that of `site.block` of [`eqinit.Site`][], counted through all
        stages; where there is no sequence of blocks, a trace counts two branches to a
        block.
    - `std`: standard deviation.
    - `layer_scale`: value of the factors of branches, called `gamma` or `layer_scale`.
    - `head`: the classifier; the readout of a trace, or by name `head`.
    - `head_gain`: multiplies the standard deviation of its weights.

    **Returns:** rules.

    Bao et al., BEiT: BERT pre-training of image transformers, arXiv:2106.08254.
    """
    rest = _timm(std)
    zero = Named(("q_bias", "v_bias", "relative_position_bias_table"))
    classifier = as_selector(Head(Path("head")) if head is None else head)
    small = Rule(classifier & Of("kernel"), Normal(std * head_gain), optional=True)
    return recipe(
        "beit",
        [
            *ends(residual, by_depth("beit", lambda g: Normal(std * g), depth.beit)),
            *for_part("classifier", [small]),
            *tokens(std, std),
            Rule(zero, Zeros(), optional=True),
            *gammas(layer_scale),
            *rest,
        ],
    )


def _flattened(site: Site) -> Uniform:
    """Glorot uniform for a patch convolution read as a matrix: its stride is its size,
    so that every input reaches an output once.
    """
    outputs = math.prod(site.spec.known_axes.sizes("out"))
    return Uniform(math.sqrt(6 / (site.spec.fan("fan_in") + outputs)))


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
    rules = [*split, *tokens(0.02), *gammas(1e-5), *_flat(), *norms()]
    return recipe("vit_moco", rules)


def _flat() -> list[Rule]:
    """Glorot uniform, also for the patch convolution as the matrix that it is."""
    return [*convolutions(_flattened, Zeros()), *dense(GlorotUniform()), *biases()]


@checked
def cait(num_layers: Natural, std: Number = 0.02) -> list[Rule]:
    r"""CaiT: $\mathcal N(0, 0.02^2)$ for weights, tokens and position embeddings, and
    branches that start at 0.1, $10^{-5}$ or $10^{-6}$, as
    [`eqinit.depth.layer_scale`][] says.

    **Arguments:**

    - `num_layers`: blocks of the network.
    - `std`: standard deviation.

    **Returns:** rules.

    Touvron et al., Going deeper with image transformers, arXiv:2103.17239.
    """
    rules = gammas(depth.layer_scale(num_layers))
    named = "By name it is `gamma`, `gamma_1`, `layer_scale` and the like."
    factors = for_part("LayerScale", rules, lacking=named)
    return recipe("cait", [*factors, *tokens(std, std), *_timm(std)])


@checked
def mixer(
    head: SelectorLike, mlp: SelectorLike = Layer(eqx.nn.MLP), *, prior: bool = False
) -> list[Rule]:
    r"""MLP-Mixer: Glorot uniform, tiny biases in the MLPs, a zero head; the patch
    convolution LeCun normal.

    **Arguments:**

    - `head`: the classifier.
    - `mlp`: the MLPs that mix tokens and channels, whose biases are
        $\mathcal N(0, 10^{-12})$.
    - `prior`: start the head's bias at $-\ln C$ (timm's `nlhb`).

    **Returns:** rules.

    Tolstikhin et al., MLP-Mixer: An all-MLP architecture for vision, arXiv:2105.01601.
    """
    rules = [
        Rule(head, weight=Zeros(), bias=ClassPrior() if prior else Zeros()),
        Rule(mlp, weight=GlorotUniform(), bias=Normal(1e-6)),
        *convolutions(LecunNormal(), Zeros()),
        *dense(GlorotUniform()),
        *biases(),
        *norms(),
    ]
    return recipe("mixer", rules)


@checked
def swin(
    std: Number = 0.02,
    positions: SelectorLike = Path("**.relative_position_bias_table"),
    last_norms: SelectorLike | None = None,
) -> list[Rule]:
    r"""Swin: as [`eqinit.recipes.vit_timm`][], and $\mathcal N(0, 0.02^2)$ for the
    tables of relative positions.

    The second version computes these instead, and norms what its branches return: norms
    that are zero (`last_norms`) let each block start as the identity. Its attention
    multiplies cosines by the exponential of `logit_scale`, which is $\ln 10$; its
    `q_bias` and `v_bias` are zero.

    **Arguments:**

    - `std`: standard deviation.
    - `positions`: those tables.
    - `last_norms`: norms of what branches return, to start at zero:
        `Path("**.blocks.*.norm1") | Path("**.blocks.*.norm2")` in the second version.
        Without it all norms are ones.

    **Returns:** rules.

    Liu et al., Swin transformer: Hierarchical vision transformer using shifted windows,
    arXiv:2103.14030; Liu et al., Swin transformer V2: Scaling up capacity and
    resolution, CVPR 2022.
    """
    table = Rule(positions, Normal(std), optional=True)
    scale = Rule(Named(("logit_scale",)), Constant(math.log(10)), optional=True)
    rules = [
        *([] if last_norms is None else [Rule(last_norms, Zeros())]),
        *for_part("tables of relative positions", [table]),
        Rule(Named(("q_bias", "v_bias")), Zeros(), optional=True),
        scale,
        *tokens(std),
        *gammas(1e-5),
        *_timm(std),
    ]
    return recipe("swin", rules)


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
    rules = [
        Rule(as_selector(modulation) & linear, Zeros()),
        Rule(as_selector(final) & linear, Zeros()),
        Rule(given & linear, weight=small, bias=Zeros(), optional=True),
        Rule(given & table, weight=small, optional=True),
        *_flat(),
        *norms(),
    ]
    return recipe("dit", rules)
