"""equimo 2.7: norms, tokens and tables beside the layers of `equinox.nn`.

Left unknown on purpose: state-space dynamics (`A_log`, `D`, `dt_bias`), rotary tables,
coordinate tables. They look like parameters, and no scheme here is meant for them.
"""

from typing import Any

from ..parametrizations import Parametrize
from .equinox_norms import rows_times


_NORM = dict(weight="scale: feature", bias="bias: feature")
_FIRST = dict(unit_axis=0)  # channels in front of an image's two axes
_TOKEN = "embedding: token feature"

LAYOUTS: dict[str, dict[str, Any]] = {
    "LayerNorm2d": _NORM | _FIRST,
    "RMSNorm2d": dict(weight="scale: feature", **_FIRST),
    "SimpleNorm": dict(weight="scale: feature"),
    "SimpleNorm2d": dict(weight="scale: feature", **_FIRST),
    "ReferenceBatchNorm": _NORM | _FIRST,
    "RMSNormGated": dict(w="scale: feature"),
    "DyT": dict(**_NORM, alpha="other: feature"),
    # Starts at zero and adds to the identity: no norm scale to be set to one.
    "GRN": dict(weight="other: feature", bias="bias: feature", **_FIRST),
    # 1e-5 or so, and not one
    "LayerScale": dict(gamma="other: feature", unit_axis="axis"),
    "LearnedPosEmbed": dict(weight=_TOKEN),
    "VisionTransformer": dict(cls_token=_TOKEN, reg_tokens=_TOKEN, mask_token=_TOKEN),
    "VisionParcae": dict(cls_token=_TOKEN, reg_tokens=_TOKEN),
    "PartialFormer": dict(qa_token=_TOKEN),
    "EoMT": dict(queries=_TOKEN),
    "AudioSpectrogramTransformer": dict(
        cls_token=_TOKEN, dist_token=_TOKEN, pos_embed=_TOKEN
    ),
    "ColumnAggregator": dict(cls_tokens=_TOKEN),
    "InducedAttentionBlock": dict(inducing_vectors=_TOKEN),
    "AttentionPool": dict(query="embedding: feature"),
    "PMDAttention": dict(query_bias="bias: out", value_bias="bias: out"),
    "WeightNormLinear": dict(weight_v="out in", weight_g="other: out one"),
    "VisionParcaeDiagonalInjection": dict(B="out in"),
}

PARAMETRIZATIONS: dict[str, Parametrize] = {
    "WeightNormLinear": lambda node: rows_times(node, "weight_v", "weight_g"),
}
