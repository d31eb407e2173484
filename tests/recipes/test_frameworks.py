"""Where torch's defaults are not Equinox's, and other facts of torch and timm."""

import math

import equinox as eqx
import jax
import numpy as np
import pytest

import eqinit as ei
from eqinit import recipes


KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("ins", "outs", "groups", "stride"), [(4, 16, 1, 1), (6, 12, 3, 2), (16, 4, 2, 3)]
)
def test_torch_divides_transposed_kernels_by_their_outputs(ins, outs, groups, stride):
    """Torch's kernel is (in, out / groups, 3, 3), whose second axis it calls fan in:
    `kaiming_uniform_(a=sqrt(5))` is U(+-1 / sqrt(9 out / groups)), as is the bias.
    """
    stored = (ins, outs // groups, 3, 3)  # torch's
    bound = 1 / math.sqrt(math.prod(stored[1:]))
    conv = eqx.nn.ConvTranspose2d(ins, outs, 3, stride, groups=groups, key=KEY)
    plan = ei.plan(conv, recipes.torch_default())
    for field in ("weight", "bias"):
        assert plan[field].std == pytest.approx(bound / math.sqrt(3))


def test_transposed_kernel_of_four_to_sixteen():
    # As torch draws it: 0.0486 over one kernel of 576 numbers.
    conv = eqx.nn.ConvTranspose2d(4, 16, 3, key=KEY)
    std = ei.plan(conv, recipes.torch_default())["weight"].std
    # The error of a uniform sample's std is sqrt(0.8 / 4n) of it; five of these.
    assert abs(0.0486 / std - 1) < 5 * math.sqrt(0.2 / 576)


def test_torch_packs_the_projections_of_attention():
    """`xavier_uniform_` of (3 d, d), zero biases, torch's default for the output."""
    width = 12
    attention = eqx.nn.MultiheadAttention(
        3, width, use_query_bias=True, use_output_bias=True, key=KEY
    )
    plan = ei.plan(attention, recipes.torch_default())
    packed = math.sqrt(2 / (3 * width + width))
    for name in ("query", "key", "value"):
        assert plan[f"{name}_proj.weight"].std == pytest.approx(packed)
    assert plan["output_proj.weight"].std == pytest.approx((3 * width) ** -0.5)
    assert plan["query_proj.bias"].std == plan["output_proj.bias"].std == 0
    # Widths that differ are three matrices, each Glorot by itself.
    cross = eqx.nn.MultiheadAttention(3, width, key_size=8, value_size=8, key=KEY)
    plan = ei.plan(cross, recipes.torch_default())
    assert plan["key_proj.weight"].std == pytest.approx(math.sqrt(2 / (width + 8)))


def test_torch_and_keras_slopes_of_prelu():
    prelu = eqx.nn.PReLU(0.5)
    for recipe, slope in [(recipes.torch_default, 0.25), (recipes.keras, 0.0)]:
        assert ei.apply(prelu, KEY, recipe()).negative_slope == slope


def test_convnext_does_not_truncate():
    """A bound of 100 sigma is none: of 3e5 normals some are beyond 3 sigma."""
    linear = eqx.nn.Linear(512, 600, key=KEY)
    weight = np.asarray(ei.apply(linear, KEY, recipes.convnext()).weight, np.float64)
    kurtosis = (weight**4).mean() / (weight**2).mean() ** 2
    assert abs(kurtosis - 3) < 5 * math.sqrt(24 / weight.size)
    assert abs(weight).max() > 3 * 0.02


@pytest.mark.parametrize(
    ("name", "slope", "wanted"),
    [
        ("linear", None, 1.0),
        *((f"conv{name}", None, 1.0) for name in ("", "1d", "2d", "3d")),
        *((f"conv_transpose{n}d", None, 1.0) for n in (1, 2, 3)),
        ("sigmoid", None, 1.0),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, math.sqrt(2 / (1 + 0.01**2))),
        ("leaky_relu", 0.2, math.sqrt(2 / 1.04)),
        ("leaky_relu", 1, 1.0),
        ("selu", None, 0.75),
    ],
)
def test_torch_gain(name, slope, wanted):
    assert ei.interop.torch_gain(name, slope) == pytest.approx(wanted)


def test_torch_gain_says_what_is_wrong():
    gain = ei.interop.torch_gain
    with pytest.raises(ValueError, match=r"knows no 'leaky_rel'.*Did you mean `leaky"):
        gain("leaky_rel")
    # Torch takes no bool for a slope either.
    with pytest.raises(ValueError, match=r"got negative_slope=True .bool.; it must be"):
        gain("leaky_relu", True)
    with pytest.raises(ValueError, match="a negative_slope for 'relu'"):
        gain("relu", 0.1)


def test_an_lstm_begins_by_remembering():
    """Jozefowicz et al.: a bias of one for gates that forget, and zero for others."""
    cell = ei.apply(eqx.nn.LSTMCell(3, 4, key=KEY), KEY, recipes.lstm())
    # Equinox's order is input, forget, cell, output.
    np.testing.assert_array_equal(cell.bias.reshape(4, 4)[:, 0], [0.0, 1.0, 0.0, 0.0])
