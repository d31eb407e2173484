"""jaxonmodels 0.5 and jaxonlayers 0.2, the layers that it is made of."""

from typing import Any

from ..parametrizations import Parametrize


_POSITION = "embedding: position feature"

LAYOUTS: dict[str, dict[str, Any]] = {
    "BatchedLinear": dict(weight="out in", bias="out"),
    "BatchNorm": dict(gamma="scale: feature", beta="bias: feature", unit_axis=0),
    "LayerNorm": dict(
        weight="scale: *feature",
        bias="bias: *feature",
        sizes={"feature": lambda norm: len(norm.shape)},
    ),
    # As in torch: three matrices packed, and each has a fan of its own.
    "MultiheadAttention": dict(
        in_proj_weight="(part out) in",
        in_proj_bias="(part out) <- in_proj_weight",
        q_proj_weight="out in",
        k_proj_weight="out in",
        v_proj_weight="out in",
        bias_k="other: token feature",
        bias_v="other: token feature",
        sizes={"part": ("q", "k", "v")},
    ),
    # `x @ proj`, unlike every Linear beside it.
    "VisionTransformer": dict(
        class_embedding="embedding: feature",
        positional_embedding=_POSITION,
        proj="in out",
    ),
    "CLIP": dict(
        positional_embedding=_POSITION, text_projection="in out", logit_scale="other:"
    ),
    "AttentionPool2d": dict(positional_embedding=_POSITION),
    "CNBlock": dict(layer_scale="other: feature one one"),
    "ShiftedWindowAttention": dict(
        relative_position_bias_table="embedding: offset head",
        logit_scale="other: head one one",
    ),
}
PARAMETRIZATIONS: dict[str, Parametrize] = {}
