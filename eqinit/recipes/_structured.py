"""Networks of graphs, symmetries, splines, operators and differential equations."""

import math

from .._models.selectors import Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Ones, Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import GlorotNormal, GlorotUniform, TorchDefault
from .._typing import Natural, Number, checked
from ._branches import either
from ._parts import biases, for_part, glorot, kernels, norms, recipe, with_fan


@checked
def gcn() -> list[Rule]:
    r"""Graph convolutional networks: Glorot uniform and zero biases.

    **Returns:** rules.

    Kipf and Welling, Semi-supervised classification with graph convolutional networks,
    arXiv:1609.02907.
    """
    return recipe("gcn", glorot())


_ATTENTION = either("**.attn_l", "**.attn_r", "**.att_src", "**.att_dst")


@checked
def gat(attention: SelectorLike = _ATTENTION) -> list[Rule]:
    r"""Graph attention networks: Glorot normal with a gain of $\sqrt2$, for the vectors
    that score edges as well.

    These have $H$ heads of $F$ entries; the std is $\sqrt2 \sqrt{2/(F (H + 1))}$, by
    the fans that torch sees in an array of shape `(1, H, F)`.

    **Arguments:**

    - `attention`: the vectors that score edges, of shape `(heads, features)` or with
        axes of size one in front.

    **Returns:** rules.

    Veličković et al., Graph attention networks, arXiv:1710.10903; the gain is that of
    the layers of DGL.
    """

    def scores(site: Site) -> Normal:
        heads, features = (1, 1, *site.shape)[-2:]
        return Normal(2 / math.sqrt(max(features * (heads + 1), 1)))

    gain = math.sqrt(2)
    weight = GlorotNormal(gain, distribution="normal")
    vectors = Rule(attention, scores)
    return recipe("gat", [vectors, *kernels(weight), *biases(), *norms()])


@checked
def e3nn(weights: SelectorLike = Path("**.weight")) -> list[Rule]:
    r"""Equivariant networks as e3nn has them: $\mathcal N(0, 1)$ for the weights of
    linear layers and tensor products.

    Their scale is in the computation: each path is divided by the root of how many
    inputs it adds up (path normalisation), and so keeps variance one.

    !!! warning
        For layers that divide. Equinox's own do not.

    **Arguments:**

    - `weights`: the weights of all paths, in whatever shape the layers keep them.

    **Returns:** rules.

    Geiger and Smidt, e3nn: Euclidean neural networks, arXiv:2207.09453.
    """
    return recipe("e3nn", [Rule(weights, Normal(1.0)), *biases()])


@checked
def kan(
    basis: SelectorLike = Path("**.c_basis"),
    residual: SelectorLike = Path("**.c_res"),
    scale: SelectorLike = Path("**.c_spl"),
    std: Number = 0.1,
) -> list[Rule]:
    r"""Kolmogorov-Arnold networks: nearly flat splines beside Glorot residuals.

    Coefficients of splines are $\mathcal N(0, 0.1^2)$, weights of the fixed function
    beside them Glorot uniform, of shape `(out, in)`, scales of the splines (where there
    are any) ones.

    **Arguments:**

    - `basis`: coefficients of the basis functions.
    - `residual`: weights of the fixed function.
    - `scale`: scales of the splines.
    - `std`: standard deviation of the coefficients.

    **Returns:** rules.

    Liu et al., KAN: Kolmogorov-Arnold networks, arXiv:2404.19756.
    """
    ones = for_part("scales of splines", [Rule(scale, Ones(), optional=True)])
    return recipe(
        "kan",
        [
            Rule(basis, Normal(std)),
            Rule(residual, GlorotUniform(), axes="out in"),
            *ones,
            *biases(),
        ],
    )


@checked
def fno(
    channels: Natural | None = None,
    spectral: SelectorLike = either("**.spectral.weight", "**.weights*"),
) -> list[Rule]:
    r"""Fourier neural operators: $E|w|^2 = 2 / (n_\text{in} + n_\text{out})$ for the
    weights of each mode, torch's default for all else.

    That is what the authors' library `neuraloperator` draws; in the paper's first code
    both parts are uniform on $[0, 1/(n_\text{in} n_\text{out}))$.

    **Arguments:**

    - `channels`: the width, where inputs and outputs of the spectral layers are not the
        first two axes of their weights.
    - `spectral`: the complex weights, of shape `(in, out, *modes)`.

    **Returns:** rules.

    Li et al., Fourier neural operator for parametric partial differential equations,
    arXiv:2010.08895.
    """

    def modes(site: Site) -> Normal:
        both = sum(site.shape[:2]) if channels is None else 2 * channels
        return Normal(math.sqrt(2 / max(both, 1)))

    rest = [*with_fan(TorchDefault()), *biases(), *norms()]
    return recipe("fno", [Rule(spectral, modes), *rest])


@checked
def neural_ode(field: SelectorLike, std: Number = 0.1) -> list[Rule]:
    r"""The vector field of a neural differential equation: $\mathcal N(0, 0.1^2)$ and
    zero biases, so that solutions move slowly at first.

    Rules for the field alone; put them in front of those for the rest. The authors of
    controlled equations (arXiv:2005.08926) leave theirs at the framework's default,
    which is [`eqinit.recipes.torch_default`][], and bound the field by a last tanh
    instead.

    **Arguments:**

    - `field`: the network whose output is the derivative.
    - `std`: standard deviation.

    **Returns:** rules.

    Chen et al., Neural ordinary differential equations, arXiv:1806.07366, by the
    authors' examples; Rubanova, Chen and Duvenaud, Latent ODEs for irregularly-sampled
    time series, arXiv:1907.03907.
    """
    rule = Rule(field, weight=Normal(std), bias=Zeros())
    return recipe("neural_ode", [rule], whole=False)
