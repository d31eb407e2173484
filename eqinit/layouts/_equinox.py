"""The layers of `equinox.nn`: read off Equinox 0.13's sources, one record each."""

import math
from typing import Any

import equinox as eqx

from .._typing import Number
from ._registry import register_layout


def _hidden(cell: Any) -> Number:
    return cell.hidden_size


def _all_taps(conv: Any) -> Number:
    # Equinox's constructor does not count strides.
    return conv.in_channels // conv.groups * math.prod(conv.kernel_size)


register_layout(eqx.nn.Linear, weight="out in", bias="out")
register_layout(
    eqx.nn.Conv,
    weight="(group out) in *kernel",
    bias="(group out) *kernel",  # (out, 1, ..., 1): three axes, and still a bias
    group="groups",
    kernel="num_spatial_dims",
)
register_layout(
    eqx.nn.ConvTranspose,  # (out, in/g, *k), not torch's (in, out/g, *k)
    weight="(group out) in *kernel",
    bias="(group out) *kernel",
    group="groups",
    kernel="num_spatial_dims",
    stride="stride",
    default_fan=_all_taps,
)
register_layout(
    eqx.nn.LSTMCell,
    weight_ih="(gate out) in",
    weight_hh="(gate out) in",
    bias="(gate out) <- weight_ih + weight_hh",
    gate=("i", "f", "g", "o"),
    default_fan=_hidden,
)
register_layout(
    eqx.nn.GRUCell,  # h' = n + z (h - n): z near 1 keeps the state
    weight_ih="(gate out) in",
    weight_hh="(gate out) in",
    bias="(gate out) <- weight_ih + weight_hh",
    bias_n="out <- weight_hh",  # inside the reset gate, so only the state feeds it
    gate=("r", "z", "n"),
    default_fan=_hidden,
)
register_layout(eqx.nn.Embedding, weight="embedding: vocab feature")
register_layout(
    eqx.nn.LayerNorm,
    weight="scale: *feature",
    bias="bias: *feature",
    feature=lambda norm: len(norm.shape),
)
register_layout(
    eqx.nn.RMSNorm,
    weight="scale: *feature",
    bias="bias: *feature",
    feature=lambda norm: len(norm.shape),
)
register_layout(eqx.nn.GroupNorm, weight="scale: feature", bias="bias: feature")
register_layout(eqx.nn.BatchNorm, weight="scale: feature", bias="bias: feature")
register_layout(
    eqx.nn.PReLU,
    negative_slope="other: *feature",
    feature=lambda prelu: prelu.negative_slope.ndim,
)
