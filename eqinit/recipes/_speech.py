"""Models of speech."""

import math

from .._models.selectors import SelectorLike
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Zeros
from .._schemes.distributions import Normal, Uniform
from .._schemes.fans import HeNormal, TorchDefault
from .._typing import Number, checked
from ._branches import either
from ._parts import biases, embeddings, for_part, given_or_named, kernels, norms, recipe
from ._selectors import Named
from ._tokens import convolutions


# By the authors' names and those of transformers.
_POSITIONS = either("**.pos_conv_embed.conv", "**.pos_conv")
_PROJECTIONS = either(
    *("**.feature_projection.projection", "**.post_extract_proj"),
    *("**.project_hid", "**.final_proj", "**.project_q"),
)
_SCORES = either("**.quantizer.weight_proj", "**.input_quantizer.weight_proj")
_VECTORS = Named(("codevectors", "vars", "masked_spec_embed", "mask_emb"))
_LACKING = "By name it is `pos_conv_embed.conv`. Say which it is: `positions=...`."


@checked
def wav2vec2(
    std: Number = 0.02,
    positions: SelectorLike | None = None,
    projections: SelectorLike | None = None,
    scores: SelectorLike | None = None,
) -> list[Rule]:
    r"""Wav2vec 2.0: He normal for the convolutions that hear, $\mathcal N(0, 0.02^2)$
    and zero biases for the transformer.

    Positions are a convolution of $k$ taps over the whole width $d$, of all groups:
    $\mathcal N(0, 4/(k d))$, with a zero bias. (It is kept with a weight norm, behind
    which `transformers` draws it and leaves it at torch's default. This is what its
    authors have.) What projects features, targets and predictions starts as torch does,
    the scores of code vectors as $\mathcal N(0, 1)$, code vectors and the vector for
    what is masked as $U(0, 1)$.

    **Arguments:**

    - `std`: standard deviation of linear layers and embeddings.
    - `positions`: the convolution for positions; by name `pos_conv_embed.conv` or
        `pos_conv`.
    - `projections`: the layers that start as torch's; by name
        `feature_projection.projection`, `project_hid` and `project_q`, or
        `post_extract_proj`, `final_proj` and `project_q`.
    - `scores`: the layer that scores code vectors; by name `quantizer.weight_proj`.

    **Returns:** rules.

    Baevski et al., wav2vec 2.0: A framework for self-supervised learning of speech
    representations, arXiv:2006.11477.
    """
    default, normal = TorchDefault(), Normal(std)
    vectors = Rule(_VECTORS, Uniform(0.0, 1.0), optional=True)
    return recipe(
        "wav2vec2",
        [
            *given_or_named(
                *("convolution for positions", positions, _POSITIONS, _LACKING),
                weight=_located,
                bias=Zeros(),
            ),
            *given_or_named(
                *("projections", projections, _PROJECTIONS),
                weight=default,
                bias=default,
            ),
            *given_or_named(
                *("scores of code vectors", scores, _SCORES),
                weight=Normal(1.0),
                bias=Zeros(),
            ),
            *for_part("code vectors", [vectors]),
            *convolutions(HeNormal(distribution="normal"), default),
            *kernels(normal),
            *embeddings(normal),
            *biases(),
            *norms(),
        ],
    )


def _located(site: Site) -> Normal:
    """Over all inputs of a convolution, also those of other groups."""
    width, _, taps = site.shape[len(site.stack) :]
    return Normal(2 / math.sqrt(taps * width))
