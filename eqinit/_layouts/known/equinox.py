"""The layers of `equinox.nn`: read off Equinox 0.13's sources, one record each."""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import equinox as eqx

from ..._typing import Number, Shape
from ..parametrizations import Parametrize
from .equinox_norms import spectral_norm, weight_norm


_Shapes: TypeAlias = Mapping[str, Shape | None]


def _hidden(cell: Any) -> Number:
    return cell.hidden_size


def _all_taps(conv: Any) -> Number:
    # Equinox's constructor does not count strides.
    return conv.in_channels // conv.groups * math.prod(conv.kernel_size)


def _size(features: Any) -> int:
    return 1 if features == "scalar" else int(features)


def _linear(m: Any) -> _Shapes:
    out = _size(m.out_features)
    return {
        "weight": (out, _size(m.in_features)),
        "bias": (out,) if m.use_bias else None,
    }


def _conv(m: Any) -> _Shapes:
    out, ones = m.out_channels, (1,) * m.num_spatial_dims
    return {
        "weight": (out, m.in_channels // m.groups, *m.kernel_size),
        "bias": (out, *ones) if m.use_bias else None,
    }


def _cell(m: Any, gates: int) -> _Shapes:
    hidden = m.hidden_size
    return {
        "weight_ih": (gates * hidden, m.input_size),
        "weight_hh": (gates * hidden, hidden),
        "bias": (gates * hidden,) if m.use_bias else None,
    }


def _lstm(m: Any) -> _Shapes:
    return _cell(m, 4)


def _gru(m: Any) -> _Shapes:
    return {**_cell(m, 3), "bias_n": (m.hidden_size,) if m.use_bias else None}


def _norm(m: Any) -> _Shapes:
    shape = tuple(m.shape)
    return {
        "weight": shape if m.use_weight else None,
        "bias": shape if m.use_bias else None,
    }


def _channels(m: Any) -> _Shapes:
    shape = (m.channels,) if m.channelwise_affine else None
    return {"weight": shape, "bias": shape}


def _batch_norm(m: Any) -> _Shapes:
    shape = (m.input_size,) if m.channelwise_affine else None
    return {"weight": shape, "bias": shape}


def _embedding(m: Any) -> _Shapes:
    return {"weight": (m.num_embeddings, m.embedding_size)}


def _mlp(mlp: Any) -> Mapping[str, Any]:
    first, last = mlp.layers[0], mlp.layers[-1]
    if not all(type(layer) is eqx.nn.Linear for layer in (first, last)):
        return {}  # replaced by something else, whatever its annotation says
    fields = {"in_size": first.in_features, "out_size": last.out_features}
    fields |= {"use_final_bias": last.use_bias, "depth": len(mlp.layers) - 1}
    return fields | ({"use_bias": first.use_bias} if len(mlp.layers) > 1 else {})


def _attention(attention: Any) -> Mapping[str, Any]:
    names = ("query", "key", "value", "output")
    layers = {name: getattr(attention, f"{name}_proj") for name in names}
    return {
        f"use_{name}_bias": layer.use_bias
        for name, layer in layers.items()
        if isinstance(layer, eqx.nn.Linear)
    }


_CONV: dict[str, Any] = dict(
    weight="(group out) in *kernel",
    bias="(group out) *kernel",  # (out, 1, ..., 1): three axes, and still a bias
    sizes={"group": "groups", "kernel": "num_spatial_dims"},
    shapes=_conv,
    widths={"in": "in_channels", "out": "out_channels"},
    kind="conv",
)
_CELL: dict[str, Any] = dict(
    weight_ih="(gate out) in",
    weight_hh="(gate out) in",
    bias="(gate out) <- weight_ih + weight_hh",
    default_fan=_hidden,
    kind="cell",
)
_LAYER_NORM: dict[str, Any] = dict(
    weight="scale: *feature",
    bias="bias: *feature",
    sizes={"feature": lambda norm: len(norm.shape)},
    shapes=_norm,
    kind="norm",
)
# Channels first, as those that stand between convolutions.
_CHANNEL_NORM: dict[str, Any] = dict(
    weight="scale: feature", bias="bias: feature", unit_axis=0, kind="norm"
)

LAYOUTS: dict[str, dict[str, Any]] = {
    "Linear": dict(
        weight="out in",
        bias="out",
        shapes=_linear,
        widths={"in": "in_features", "out": "out_features"},
        kind="dense",
    ),
    "Conv": _CONV,
    # (out, in/g, *k), not torch's (in, out/g, *k)
    "ConvTranspose": _CONV | dict(stride="stride", default_fan=_all_taps),
    "LSTMCell": _CELL | dict(sizes={"gate": ("i", "f", "g", "o")}, shapes=_lstm),
    # h' = n + z (h - n): z near 1 keeps the state
    "GRUCell": _CELL
    | dict(
        bias_n="out <- weight_hh",  # inside the reset gate, so only the state feeds it
        sizes={"gate": ("r", "z", "n")},
        shapes=_gru,
    ),
    "Embedding": dict(
        weight="embedding: vocab feature",
        shapes=_embedding,
        widths={"vocab": "num_embeddings", "feature": "embedding_size"},
        kind="embedding",
    ),
    "LayerNorm": _LAYER_NORM,
    "RMSNorm": _LAYER_NORM,
    "GroupNorm": _CHANNEL_NORM | dict(shapes=_channels),
    "BatchNorm": _CHANNEL_NORM | dict(shapes=_batch_norm),
    "Pool": dict(unit_axis=0),
    "AdaptivePool": dict(unit_axis=0),
    "PReLU": dict(
        negative_slope="other: *feature",
        sizes={"feature": lambda prelu: prelu.negative_slope.ndim},
    ),
    "MLP": dict(repeats=_mlp),
    "MultiheadAttention": dict(repeats=_attention),
}
PARAMETRIZATIONS: dict[str, Parametrize] = {
    "WeightNorm": weight_norm,
    "SpectralNorm": spectral_norm,
}


def of_kind(*kinds: str) -> tuple[type, ...]:
    """The layers of these kinds, for recipes."""
    names = [name for name, said in LAYOUTS.items() if said.get("kind") in kinds]
    return tuple(getattr(eqx.nn, name) for name in names)
