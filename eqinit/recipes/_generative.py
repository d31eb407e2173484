"""Networks that generate: images, densities, and other networks' weights."""

from collections.abc import Mapping
from typing import Literal

from .._models.selectors import Path, SelectorLike
from .._planning.rule import Rule
from .._schemes.constant import Ones, Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import GlorotUniform
from .._schemes.hyper import HyperfanIn, HyperfanOut, Target, Unit
from .._schemes.orthogonal import Orthogonal
from .._typing import Number, Positive, checked
from ._branches import either
from ._parts import biases, embeddings, for_part, kernels, norms, recipe
from ._selectors import Ends, Head


_MAPPING = Path("mapping")
_AFFINE = Path("**.affine")


@checked
def stylegan(
    mapping: SelectorLike = _MAPPING,
    affine: SelectorLike = _AFFINE,
    lr_multiplier: Positive = 0.01,
) -> list[Rule]:
    r"""StyleGAN with an equalised learning rate: $\mathcal N(0, 1)$, which the layers
    divide by $\sqrt{n_\text{in}}$ when they run.

    Weights of the mapping network are that over its learning rate multiplier, so that
    it computes the same and learns more slowly. Biases are zero, those of the affine
    layers that make styles one; the constant input (`const`) is $\mathcal N(0, 1)$, and
    strengths of noise (`noise_strength`) are zero.

    !!! warning
        The layers have to divide: these are weights for code with a gain at run time,
        and not for Equinox's own layers as they are.

    **Arguments:**

    - `mapping`: the mapping network.
    - `affine`: the layers from a latent vector to styles.
    - `lr_multiplier`: by how much the mapping network's layers multiply their weights.

    **Returns:** rules.

    Karras et al., Progressive growing of GANs for improved quality, stability, and
    variation, arXiv:1710.10196; Karras et al., Analyzing and improving the image
    quality of StyleGAN, arXiv:1912.04958.
    """
    fixed = Rule(Path("**.const"), Normal(1.0), optional=True)
    noise = Rule(Path("**.noise_strength"), Zeros(), optional=True)
    return recipe(
        "stylegan",
        [
            Rule(mapping, weight=Normal(1 / lr_multiplier), bias=Zeros()),
            Rule(affine, weight=Normal(1.0), bias=Ones()),
            *for_part("constant input", [fixed]),
            *for_part("strengths of noise", [noise]),
            *kernels(Normal(1.0)),
            *embeddings(Normal(1.0)),
            *biases(),
        ],
    )


_LAST = either("**.conv2", "**.proj_out")


@checked
def ddpm(
    last: SelectorLike | None = None, head: SelectorLike | None = None
) -> list[Rule]:
    r"""The U-Net of diffusion models: Glorot uniform, and zeros in the last layer of
    every residual block, of every attention and of the network.

    Each block then starts as the identity (or as its shortcut), and the network as
    zero. With a trace these layers are seen.

    **Arguments:**

    - `last`: the last layers of blocks and attentions; by name `conv2` and `proj_out`.
    - `head`: the network's last layer; by name `conv_out`.

    **Returns:** rules.

    Ho, Jain and Abbeel, Denoising diffusion probabilistic models, arXiv:2006.11239.
    """
    lacking = "Pass `layouts=` a trace of a call, or say which they are: `{}=...`."
    ends = Rule(Ends(_LAST), Zeros(), optional=True)
    final = Rule(Head(Path("conv_out")), Zeros(), optional=True)
    zero = [
        *_said_or(last, "ends of residual branches", ends, lacking.format("last")),
        *_said_or(head, "last layer", final, lacking.format("head")),
    ]
    glorot = [*kernels(GlorotUniform()), *embeddings(GlorotUniform())]
    return recipe("ddpm", [*zero, *glorot, *biases(), *norms()])


def _said_or(
    given: SelectorLike | None, name: str, known: Rule, lacking: str
) -> list[Rule]:
    if given is not None:
        return [Rule(given, weight=Zeros(), bias=Zeros())]
    return for_part(name, [known], lacking=lacking)


@checked
def flow(
    last: SelectorLike, rotations: SelectorLike | None = None, std: Number = 0.05
) -> list[Rule]:
    r"""Normalising flows, as Glow has them: every coupling starts as the identity.

    The last layer of each coupling network is zero, so that its scale and shift are;
    the others are $\mathcal N(0, 0.05^2)$, and invertible 1 x 1 convolutions random
    rotations, whose log-determinant is 0. Its actnorm layers are set by data:
    [`eqinit.signal.ActNorm`][].

    **Arguments:**

    - `last`: the last layer of each coupling network.
    - `rotations`: the square matrices that mix channels.
    - `std`: standard deviation of the other weights.

    **Returns:** rules.

    Kingma and Dhariwal, Glow: Generative flow with invertible 1x1 convolutions,
    arXiv:1807.03039.
    """
    turn = Orthogonal(special=True)
    mixed = [] if rotations is None else [Rule(rotations, turn, axes="out in")]
    zero = Rule(last, weight=Zeros(), bias=Zeros())
    return recipe("flow", [*mixed, zero, *kernels(Normal(std)), *biases(), *norms()])


@checked
def hypernet(
    weights: Mapping[str, tuple[int, int]],
    biases: Mapping[str, tuple[int, int]] | None = None,
    mode: Literal["in", "out"] = "in",
    activation: Unit = "relu",
    embedding_var: Positive = 1.0,
) -> list[Rule]:
    r"""The heads of a hypernetwork, for which the *generated* network starts with
    activations (or gradients) of variance one.

    By [`eqinit.HyperfanIn`][] or [`eqinit.HyperfanOut`][], from the fans of the layers
    that are generated; biases of heads are zero. Rules for the heads alone; put them in
    front of those for the rest.

    **Arguments:**

    - `weights`: from the path of each head that generates weights to fan_in and fan_out
        of the generated layer: `{"heads.0": (64, 32)}`.
    - `biases`: the same for heads that generate biases. Where there are any, every
        layer is taken to have one.
    - `mode`: `"in"` for activations of variance one, `"out"` for gradients.
    - `activation`: the generated network's, `"relu"` or `"linear"`.
    - `embedding_var`: variance of what the heads read.

    **Returns:** rules.

    Chang, Flokas and Lipson, Principled weight initialization for hypernetworks,
    arXiv:2312.08399.
    """
    kind = HyperfanIn if mode == "in" else HyperfanOut
    rules: list[Rule] = []
    made: tuple[tuple[Target, Mapping[str, tuple[int, int]]], ...]
    made = (("weight", weights), ("bias", biases or {}))
    for target, heads in made:
        for path, (fan_in, fan_out) in heads.items():
            init = kind(
                *(fan_in, fan_out, target, activation),
                use_bias=bool(biases),
                embedding_var=embedding_var,
            )
            rules.append(Rule(path, weight=init, bias=Zeros()))
    return recipe("hypernet", rules, whole=False)
