"""Convolutional networks."""

import math
from typing import Any

import equinox as eqx

from .._models.selectors import AbstractSelector, Filter, Path, SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes import depth
from .._schemes.constant import Ones, Zeros
from .._schemes.distributions import Normal
from .._schemes.fans import FanUniform, HeNormal, LecunNormal, TorchDefault
from .._schemes.gates import PriorProb
from .._typing import Natural, Number, checked
from ._branches import branches_of
from ._parts import biases, for_part, kernels, norms, recipe, with_fan
from ._selectors import Convolution, Ends, Head, Inner, Named
from ._tokens import gammas


@checked
def resnet(last_norms: SelectorLike | None = None) -> list[Rule]:
    r"""ResNet: He normal by fan_out; the last norm of every block may start at zero.

    A block whose last norm has $\gamma = 0$ is the identity. The classifier has torch's
    default. Of a convolution in groups (ResNeXt) the fan_out is, as torch counts it,
    that of all groups together, though an input reaches the outputs of its own alone.

    **Arguments:**

    - `last_norms`: the last norm of each residual branch, such as `"blocks.*.norm2"`;
        without it all norms are ones.

    **Returns:** rules.

    He et al., Deep residual learning for image recognition, arXiv:1512.03385; Goyal et
    al., Accurate, large minibatch SGD, arXiv:1706.02677.
    """
    rules = [
        *_zero(last_norms),
        *kernels(_of_all_groups, Convolution(), "convolutions"),
        *with_fan(TorchDefault()),
        *biases(),
        *norms(),
    ]
    return recipe("resnet", rules)


def _zero(last: SelectorLike | None) -> list[Rule]:
    return [] if last is None else [Rule(last, Zeros())]


def _of_all_groups(site: Site) -> HeNormal:
    """Torch's fan_out is the size of the first axis, whatever the groups."""
    groups = math.prod(site.spec.known_axes.sizes("group"))
    return HeNormal(groups**-0.5, mode="fan_out", distribution="normal")


@checked
def regnet(last_norms: SelectorLike | None = None) -> list[Rule]:
    r"""RegNet: He normal by fan_out, of the group's outputs alone; the classifier
    $\mathcal N(0, 0.01^2)$.

    **Arguments:**

    - `last_norms`: the last norm of each residual branch, to start at zero; without it
        all norms are ones.

    **Returns:** rules.

    Radosavovic et al., Designing network design spaces, arXiv:2003.13678.
    """
    he = HeNormal(mode="fan_out", distribution="normal")
    rules = [
        *_zero(last_norms),
        *kernels(he, Convolution(), "convolutions"),
        *kernels(Normal(0.01), name="linear layers"),
        *biases(),
        *norms(),
    ]
    return recipe("regnet", rules)


@checked
def nfnet(last: SelectorLike | None = None) -> list[Rule]:
    r"""NFNet: LeCun normal, for convolutions whose weights are standardised when they
    are used; the classifier $\mathcal N(0, 0.01^2)$.

    The scales of these weights (`*gain`) are one; that of a whole branch
    (`skipinit_gain`, `skip_gain`) zero, so that a block starts as the identity.

    **Arguments:**

    - `last`: scales of the last convolution of each branch, to start at zero where a
        branch has no scale as a whole.

    **Returns:** rules.

    Brock et al., High-performance large-scale image recognition without normalization,
    arXiv:2102.06171.
    """
    lecun = LecunNormal(distribution="normal")
    rules = [
        *_zero(last),
        Rule(Named(("skip*gain",)), Zeros(), optional=True),
        *for_part("scales", [Rule(Named(("*gain",)), Ones(), optional=True)]),
        *kernels(lecun, Convolution(), "convolutions"),
        *kernels(Normal(0.01), name="linear layers"),
        *biases(),
        *norms(),
    ]
    return recipe("nfnet", rules)


@checked
def efficientnet() -> list[Rule]:
    r"""EfficientNet: He normal by fan_out, of the group's outputs alone; the classifier
    $U(\pm 1/\sqrt{n_\text{out}})$, which is a bound by its *outputs*.

    **Returns:** rules.

    Tan and Le, EfficientNet: Rethinking model scaling for convolutional neural
    networks, arXiv:1905.11946.
    """
    he = HeNormal(mode="fan_out", distribution="normal")
    rules = [
        *kernels(he, Convolution(), "convolutions"),
        *kernels(FanUniform(1.0, "fan_out", 0.5), name="linear layers"),
        *biases(),
        *norms(),
    ]
    return recipe("efficientnet", rules)


