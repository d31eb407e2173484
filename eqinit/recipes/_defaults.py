"""What frameworks give a layer that nobody initialises."""

import math
from typing import Any

import equinox as eqx

from .._models.selectors import Layer, Path
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Constant, Zeros
from .._schemes.distributions import Normal, Uniform
from .._schemes.fans import GlorotUniform, LecunNormal, TorchDefault
from .._schemes.gates import ForgetGateBias
from .._schemes.orthogonal import Orthogonal
from .._typing import checked
from ._parts import (
    ATTENTION_INPUTS,
    CELLS,
    CONV_TRANSPOSE,
    CONVS,
    DENSE,
    attention_of,
    biases,
    cells,
    embeddings,
    kernels,
    layers,
    norms,
    recipe,
    unit_rows,
    with_fan,
)


@checked
def torch_default() -> list[Rule]:
    r"""Torch's, and nearly everywhere Equinox's own: $U(\pm 1/\sqrt n)$ for weights and
    biases, $\mathcal N(0, 1)$ for embeddings, ones and zeros in norms.

    Where the two differ these are torch's. It divides by the *outputs* of a transposed
    convolution, $n = k\, n_\text{out} / g$ for $k$ taps; and its attention has Glorot
    uniform queries, keys and values, drawn as one packed matrix where all three read
    the same width, and zero biases.

    An LSTM of torch has two biases that add up, each uniform; the one of Equinox has
    the law of one of them.

    **Returns:** rules.
    """
    return recipe(
        "torch_default",
        [
            Rule(CONV_TRANSPOSE, _by_outputs, optional=True),
            Rule(_PROJECTIONS, weight=_packed, bias=Zeros(), optional=True),
            Rule(_OUTPUT, bias=Zeros(), optional=True),
            Rule(DENSE | CELLS, TorchDefault(), optional=True),
            Rule(eqx.nn.PReLU, Constant(0.25), optional=True),
            *embeddings(Normal(1.0)),
            *with_fan(TorchDefault()),
            *biases(),
            *norms(),
        ],
    )


_ATTENTION = Layer(eqx.nn.MultiheadAttention)
_PROJECTIONS = _ATTENTION & ATTENTION_INPUTS
_OUTPUT = _ATTENTION & Path("**.output_proj")


def _by_outputs(site: Site) -> Uniform:
    """Torch stores (in, out, *kernel) here, and calls the second axis fan in."""
    conv = site.layer
    taps = math.prod(conv.kernel_size)
    return Uniform((conv.out_channels // conv.groups * taps) ** -0.5)


def _packed(site: Site) -> GlorotUniform | Uniform:
    """Queries, keys and values in one matrix, unless they read different widths."""
    attention = attention_of(site)
    widths = {attention.query_size, attention.key_size, attention.value_size}
    width, heads = attention.query_size, attention.num_heads
    sizes = {attention.qk_size * heads, attention.vo_size * heads}
    if widths != {width} or sizes != {width}:
        return GlorotUniform()
    return Uniform(math.sqrt(6 / (width + 3 * width)))


@checked
def flax() -> list[Rule]:
    r"""Flax's: LeCun normal (truncated) and zero biases; recurrent kernels orthogonal;
    embeddings $\mathcal N(0, 1/d)$.

    **Returns:** rules.
    """
    return recipe(
        "flax",
        [
            *cells(LecunNormal(), Orthogonal(), Zeros(), Zeros()),
            *kernels(LecunNormal()),
            *embeddings(unit_rows),
            *biases(),
            *norms(),
        ],
    )


@checked
def keras() -> list[Rule]:
    r"""Keras': Glorot uniform and zero biases; recurrent kernels orthogonal, one in the
    bias of forget gates; embeddings $U(\pm 0.05)$.

    The fans are those that Keras reads off the arrays as it stores them. The gates of a
    cell are one matrix, for Glorot and for the orthogonal kernel alike; a convolution
    in groups counts the outputs of all groups, a depthwise one its inputs as well; and
    a transposed one does not count its strides.

    **Returns:** rules.
    """
    gates: dict[str, Any] = {
        "weight_ih": GlorotUniform(),
        "weight_hh": Orthogonal(),
        "axes": {"weight_ih": "out in", "weight_hh": "out in"},
        "optional": True,
    }
    return recipe(
        "keras",
        [
            *layers(CONVS, _glorot_of_taps),
            Rule(eqx.nn.LSTMCell, **gates, bias=ForgetGateBias(1.0)),
            Rule(eqx.nn.GRUCell, **gates, bias=Zeros(), bias_n=Zeros()),
            Rule(eqx.nn.PReLU, Zeros(), optional=True),
            *kernels(GlorotUniform()),
            *embeddings(Uniform(0.05)),
            *biases(),
            *norms(),
        ],
    )


def _glorot_of_taps(site: Site) -> Uniform:
    """Of the array that Keras has: (*taps, in / groups, out), for a transposed
    convolution (*taps, out, in), and depthwise (*taps, in, out / in).
    """
    conv, taps = site.layer, math.prod(site.layer.kernel_size)
    rows, columns = conv.in_channels // conv.groups, conv.out_channels
    if conv.groups == conv.in_channels > 1:
        rows, columns = conv.in_channels, conv.out_channels // conv.groups
    return Uniform(math.sqrt(6 / (taps * (rows + columns))))


@checked
def nan() -> list[Rule]:
    """Not-a-number everywhere: shows what a training script fails to initialise.

    **Returns:** rules.
    """
    return [Rule(Path("**"), Constant(math.nan))]


@checked
def zeros() -> list[Rule]:
    """Zero everywhere, scales of norms included: for tests, and for models that hold
    other models' statistics or averages.

    **Returns:** rules.
    """
    return [Rule(Path("**"), Zeros())]
