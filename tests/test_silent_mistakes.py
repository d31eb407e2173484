"""Silent mistakes: each test shows that the naive way is wrong, and ours right.

Every number of the naive way is asserted, so that a test would say if the mistake
stopped being one. Deviations: a sample std of n normals is off by 1/sqrt(2n), and five
of those fail once in two million seeds (`near`).
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from helpers import SIGMAS, has_std, same_bits, z_of_std

import eqinit as ei
from eqinit import (
    Filter,
    ForgetGateBias,
    GlorotNormal,
    HeNormal,
    LecunNormal,
    Normal,
    Ones,
    Orthogonal,
    Role,
    Rule,
    TorchDefault,
    TruncatedNormal,
    Where,
    Zeros,
)


nn = eqx.nn
jinit = jax.nn.initializers
KEY = jax.random.key(0)


def std(value: Any) -> float:
    return float(np.sqrt(np.square(np.abs(np.asarray(value))).mean()))


def near(value: Any, wanted: float) -> bool:
    """The sample std is `wanted`, within five sampling errors."""
    return has_std(np.asarray(value), wanted)


def weight_by(layer: Any, scheme: Any) -> np.ndarray:
    return np.asarray(ei.apply(layer, KEY, [("weight", scheme)]).weight)


def linear(inputs: int, outputs: int, **kwargs: Any) -> nn.Linear:
    return nn.Linear(inputs, outputs, key=KEY, **kwargs)


def stack(make: Callable[[jax.Array], Any], count: int) -> Any:
    return eqx.filter_vmap(make)(jax.random.split(KEY, count))


def test_default_axes_take_fan_out_for_fan_in():
    naive = jinit.he_normal()(KEY, (64, 4096))
    assert near(naive, math.sqrt(2 / 64))  # 0.1766, eight times too large
    assert near(weight_by(linear(4096, 64), HeNormal()), math.sqrt(2 / 4096))  # 0.0221


def test_conv_kernels_are_not_hwio():
    conv = nn.Conv2d(16, 128, 3, key=KEY)
    naive = jinit.he_normal()(KEY, conv.weight.shape)
    # Kernel height as fan-in, and out times in as the receptive field.
    assert near(naive, math.sqrt(2 / (3 * 128 * 16)))  # 0.0180, 6.5 times too small
    assert near(weight_by(conv, HeNormal()), math.sqrt(2 / (16 * 9)))  # 0.1179


def test_glorot_on_a_matrix_hides_the_mistake():
    matrix, conv = linear(64, 256), nn.Conv2d(16, 128, 3, key=KEY)
    wanted = math.sqrt(2 / (64 + 256))
    naive = jinit.glorot_normal()
    assert near(naive(KEY, matrix.weight.shape), wanted)
    assert near(weight_by(matrix, GlorotNormal()), wanted)
    # The same line on a convolution.
    right = math.sqrt(2 / (9 * (16 + 128)))
    assert std(naive(KEY, conv.weight.shape)) < right / 2.5
    assert near(weight_by(conv, GlorotNormal()), right)


def test_orthogonal_takes_the_width_axis_for_columns():
    conv = nn.Conv2d(8, 64, 3, key=KEY)
    rows = jinit.orthogonal()(KEY, conv.weight.shape).reshape(64, -1)
    assert np.mean(np.sum(np.square(rows), 1)) == pytest.approx(3 / 64, rel=1e-5)
    w = weight_by(conv, Orthogonal()).reshape(64, -1).astype(np.float64)
    # Each entry of the Gram matrix is off by the roundings of 64 reflections.
    assert np.abs(w @ w.T - np.eye(64)).max() < 64 * 2**-22


def test_delta_orthogonal_takes_channels_for_space():
    conv = nn.Conv2d(32, 32, 3, key=KEY)
    naive = jinit.delta_orthogonal()(KEY, conv.weight.shape)
    assert np.count_nonzero(naive) == 3 * 3
    # The same function in a rule is handed HWIO, and its draw is moved back.
    w = weight_by(conv, jinit.delta_orthogonal())
    assert np.count_nonzero(w) == np.count_nonzero(w[:, :, 1, 1]) == 32 * 32


def test_conv_biases_have_three_axes_and_are_biases():
    conv = nn.Conv2d(4, 64, 3, key=KEY)
    naive = jinit.he_normal()(KEY, conv.bias.shape)
    assert near(naive, math.sqrt(2 / 64))  # drawn without a word; a Linear's raises
    for scheme in (HeNormal(), jinit.he_normal()):
        with pytest.raises(ValueError, match="bias"):
            ei.plan(conv, [Rule(nn.Conv2d, scheme)])
    assert ei.plan(conv, [])["bias"].spec.fan_in == 4 * 9


def test_stacked_layers_do_not_count_as_receptive_field():
    layers = stack(lambda k: nn.Linear(256, 64, key=k), 12)
    naive = jinit.he_normal(in_axis=-1, out_axis=-2)(KEY, layers.weight.shape)
    assert near(naive, math.sqrt(2 / (256 * 12)))  # 0.0255
    assert near(weight_by(layers, HeNormal()), math.sqrt(2 / 256))  # 0.0884


def test_orthogonal_acts_on_each_layer_of_a_stack():
    layers = stack(lambda k: nn.Linear(16, 16, key=k), 12)
    naive = jinit.orthogonal()(KEY, layers.weight.shape)[0]
    # One of 12 blocks of 16 uniform orthonormal columns: the sum of its squares has
    # mean 16 / 12 and variance 2 (16 * 176)^2 / (192^2 * 191 * 194), relative 0.081.
    assert np.mean(np.diag(naive @ naive.T)) == pytest.approx(1 / 12, rel=5 * 0.081)
    for w in weight_by(layers, Orthogonal()).astype(np.float64):
        assert np.abs(w @ w.T - np.eye(16)).max() < 16 * 2**-22


def test_two_axes_do_not_make_a_kernel():
    model = {
        "norm": nn.LayerNorm((28, 28)),
        "norms": stack(lambda _: nn.LayerNorm(8), 3),
        "linears": stack(lambda k: nn.Linear(8, 8, key=k), 3),
        "conv": nn.Conv1d(2, 8, 3, key=KEY),
    }
    leaves = jtu.tree_leaves(eqx.filter(model, eqx.is_array))
    assert sum(leaf.ndim >= 2 for leaf in leaves) == len(leaves) == 8
    assert set(ei.select(model, Role("kernel")).paths) == {
        "conv.weight",
        "linears.weight",
    }


def singular_values(w: np.ndarray) -> np.ndarray:
    return np.linalg.svd(np.asarray(w, np.float64), compute_uv=False)


def test_each_gate_is_orthogonal():
    cell = nn.LSTMCell(8, 32, key=KEY)
    naive = jinit.orthogonal()(KEY, cell.weight_hh.shape)
    gates = singular_values(np.asarray(naive).reshape(4, 32, 32))
    assert std(gates) == pytest.approx(0.5, rel=1e-5)
    assert gates.min() < 0.05
    ours = ei.apply(cell, KEY, [("weight_hh", Orthogonal())]).weight_hh
    gates = singular_values(np.asarray(ours).reshape(4, 32, 32))
    assert np.abs(gates - 1).max() < 32 * 2**-22


class Packed(eqx.Module):
    """Queries, keys and values in one matrix."""

    weight: jax.Array


def test_packed_projections_do_not_add_to_fan_out():
    layer = Packed(jnp.zeros((3 * 96, 96)))
    naive = jinit.glorot_normal(in_axis=1, out_axis=0)(KEY, layer.weight.shape)
    assert near(naive, math.sqrt(2 / (96 + 3 * 96)))
    sizes = {"qkv": ("q", "k", "v")}
    layouts = {Packed: {"weight": "(qkv out) in", "sizes": sizes}}
    ours = ei.apply(layer, KEY, [("weight", GlorotNormal())], layouts=layouts)
    assert near(ours.weight, math.sqrt(2 / (96 + 96)))


def test_every_bias_of_a_recurrent_cell_is_listed():
    gru, lstm = nn.GRUCell(4, 8, key=KEY), nn.LSTMCell(4, 8, key=KEY)
    # The recipe for torch's cells sets `bias`, and the GRU here has two.
    naive = eqx.tree_at(lambda c: c.bias, gru, jnp.zeros_like(gru.bias))
    assert np.count_nonzero(naive.bias_n) == 8
    assert ei.select(gru, Role("bias")).paths == ("bias", "bias_n")
    with pytest.raises(ValueError, match="bias_n"):
        ei.plan(gru, [("bias", Zeros()), (Role("kernel"), Normal())], strict=True)
    # And the LSTM one where torch has two, which would add up to 2.
    assert ei.select(lstm, Role("bias")).paths == ("bias",)
    bias = ei.apply(lstm, KEY, [("bias", ForgetGateBias(1.0))]).bias
    assert np.array_equal(bias.reshape(4, 8)[:, 0], [0.0, 1.0, 0.0, 0.0])


def test_groups_divide_fan_out():
    conv = nn.Conv2d(64, 64, 3, groups=64, key=KEY)
    naive = jinit.variance_scaling(2.0, "fan_out", "normal", in_axis=1, out_axis=0)
    assert near(naive(KEY, conv.weight.shape), math.sqrt(2 / (64 * 9)))  # 8 x too small
    assert near(weight_by(conv, HeNormal(mode="fan_out")), math.sqrt(2 / 9))


@pytest.mark.parametrize(("stride", "share"), [(2, 0.25), (4, 0.0625)])
def test_strides_of_transposed_convolutions(stride: int, share: float):
    conv = nn.ConvTranspose2d(32, 8, 4, stride=stride, use_bias=False, key=KEY)
    naive = jinit.lecun_normal(in_axis=1, out_axis=0)
    schemes = {
        share: lambda key: naive(key, conv.weight.shape),
        1.0: lambda key: ei.apply(conv, key, [("weight", LecunNormal())]).weight,
    }

    def power(weight: jax.Array, key: jax.Array) -> jax.Array:
        layer = eqx.tree_at(lambda c: c.weight, conv, weight)
        out = layer(jax.random.normal(key, (32, 8, 8)))
        return jnp.mean(jnp.square(out[:, 4:-4, 4:-4]))

    # Outputs share inputs and weights, so their spread is measured, between runs:
    # Student's t with 15 degrees of freedom is beyond 6 once in 40,000.
    keys = jax.random.split(KEY, 16)
    for wanted, weight in schemes.items():
        powers = np.asarray([jax.jit(power)(weight(key), key) for key in keys])
        error = powers.std(ddof=1) / math.sqrt(len(powers))
        assert abs(powers.mean() - wanted) < 6 * error
        assert error < 0.05 * wanted


def test_taps_count_in_the_fan():
    conv = nn.Conv2d(16, 64, 3, key=KEY)
    _, inputs, *_ = conv.weight.shape
    naive = jax.random.normal(KEY, conv.weight.shape) * math.sqrt(2 / inputs)
    assert near(naive, 3 * math.sqrt(2 / (16 * 9)))
    assert near(weight_by(conv, HeNormal()), math.sqrt(2 / (16 * 9)))


def test_truncation_shrinks_the_std():
    naive = 0.02 * jax.random.truncated_normal(KEY, -2, 2, (256, 64))
    assert near(naive, 0.02 * 0.8796)
    assert z_of_std(naive, 0.02) < -3 * SIGMAS
    assert near(weight_by(linear(64, 256), TruncatedNormal(0.02)), 0.02)


def test_a_draw_without_a_shape_is_a_scalar():
    layer = linear(4, 3)
    naive = eqx.tree_at(
        lambda m: m.weight, layer, jax.random.truncated_normal(KEY, -2.0, 2.0)
    )
    assert naive.weight.shape == ()  # no error until it is called

    def scalar(key: Any, shape: Any, dtype: Any) -> jax.Array:
        del shape
        return jax.random.truncated_normal(key, -2.0, 2.0, dtype=dtype)

    with pytest.raises(ValueError, match=r"weight.*returned \(\)"):
        ei.plan(layer, [("weight", scalar)])


def test_values_must_fit():
    layer = linear(4, 3)
    for value in (jnp.ones((4, 3)), np.ones((3, 4), np.float64)):
        naive = eqx.tree_at(lambda m: m.weight, layer, value)
        assert (naive.weight.shape, naive.weight.dtype) != ((3, 4), jnp.float32)
        with pytest.raises(ValueError, match=r"wanted float32\[3, 4\]"):
            ei.select(layer, "weight").set(value)


class Checked(eqx.Module):
    """Says in `__check_init__` what `tree_at` never asks."""

    weight: jax.Array

    def __check_init__(self):
        if self.weight.shape != (2, 3):
            raise ValueError("a Checked has a weight of shape (2, 3)")


def test_tree_at_skips_the_checks_of_a_module():
    layer, value = Checked(jnp.ones((2, 3))), jnp.ones((3, 2))
    with pytest.raises(ValueError, match="has a weight of shape"):
        Checked(value)
    assert eqx.tree_at(lambda m: m.weight, layer, value).weight.shape == (3, 2)
    with pytest.raises(ValueError, match="do not fit"):
        ei.select(layer, "weight").set(value)


def test_an_empty_selection_is_an_error():
    mlp = nn.MLP(2, 2, 4, 2, key=KEY)

    def convs(model: Any) -> list[Any]:
        nodes = jtu.tree_leaves(model, is_leaf=lambda x: isinstance(x, nn.Conv))
        return [node.weight for node in nodes if isinstance(node, nn.Conv)]

    naive = eqx.tree_at(convs, mlp, [])
    assert eqx.tree_equal(naive, mlp)
    for selector in (nn.Conv, "convs.*.weight", convs):
        with pytest.raises(ValueError, match="matches nothing"):
            ei.apply(mlp, KEY, [(selector, HeNormal())])
        with pytest.raises(ValueError, match="matches nothing"):
            ei.select(mlp, selector)


def test_a_duplicate_is_not_overwritten():
    layer = linear(3, 3)
    naive = eqx.tree_at(
        lambda m: [m.weight, m.weight], layer, [jnp.zeros((3, 3)), jnp.ones((3, 3))]
    )
    assert np.array_equal(naive.weight, np.ones((3, 3)))  # the last one, silently
    twice = Where(lambda m: [m.weight, m.weight])
    assert ei.select(layer, twice).paths == ("weight",)
    with pytest.raises(ValueError, match="selects 1 parameters and got 2 values"):
        ei.select(layer, twice).set([jnp.zeros((3, 3)), jnp.ones((3, 3))])
    # Two rules for one parameter: the first wins.
    rules = [("weight", Zeros()), ("**", Ones())]
    assert np.count_nonzero(ei.apply(layer, KEY, rules).weight) == 0


def test_parent_and_child_may_both_be_selected():
    mlp = nn.MLP(2, 2, 4, 1, key=KEY)

    def where(model: Any) -> list[Any]:
        return [model.layers[0], model.layers[0].weight]

    with pytest.raises(ValueError, match="does not specify an element"):
        eqx.tree_at(where, mlp, [None, None])
    assert ei.select(mlp, where).paths == ("layers.0.weight", "layers.0.bias")


def test_selection_may_depend_on_what_a_leaf_is():
    mlp = nn.MLP(2, 2, 4, 1, key=KEY)

    def arrays(model: Any) -> list[Any]:
        return [leaf for leaf in jtu.tree_leaves(model) if eqx.is_array(leaf)]

    with pytest.raises(ValueError, match="depend"):
        eqx.tree_at(arrays, mlp, [0.0] * 4)
    chosen = Filter(lambda site: site.leaf.ndim == 2)
    assert ei.select(mlp, chosen).paths == ("layers.0.weight", "layers.1.weight")


def test_absent_biases_are_skipped():
    model = [linear(2, 2), linear(2, 2, use_bias=False)]

    def biases(model: Any) -> list[Any]:
        return [layer.bias for layer in model]

    with pytest.raises(TypeError, match="None"):
        [jnp.zeros_like(bias) for bias in biases(model)]
    drawn = ei.apply(model, KEY, [Rule(nn.Linear, bias=Ones())])
    assert np.array_equal(drawn[0].bias, np.ones(2))
    assert drawn[1].bias is None


def test_a_bias_cannot_be_added_to_a_layer_without():
    conv = nn.Conv1d(1, 1, 1, use_bias=False, key=KEY)
    plain = linear(1, 1, use_bias=False)

    def add(layer: Any, bias: Any) -> Any:
        return eqx.tree_at(lambda m: m.bias, layer, bias, is_leaf=lambda x: x is None)

    x = jnp.zeros((1, 1))
    assert float(add(plain, jnp.full(1, 5.0))(x[0])[0]) == 5.0
    assert float(add(conv, jnp.full((1, 1), 5.0))(x)[0, 0]) == 0.0  # ignored
    for layer in (conv, plain):
        with pytest.raises(ValueError, match="matches nothing"):
            ei.select(layer, "bias")
        with pytest.raises(ValueError, match=r"only \['weight'\]"):
            ei.plan(layer, [Rule("**", bias=Ones())])


def tied() -> Any:
    pair = {"embed": nn.Embedding(5, 3, key=KEY), "head": linear(3, 5)}
    return nn.Shared(
        pair,
        where=lambda m: m["head"].weight,
        get=lambda m: m["embed"].weight,
    )


def test_shared_slots_are_skipped_and_said():
    model = tied()
    slot = model.pytree["head"].weight
    with pytest.raises(AttributeError, match="SharedNode"):
        slot.shape
    # Ignoring the shape, a value is written that nobody reads.
    naive = eqx.tree_at(
        lambda m: m.pytree["head"].weight,
        model,
        jnp.full((5, 3), 7.0),
        is_leaf=lambda x: x is slot,
    )
    assert not np.array_equal(naive()["head"].weight, np.full((5, 3), 7.0))
    plan = ei.plan(model, [(Role("embedding"), Normal(1.0))])
    assert "pytree.head.weight" in str(plan)
    drawn = plan.apply(model, KEY)()
    assert same_bits(drawn["head"].weight, drawn["embed"].weight)
    assert near(drawn["head"].weight, 1.0)
    with pytest.raises(ValueError, match=r"eqx\.nn\.Shared"):
        ei.plan(model, [("pytree.head.weight", Normal())])


def test_one_array_in_two_places_is_not_tied():
    layer = linear(3, 3)
    model = [layer, eqx.tree_at(lambda m: m.weight, linear(3, 3), layer.weight)]
    assert model[0].weight is model[1].weight
    # A copy of each leaf, as every transformation of a tree makes it.
    naive = jtu.tree_map(lambda x: x + 0 if eqx.is_array(x) else x, model)
    assert naive[0].weight is not naive[1].weight
    plan = ei.plan(model, [Rule(nn.Linear, weight=Normal())])
    (note,) = plan.notes
    assert "`0.weight` and `1.weight`" in note
    assert "`eqx.nn.Shared` ties them" in note
    drawn = plan.apply(model, KEY)
    assert not np.array_equal(drawn[0].weight, drawn[1].weight)


def test_same_shape_layers_are_drawn_apart():
    mlp = nn.MLP(4, 4, 4, 2, key=KEY)

    def redraw(leaf: Any) -> Any:
        return jax.random.normal(KEY, leaf.shape) if eqx.is_array(leaf) else leaf

    naive = jtu.tree_map(redraw, mlp)
    assert same_bits(naive.layers[0].weight, naive.layers[1].weight)
    drawn = ei.apply(mlp, KEY, [Rule(nn.Linear, Normal())])
    values = [np.asarray(layer.weight).tobytes() for layer in drawn.layers]
    assert len(set(values)) == 3


def test_rbg_keys_do_not_vmap_like_a_loop():
    keys = jax.random.split(jax.random.key(0, impl="rbg"), 3)
    mapped = jax.vmap(lambda key: jax.random.normal(key, (4,)))(keys)
    looped = jnp.stack([jax.random.normal(key, (4,)) for key in keys])
    assert not np.array_equal(mapped, looped)
    # So equal shapes are never grouped: each layer is what it is on its own.
    key = jax.random.key(7, impl="rbg")
    mlp = nn.MLP(4, 4, 4, 2, key=KEY)
    all_of_them = ei.apply(mlp, key, [Rule(nn.Linear, weight=Normal())])
    for i in range(3):
        alone = ei.apply(mlp, key, [(f"layers.{i}.weight", Normal())])
        assert same_bits(alone.layers[i].weight, all_of_them.layers[i].weight)
    # And slices are drawn in a loop: a stack of rbg draws is what its keys say.
    slices = stack(lambda k: nn.Linear(4, 4, key=k), 3)
    drawn = ei.apply(slices, key, [("weight", Orthogonal())]).weight
    gram = np.asarray(drawn @ drawn.transpose(0, 2, 1), np.float64)
    assert np.abs(gram - np.eye(4)).max() < 4 * 2**-20


def test_inserting_a_layer_changes_no_other():
    def positional(layers: list[Any]) -> list[Any]:
        keys = jax.random.split(KEY, len(layers))
        return [
            jax.random.normal(key, layer.weight.shape)
            for key, layer in zip(keys, layers, strict=True)
        ]

    a, b = linear(3, 3), linear(3, 3)
    assert same_bits(positional([a, b])[0], positional([a, b, b])[0])  # a prefix stays
    assert not same_bits(positional([a, b])[1], positional([a, nn.LayerNorm(3), b])[2])
    before = ei.apply({"a": a, "b": b}, KEY, [Rule(nn.Linear, Normal())])
    after = ei.apply({"a": a, "aa": a, "b": b}, KEY, [Rule(nn.Linear, Normal())])
    assert same_bits(before["b"].weight, after["b"].weight)


def test_sixteen_bit_draws_are_coarse():
    layer = linear(256, 256, dtype=jnp.bfloat16)
    naive = jax.random.normal(KEY, layer.weight.shape, jnp.bfloat16)
    ours = ei.apply(layer, KEY, [("weight", Normal(1.0))]).weight
    assert ours.dtype == jnp.bfloat16
    # Of 65,536 normals the largest is near 4.3; one below 3 has odds e^-170.
    assert float(jnp.max(naive.astype(jnp.float32))) < 3.0
    assert float(jnp.max(ours.astype(jnp.float32))) > 3.0
    assert len(np.unique(naive)) < 300 < 800 < len(np.unique(ours))
    in_float32 = ei.apply(linear(256, 256), KEY, [("weight", Normal(1.0))]).weight
    assert same_bits(ours, in_float32.astype(jnp.bfloat16))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_orthogonal_in_sixteen_bits(dtype: Any):
    layer = linear(8, 8, dtype=dtype)
    # jax 0.10 has no kernel for it, jax 0.12 refuses the dtype.
    with pytest.raises((NotImplementedError, TypeError), match="float16"):
        jinit.orthogonal()(KEY, (8, 8), dtype)
    ours = ei.apply(layer, KEY, [("weight", Orthogonal())]).weight
    assert ours.dtype == dtype
    w = np.asarray(ours, np.float64)
    # Eight products a sum, each off by at most the rounding of two entries.
    assert np.abs(w @ w.T - np.eye(8)).max() < 8 * 2 * float(jnp.finfo(dtype).eps)


def test_the_dtype_of_the_leaf_is_kept():
    layer = linear(4, 4, dtype=jnp.bfloat16)
    naive = jinit.he_normal()(KEY, layer.weight.shape)
    assert naive.dtype == jnp.float32
    for scheme in (HeNormal(), jinit.he_normal(), Zeros(), ei.Constant(0.5)):
        drawn = ei.apply(layer, KEY, [("weight", scheme)])
        assert drawn.weight.dtype == jnp.bfloat16


def test_weak_types_cost_a_trace():
    layer = linear(2, 2)
    traces = 0

    @eqx.filter_jit
    def step(model: Any) -> Any:
        nonlocal traces
        traces += 1
        return jtu.tree_map(lambda x: x * 1, model)

    naive = eqx.tree_at(lambda m: m.weight, layer, jnp.full((2, 2), 1.0))
    assert naive.weight.weak_type
    step(layer), step(naive)
    assert traces == 2
    for scheme in (Ones(), ei.Constant(1.0), Normal(1.0), jinit.constant(1.0)):
        drawn = ei.apply(layer, KEY, [("weight", scheme)])
        assert not drawn.weight.weak_type
        step(drawn)
    assert traces == 2


def test_zero_size_parameters_are_empty():
    layer = linear(0, 4)
    if jax.__version_info__ < (0, 12):  # which fixed it
        with pytest.raises(ZeroDivisionError, match="zero"):
            jinit.he_normal(in_axis=1, out_axis=0)(KEY, layer.weight.shape)
    for scheme in (HeNormal(), Orthogonal(), jinit.he_normal(), TorchDefault()):
        assert weight_by(layer, scheme).shape == (4, 0)


def test_state_is_no_parameter():
    model = {
        "norm": nn.BatchNorm(3, axis_name="batch", mode="ema"),
        "spectral": nn.SpectralNorm(linear(3, 3), "weight", key=KEY),
    }
    naive = jtu.tree_leaves(eqx.filter(model, eqx.is_inexact_array))
    paths = ei.select(model, "**").paths
    assert len(naive) > len(paths) == 4
    assert not any("state" in path or "index" in path for path in paths)
    # And it is left alone by a rule for everything.
    drawn = ei.apply(model, KEY, [("**", Normal())])
    states = [m["norm"].ema_state_index.init for m in (model, drawn)]
    assert jtu.tree_structure(states[0]) == jtu.tree_structure(states[1])
    assert eqx.tree_equal(*states)


def test_numbers_and_slopes_are_never_meant_by_default():
    model = [linear(2, 2), nn.Dropout(0.5), nn.PReLU(0.25)]
    naive = jtu.tree_leaves(eqx.filter(model, eqx.is_inexact_array_like))
    assert 0.5 in [leaf for leaf in naive if isinstance(leaf, float)]
    assert ei.select(model, "**").paths == ("0.weight", "0.bias", "2.negative_slope")
    rules = [(Role("kernel"), HeNormal()), (Role("bias"), Zeros())]
    drawn = ei.apply(model, KEY, rules)
    assert drawn[1].p == 0.5
    assert drawn[2].negative_slope is model[2].negative_slope
    # A rule that says so does reach it.
    drawn = ei.apply(model, KEY, [(nn.PReLU, ei.Constant(0.1))])
    assert float(drawn[2].negative_slope) == np.float32(0.1)


def test_complex_variance_is_that_of_the_modulus():
    layer = nn.Linear(1, 4096, dtype=jnp.complex64, key=KEY)
    # U(-1, 1) in either part: twice the variance 1/3 of a real layer. The modulus
    # squared of either law has a kurtosis below 3.
    assert abs(z_of_std(layer.weight, math.sqrt(2 / 3))) < SIGMAS
    assert abs(z_of_std(weight_by(layer, TorchDefault()), math.sqrt(1 / 3))) < SIGMAS
    with pytest.raises((TypeError, ValueError), match="float"):
        jax.random.truncated_normal(KEY, -2, 2, (3,), jnp.complex64)
    with pytest.raises((TypeError, ValueError), match="float"):
        jax.random.uniform(KEY, (3,), jnp.complex64)
    for scheme in (LecunNormal(), ei.LecunUniform(), Normal(1.0)):
        assert abs(z_of_std(weight_by(layer, scheme), 1.0)) < SIGMAS


class Seeded:
    """An initializer with a key of its own, as in other libraries."""

    def __init__(self, seed: int):
        self.key = jax.random.key(seed)

    def __call__(self, shape: Any) -> jax.Array:
        return jax.random.normal(self.key, shape)


def test_one_initializer_may_serve_many():
    naive = Seeded(0)
    assert same_bits(naive((3, 3)), naive((3, 3)))
    shared = Normal(1.0)
    rules = [("0.weight", shared), ("1.weight", shared)]
    drawn = ei.apply([linear(3, 3), linear(3, 3)], KEY, rules)
    assert not np.array_equal(drawn[0].weight, drawn[1].weight)


def test_a_skeleton_has_parameters():
    skeleton = eqx.filter_eval_shape(nn.MLP, 2, 2, 4, 1, key=KEY)
    assert not jtu.tree_leaves(eqx.filter(skeleton, eqx.is_inexact_array))
    assert len(ei.plan(skeleton, [("**", Normal())])) == 4


def test_a_half_made_skeleton_is_refused():
    skeleton = eqx.filter_eval_shape(nn.MLP, 2, 2, 4, 1, key=KEY)

    def weights(model: Any) -> list[Any]:
        return [layer.weight for layer in model.layers]

    drawn = [jnp.ones(w.shape) for w in weights(skeleton)]
    naive = eqx.tree_at(weights, skeleton, drawn)
    assert isinstance(naive.layers[0].bias, jax.ShapeDtypeStruct)
    with pytest.raises(TypeError, match="ShapeDtypeStruct"):
        naive(jnp.ones(2))  # far from where the mistake was made
    with pytest.raises(ValueError, match=r"2 parameters are abstract") as raised:
        ei.apply(skeleton, KEY, [Rule(nn.Linear, weight=HeNormal())])
    assert "layers.0.bias" in str(raised.value)
    assert "layers.1.bias" in str(raised.value)
    rules = [Rule(nn.Linear, weight=HeNormal(), bias=Zeros())]
    assert ei.apply(skeleton, KEY, rules)(jnp.ones(2)).shape == (2,)
