"""Every layer of `eqx.nn` with parameters, and what each parameter should be."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp


nn = eqx.nn
Fans = tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class LayerCase:
    """A layer and its parameters: path to (axes, fans, role), worked out by hand."""

    name: str
    make: Callable[[jax.Array], Any]
    parameters: dict[str, tuple[str, Fans, str]]
    gates: int = 1


def case(name: str, make: Any, gates: int = 1, **said: Any) -> LayerCase:
    parameters = {path.replace("__", "."): spec for path, spec in said.items()}
    return LayerCase(name, make, parameters, gates)


def stateful(make: Callable[[jax.Array], Any]) -> Callable[[jax.Array], Any]:
    return lambda key: nn.make_with_state(make)(key)[0]


_CONV, _CONV_BIAS = "(group out) in *kernel", "(group out) *kernel"
_GATES, _GATE_BIAS = "(gate out) in", "(gate out) <- weight_ih + weight_hh"
_SCALE, _SHIFT = "scale: *feature", "bias: *feature"


def linear(inputs: int, outputs: int) -> dict[str, Any]:
    return {
        "weight": ("out in", (inputs, outputs), "kernel"),
        "bias": ("out", (inputs, outputs), "bias"),
    }


def conv(fan_in: float, fan_out: float) -> dict[str, Any]:
    return {
        "weight": (_CONV, (fan_in, fan_out), "kernel"),
        "bias": (_CONV_BIAS, (fan_in, fan_out), "bias"),
    }


def inside(prefix: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": spec for name, spec in parameters.items()}


# Layers whose output is a sum over their inputs: kernels, biases, fans.
KERNELS = [
    case("Linear", lambda k: nn.Linear(24, 16, key=k), **linear(24, 16)),
    case("Linear-in", lambda k: nn.Linear("scalar", 96, key=k), **linear(1, 96)),
    case("Linear-out", lambda k: nn.Linear(96, "scalar", key=k), **linear(96, 1)),
    # fan_in = in / groups * taps, fan_out = out / groups * taps.
    case("Conv1d", lambda k: nn.Conv1d(8, 12, 3, key=k), **conv(24, 36)),
    case("Conv2d", lambda k: nn.Conv2d(3, 8, (3, 5), key=k), **conv(45, 120)),
    case("Conv3d", lambda k: nn.Conv3d(2, 6, 3, key=k), **conv(54, 162)),
    case(
        "Conv2d-grouped", lambda k: nn.Conv2d(8, 12, 3, groups=4, key=k), **conv(18, 27)
    ),
    case(
        "Conv2d-depthwise",
        lambda k: nn.Conv2d(16, 16, 3, groups=16, key=k),
        **conv(9, 9),
    ),
    case(
        "Conv1d-multiplier",
        lambda k: nn.Conv1d(8, 24, 5, groups=8, key=k),
        **conv(5, 15),
    ),
    # Each output meets taps / stride of the taps; each input meets all of them.
    case(
        "ConvTranspose1d",
        lambda k: nn.ConvTranspose1d(8, 6, 4, stride=2, key=k),
        **conv(16, 24),
    ),
    case(
        "ConvTranspose2d",
        lambda k: nn.ConvTranspose2d(4, 6, 3, stride=2, key=k),
        **conv(9, 54),
    ),
    case(
        "ConvTranspose2d-grouped",
        lambda k: nn.ConvTranspose2d(8, 8, 4, stride=(2, 4), groups=2, key=k),
        **conv(8, 64),
    ),
    case(
        "ConvTranspose3d", lambda k: nn.ConvTranspose3d(2, 4, 3, key=k), **conv(54, 108)
    ),
    case(
        "LSTMCell",
        lambda k: nn.LSTMCell(20, 12, key=k),
        gates=4,
        weight_ih=(_GATES, (20, 12), "kernel"),
        weight_hh=(_GATES, (12, 12), "kernel"),
        bias=(_GATE_BIAS, (32, 12), "bias"),
    ),
    case(
        "GRUCell",
        lambda k: nn.GRUCell(20, 12, key=k),
        gates=3,
        weight_ih=(_GATES, (20, 12), "kernel"),
        weight_hh=(_GATES, (12, 12), "kernel"),
        bias=(_GATE_BIAS, (32, 12), "bias"),
        bias_n=("out <- weight_hh", (12, 12), "bias"),
    ),
    case(
        "MultiheadAttention",
        lambda k: nn.MultiheadAttention(
            2, 12, 14, 16, 18, use_query_bias=True, use_output_bias=True, key=k
        ),
        **inside("query_proj", linear(12, 12)),
        key_proj__weight=("out in", (14, 12), "kernel"),
        value_proj__weight=("out in", (16, 12), "kernel"),
        **inside("output_proj", linear(12, 18)),
    ),
    case(
        "MLP",
        lambda k: nn.MLP(6, "scalar", 10, 1, key=k),
        **inside("layers.0", linear(6, 10)),
        **inside("layers.1", linear(10, 1)),
    ),
]

OTHERS = [
    case(
        "Embedding",
        lambda k: nn.Embedding(9, 4, key=k),
        weight=("embedding: vocab feature", None, "embedding"),
    ),
    case(
        "LayerNorm",
        lambda k: nn.LayerNorm((3, 4)),
        weight=(_SCALE, None, "scale"),
        bias=(_SHIFT, None, "bias"),
    ),
    case(
        "RMSNorm",
        lambda k: nn.RMSNorm(4, use_bias=True),
        weight=(_SCALE, None, "scale"),
        bias=(_SHIFT, None, "bias"),
    ),
    case(
        "GroupNorm",
        lambda k: nn.GroupNorm(2, 4),
        weight=("scale: feature", None, "scale"),
        bias=("bias: feature", None, "bias"),
    ),
    case(
        "BatchNorm",
        stateful(lambda k: nn.BatchNorm(4, axis_name="batch", mode="ema")),
        weight=("scale: feature", None, "scale"),
        bias=("bias: feature", None, "bias"),
    ),
    case(
        "PReLU",
        lambda k: nn.PReLU(jnp.full((3,), 0.25)),
        negative_slope=("other: *feature", None, "other"),
    ),
    case(
        "SpectralNorm",
        stateful(lambda k: nn.SpectralNorm(nn.Linear(3, 4, key=k), "weight", key=k)),
        **inside("layer", linear(3, 4)),
    ),
]

LAYERS = KERNELS + OTHERS
