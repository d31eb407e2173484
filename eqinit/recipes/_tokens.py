"""Arrays that models of vision hold by themselves: tokens, positions, LayerScale."""

from typing import Any

from .._planning.rule import Rule
from .._schemes.constant import Constant
from .._schemes.distributions import Normal
from .._typing import Number
from ._parts import for_part
from ._selectors import Convolution, Named, Of


_POSITIONS = Named(("*pos_embed*", "*position_embed*"))
# Class and register tokens; those of distillation and for masked patches.
_TOKENS = Named(("cls_token*", "class_token*", "reg_token*", "register_token*"))
_OTHER_TOKENS = Named(("dist*_token*", "mask_token*"))
_LAYER_SCALE = ("layer_scale*", "ls?")
_GAMMAS = Named(("gamma", "gamma_?", "gamma?", "lambda_?", "lambda?", *_LAYER_SCALE))


def tokens(std: Number, classes: Number = 1e-6) -> list[Rule]:
    """Position embeddings and tokens, which are bare arrays."""
    return [
        *for_part(
            "position embeddings", [Rule(_POSITIONS, Normal(std), optional=True)]
        ),
        *for_part("class tokens", [Rule(_TOKENS, Normal(classes), optional=True)]),
        Rule(_OTHER_TOKENS, Normal(std), optional=True),
    ]


def gammas(value: Number) -> list[Rule]:
    """LayerScale: one factor per channel of what a branch returns."""
    return [Rule(_GAMMAS, Constant(value), optional=True)]


def convolutions(weight: Any, bias: Any) -> list[Rule]:
    taps = Convolution()
    rules = [
        Rule(taps & Of("kernel"), weight, optional=True),
        Rule(taps & Of("bias"), bias, optional=True),
    ]
    return for_part("convolutions", rules)