@checked
def fixup(
    inner: SelectorLike | None = None,
    last: SelectorLike | None = None,
    head: SelectorLike | None = None,
    num_layers: Natural | None = None,
    branch_layers: Natural = 2,
) -> list[Rule]:
    r"""Fixup: residual networks without norms.

    All but the last layer of every branch are He normal times $L^{-1/(2m - 2)}$, the
    last layers and the classifier zero. Scalar biases stay at 0 and scalar multipliers
    at 1.

    With a trace of a call, `layouts=trace_layouts(model, call, x)`, nothing needs to be
    said: it tells the last layers, their number and the classifier. The other layers of
    a branch are then those in the module that its last one is in.

    **Arguments:**

    - `inner`: the layers of the branches but the last, such as `"blocks.*.conv1"`.
    - `last`: the last layer of each branch.
    - `head`: the classifier.
    - `num_layers`: $L$, the number of residual branches.
    - `branch_layers`: $m$, the layers of one branch.

    **Returns:** rules.

    Zhang, Dauphin and Ma, Fixup initialization: Residual learning without
    normalization, arXiv:1901.09321.
    """
    he: dict[str, Any] = {"mode": "fan_out", "distribution": "normal"}

    def counted(site: Site) -> HeNormal:
        layers = num_layers or branches_of(site, "fixup")
        return HeNormal(gain=depth.fixup(layers, branch_layers), **he)

    parts = {
        "ends of residual branches": (last, Ends(_NONE), Zeros()),
        "classifier": (head, Head(_NONE), Zeros()),
        "other layers of residual branches": (inner, Inner(_NONE), counted),
    }
    branches = [rule for name, part in parts.items() for rule in _told(name, *part)]
    rules = [*branches, *kernels(HeNormal(**he)), *biases()]
    return recipe("fixup", rules)


# Nobody's name: these are known from a trace, or they are said.
_NONE = Filter(lambda site: False)


def _told(
    name: str, given: SelectorLike | None, traced: AbstractSelector, weight: Any
) -> list[Rule]:
    if given is not None:
        return [Rule(given, weight=weight, bias=Zeros())]
    lacking = "Say them, or pass `layouts=eqinit.trace_layouts(model, call, x)`."
    return for_part(name, [Rule(traced, weight, optional=True)], lacking=lacking)


@checked
def dcgan(std: Number = 0.02) -> list[Rule]:
    r"""DCGAN: $\mathcal N(0, 0.02^2)$ for convolutions, $\mathcal N(1, 0.02^2)$ for the
    scales of norms.

    **Arguments:**

    - `std`: standard deviation of both.

    **Returns:** rules.

    Radford, Metz and Chintala, Unsupervised representation learning with deep
    convolutional generative adversarial networks, arXiv:1511.06434.
    """
    scale = Normal(std, mean=1.0)
    norm = Rule(eqx.nn.BatchNorm, weight=scale, bias=Zeros(), optional=True)
    return recipe("dcgan", [*kernels(Normal(std)), *biases(), norm])


@checked
def detection_head(head: SelectorLike, probability: Number = 0.01) -> list[Rule]:
    r"""A dense detector's classification head: $\mathcal N(0, 0.01^2)$, and a bias for
    which everything starts as background with probability $1 - \pi$.

    **Arguments:**

    - `head`: the last layer of the classification branch.
    - `probability`: $\pi$.

    **Returns:** a rule, to put in front of those of the rest.

    Lin et al., Focal loss for dense object detection, arXiv:1708.02002.
    """
    rule = Rule(head, weight=Normal(0.01), bias=PriorProb(probability))
    return recipe("detection_head", [rule], whole=False)


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
    all. Global response norms (`grn`), which the second version has in place of factors
    of branches, start at zero.

    **Arguments:**

    - `head`: the classifier.
    - `head_gain`: multiplies the standard deviation of the classifier's weights.
    - `std`: standard deviation.
    - `layer_scale`: value of the factors of branches, called `gamma` or `layer_scale`.

    **Returns:** rules.

    Liu et al., A ConvNet for the 2020s, arXiv:2201.03545; Woo et al., ConvNeXt V2:
    Co-designing and scaling ConvNets with masked autoencoders, arXiv:2301.00808.
    """
    responses = Rule(Path("**.grn"), Zeros(), optional=True)
    last = Normal(std * head_gain)
    scaled = [] if head is None else [Rule(head, weight=last, bias=Zeros())]
    normal = kernels(Normal(std))
    rest = [*gammas(layer_scale), *scaled, *normal, *biases(), *norms()]
    return recipe("convnext", [responses, *rest])
