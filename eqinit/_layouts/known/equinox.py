"""The layers of `equinox.nn`: read off Equinox 0.13's sources, one record each."""

import math
from typing import Any

from ..._typing import Number
from ..parametrizations import Parametrize
from .equinox_norms import spectral_norm, weight_norm


def _hidden(cell: Any) -> Number:
    return cell.hidden_size


def _all_taps(conv: Any) -> Number:
    # Equinox's constructor does not count strides.
    return conv.in_channels // conv.groups * math.prod(conv.kernel_size)


LAYOUTS: dict[str, dict[str, Any]] = {
    "Linear": dict(weight="out in", bias="out"),
    "Conv": dict(
        weight="(group out) in *kernel",
        bias="(group out) *kernel",  # (out, 1, ..., 1): three axes, and still a bias
        group="groups",
        kernel="num_spatial_dims",
    ),
    # (out, in/g, *k), not torch's (in, out/g, *k)
    "ConvTranspose": dict(
        weight="(group out) in *kernel",
        bias="(group out) *kernel",
        group="groups",
        kernel="num_spatial_dims",
        stride="stride",
        default_fan=_all_taps,
    ),
    "LSTMCell": dict(
        weight_ih="(gate out) in",
        weight_hh="(gate out) in",
        bias="(gate out) <- weight_ih + weight_hh",
        gate=("i", "f", "g", "o"),
        default_fan=_hidden,
    ),
    # h' = n + z (h - n): z near 1 keeps the state
    "GRUCell": dict(
        weight_ih="(gate out) in",
        weight_hh="(gate out) in",
        bias="(gate out) <- weight_ih + weight_hh",
        bias_n="out <- weight_hh",  # inside the reset gate, so only the state feeds it
        gate=("r", "z", "n"),
        default_fan=_hidden,
    ),
    "Embedding": dict(weight="embedding: vocab feature"),
    "LayerNorm": dict(
        weight="scale: *feature",
        bias="bias: *feature",
        feature=lambda norm: len(norm.shape),
    ),
    "RMSNorm": dict(
        weight="scale: *feature",
        bias="bias: *feature",
        feature=lambda norm: len(norm.shape),
    ),
    # Channels first, as those that stand between convolutions.
    "GroupNorm": dict(weight="scale: feature", bias="bias: feature", unit_axis=0),
    "BatchNorm": dict(weight="scale: feature", bias="bias: feature", unit_axis=0),
    "Pool": dict(unit_axis=0),
    "AdaptivePool": dict(unit_axis=0),
    "PReLU": dict(
        negative_slope="other: *feature",
        feature=lambda prelu: prelu.negative_slope.ndim,
    ),
}
PARAMETRIZATIONS: dict[str, Parametrize] = {
    "WeightNorm": weight_norm,
    "SpectralNorm": spectral_norm,
}
