"""Traps of models and wrappers, one test each, by the mistake that it stands for."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest

import eqinit
from eqinit import (
    Constant,
    HeNormal,
    HoedtBias,
    HoedtNormal,
    LecunNormal,
    LogNormal,
    Normal,
    Orthogonal,
    Role,
    Rule,
    Uniform,
    Zeros,
)


KEY = jax.random.key(11)


def effective(layer: eqx.nn.WeightNorm) -> Any:
    """The weight that a WeightNorm layer multiplies by, from its forward pass."""
    identity = jnp.eye(layer.layer.weight.shape[1])
    zero = layer(jnp.zeros(identity.shape[0]))
    return jnp.stack([layer(row) - zero for row in identity], axis=1)


def std_is(values: Any, std: float) -> bool:
    # The sample std of n normals deviates by std / sqrt(2n); truncated ones by less.
    return abs(float(jnp.std(values)) / std - 1) < 5 / math.sqrt(2 * values.size)


# T25: a bias set where `use_bias=False` is ignored by convolutions and cells.


def test_t25_a_bias_beside_its_flag_is_refused():
    conv = eqx.nn.Conv2d(2, 3, 3, use_bias=False, key=KEY)

    def patched(old):
        new = jnp.ones((3, 1, 1))
        return eqx.tree_at(lambda c: c.bias, old, new, is_leaf=lambda x: x is None)

    image = jnp.zeros((2, 5, 5))
    assert float(jnp.abs(patched(conv)(image)).max()) == 0  # silently ignored
    with pytest.raises(ValueError, match="`bias` is set, and its flags say"):
        eqinit.swap({"conv": conv}, "conv", patched)
    model = eqinit.swap({"conv": conv}, "conv", lambda c: eqinit.with_bias(c, 1.0))
    assert float(model["conv"](image).min()) == 1


CELLS = [eqx.nn.GRUCell, eqx.nn.LSTMCell]


@pytest.mark.parametrize("cls", CELLS)
def test_t25_cells_get_every_bias_that_they_read(cls):
    bare = cls(2, 3, use_bias=False, key=KEY)
    full = cls(2, 3, key=KEY)
    made = eqinit.with_bias(bare)
    assert jtu.tree_structure(made) == jtu.tree_structure(full)
    shapes = [leaf.shape for leaf in jtu.tree_leaves(full) if eqx.is_array(leaf)]
    assert shapes == [x.shape for x in jtu.tree_leaves(made) if eqx.is_array(x)]
    assert jtu.tree_structure(eqinit.without_bias(made)) == jtu.tree_structure(bare)


def test_t25_stacked_layers_get_stacked_biases():
    def conv(key):
        return eqx.nn.Conv1d(2, 3, 3, use_bias=False, key=key)

    stacked = eqx.filter_vmap(conv)(jax.random.split(KEY, 4))
    assert eqinit.with_bias(stacked).bias.shape == (4, 3, 1)


# T26: a new direction under the old length.


def weight_norm(*stack: int) -> eqx.nn.WeightNorm:
    def make(key):
        return eqx.nn.WeightNorm(eqx.nn.Linear(60, 50, key=key))

    for _ in stack:
        make = eqx.filter_vmap(make)
    return make(jax.random.split(KEY, stack) if stack else KEY)


RULES = [Rule(eqx.nn.Linear, weight=Normal(3.0), bias=Zeros())]


def test_t26_the_length_follows_the_direction():
    model = weight_norm()
    naive = eqx.tree_at(lambda m: m.layer.weight, model, 3 * jnp.ones((50, 60)))
    assert float(jnp.abs(effective(naive)).max()) < 0.5  # what tree_at alone gives
    plan = eqinit.plan(model, RULES)
    new = plan.apply(model, KEY)
    assert std_is(effective(new), 3.0)
    assert plan["g"].status == "follows"
    assert plan["g"].follows == "layer.weight"
    assert plan.check(new).ok
    assert not plan.check(naive).ok


def test_t26_through_stacks():
    plan = eqinit.plan(weight_norm(3), RULES)
    new = plan.apply(weight_norm(3), KEY)
    assert new.g.shape == (3, 50, 1)
    one = jtu.tree_map(lambda leaf: leaf[1] if eqx.is_array(leaf) else leaf, new)
    assert std_is(effective(one), 3.0)
    assert plan.check(new).ok


@pytest.mark.parametrize("axis", [0, 1, None])
def test_t26_along_any_axis(axis):
    layer = eqx.nn.Conv1d(8, 30, 5, key=KEY)
    model = eqx.nn.WeightNorm(layer, axis=axis)
    plan = eqinit.plan(model, [Rule(eqx.nn.Conv, weight=LecunNormal())])
    new = plan.apply(model, KEY)
    assert plan.check(new).ok
    assert new.g.shape == model.g.shape
    # With the length of its direction, v is the effective weight.
    bare = eqx.tree_at(lambda c: c.weight, layer, new.layer.weight)
    bare = eqx.tree_at(lambda c: c.bias, bare, new.layer.bias)
    x = jax.random.normal(KEY, (8, 12))
    assert float(jnp.abs(new(x) - bare(x)).max()) < 1e-5


def test_t26_a_weight_of_zeros_is_no_nan():
    model = weight_norm()
    new = eqinit.apply(model, KEY, [Rule(eqx.nn.Linear, weight=Zeros(), bias=Zeros())])
    assert float(jnp.abs(new(jnp.ones(60))).max()) == 0
    assert not bool(jnp.any(jnp.isnan(effective(new))))


def test_t26_the_length_alone_can_be_set_and_not_both():
    model = weight_norm()
    new = eqinit.apply(model, KEY, [Rule(eqx.nn.WeightNorm, g=Constant(2.0))])
    assert bool(jnp.all(new.g == 2))
    assert new.layer.weight is model.layer.weight
    both = [*RULES, Rule(eqx.nn.WeightNorm, g=Constant(2.0))]
    with pytest.raises(
        ValueError, match=r"it follows `layer\.weight`, which is claimed"
    ):
        eqinit.plan(model, both)


def test_t26_same_under_jit_on_skeletons_and_in_build():
    model = weight_norm()
    eager = eqinit.apply(model, KEY, RULES)
    jitted = eqx.filter_jit(eqinit.apply)(model, KEY, RULES)
    skeleton = eqx.filter_eval_shape(lambda: weight_norm())
    made = eqinit.apply(skeleton, KEY, RULES)
    built = eqinit.build(lambda key: weight_norm(), KEY, RULES)
    for other in (jitted, made, built):
        for a, b in zip(jtu.tree_leaves(eager), jtu.tree_leaves(other), strict=True):
            if eqx.is_array(a):
                # A norm is a sum, and a compiled one may add in another order.
                np.testing.assert_allclose(a, b, rtol=3e-6, atol=0)
    np.testing.assert_array_equal(eager.layer.weight, jitted.layer.weight)


def test_t26_selections_speak_of_effective_values():
    model = weight_norm()
    chosen = eqinit.select(model, "layer.weight")
    (before,) = chosen.get()
    doubled = chosen.map(lambda w: 2 * w)
    assert float(jnp.abs(effective(doubled) - 2 * before).max()) < 1e-5
    everything = eqinit.select(model, "**")
    assert everything.paths == ("layer.weight", "layer.bias")
    assert everything.mask().g is True


# T27: power-iteration vectors of the old weight.


def spectral_norm(key: Any) -> eqx.nn.SpectralNorm:
    linear = eqx.nn.Linear(48, 32, key=key)
    return eqx.nn.SpectralNorm(linear, "weight", inference=True, key=key)


def gain_of(model: Any, state: Any) -> float:
    """Largest singular value of the effective weight; one if u and v are fresh."""
    rows = jnp.eye(48)
    bias = model.layer.bias
    columns = [model(row, state)[0] - bias for row in rows]
    return float(jnp.linalg.norm(jnp.stack(columns, axis=1), 2))


NEW_WEIGHT = [Rule(eqx.nn.Linear, weight=HeNormal())]


def test_t27_power_iteration_is_in_step_when_the_state_is_given():
    model, state = eqx.nn.make_with_state(spectral_norm)(key=KEY)
    stale = eqinit.apply(model, KEY, NEW_WEIGHT)
    new, new_state = eqinit.apply((model, state), KEY, NEW_WEIGHT)
    # 15 steps leave a few per cent, as in Equinox's own constructor; random vectors
    # leave a gain of several.
    assert gain_of(new, new_state) < 1.1 < 2 < gain_of(stale, state)
    state.get(model.uv_index)  # the state that came in is still good


def test_t27_power_iteration_inside_of_a_model_without_state():
    model = spectral_norm(KEY)
    new = eqinit.apply(model, KEY, NEW_WEIGHT)
    u, v = new.uv_index.init
    sigma = float(u @ new.layer.weight @ v)
    assert 0.9 < sigma / float(jnp.linalg.norm(new.layer.weight, 2)) <= 1.0001


def test_t27_a_state_that_is_not_given_is_noted():
    model, state = eqx.nn.make_with_state(spectral_norm)(key=KEY)
    alone = eqinit.plan(model, NEW_WEIGHT)
    assert any("Pass `(model, state)`" in note for note in alone.notes)
    both = eqinit.plan((model, state), NEW_WEIGHT)
    assert not any("Pass `(model, state)`" in note for note in both.notes)


# T28: values written to the raw parameter behind softplus.


def inverse_softplus(value):
    return value + jnp.log(-jnp.expm1(-value))


class PositiveLinear(eqx.Module):
    """A layer whose weights stay positive."""

    raw: jax.Array
    bias: jax.Array

    def __call__(self, x):
        return jax.nn.softplus(self.raw) @ x + self.bias


class Positive(eqx.Module):
    """Stands where an array is expected."""

    raw: jax.Array


eqinit.register_layout(PositiveLinear, raw="out in", bias="out")
eqinit.register_wrapper(
    PositiveLinear,
    field="raw",
    forward=jax.nn.softplus,
    inverse=inverse_softplus,
    domain=(0, math.inf),
    layer=True,
)
eqinit.register_wrapper(
    Positive,
    field="raw",
    forward=jax.nn.softplus,
    inverse=inverse_softplus,
    domain=(0, math.inf),
)


def test_t28_a_user_s_own_softplus():
    n = 256
    model = PositiveLinear(jnp.zeros((n, n)), jnp.zeros(n))
    plan = eqinit.plan(
        model, [Rule(PositiveLinear, raw=HoedtNormal(), bias=HoedtBias())]
    )
    new = plan.apply(model, KEY)
    assert plan["raw"].through == "PositiveLinear"
    assert plan.check(new).ok
    x = jax.nn.relu(jax.random.normal(KEY, (n, 400)))
    out = jax.vmap(new, in_axes=1)(x)
    # Hoedt's law keeps mean 0 and variance 1, of which half is common to all features
    # of a sample: the mean of 400 deviates by sqrt(0.5 / 400). Raw values give 68.
    assert abs(float(out.mean())) < 5 * math.sqrt(0.5 / 400)
    raw = eqx.tree_at(lambda m: m.raw, new, jax.nn.softplus(new.raw))
    assert float(jax.vmap(raw, in_axes=1)(x).mean()) > 50  # what tree_at alone gives


def test_t28_a_wrapper_in_place_of_an_array():
    linear = eqx.nn.Linear(40, 30, key=KEY)
    model = eqx.tree_at(lambda m: m.weight, linear, Positive(jnp.zeros((30, 40))))
    plan = eqinit.plan(model, [Rule(eqx.nn.Linear, weight=HoedtNormal())])
    row = plan["weight.raw"]
    assert (row.spec.fan_in, row.spec.role, row.through) == (40, "kernel", "Positive")
    assert plan.check(plan.apply(model, KEY)).ok


def test_t28_values_outside_of_the_domain_are_refused():
    model = PositiveLinear(jnp.zeros((3, 4)), jnp.zeros(3))
    with pytest.raises(ValueError, match=r"HeNormal draws from .* \(0, inf\) only"):
        eqinit.plan(model, [Rule(PositiveLinear, raw=HeNormal())])
    with pytest.raises(ValueError, match=r"Zeros draws from 0 to 0"):
        eqinit.plan(model, [Rule(PositiveLinear, raw=Zeros())])
    # Where a scheme does not say what it can draw, the draw is looked at.
    with pytest.raises(ValueError, match=r"`raw` is outside of \(0, inf\)"):
        eqinit.apply(model, KEY, [Rule(PositiveLinear, raw=Orthogonal())])
    jitted = eqx.filter_jit(eqinit.apply)
    with pytest.raises(Exception, match=r"`raw` is outside of \(0, inf\)"):
        jitted(model, KEY, [Rule(PositiveLinear, raw=Orthogonal())])


def test_t28_a_wrong_inverse_is_noticed():
    class Doubled(eqx.Module):
        raw: jax.Array

    eqinit.register_wrapper(
        Doubled, field="raw", forward=lambda x: 2 * x, inverse=lambda y: 2 * y
    )
    linear = eqx.nn.Linear(4, 3, key=KEY)
    model = eqx.tree_at(lambda m: m.weight, linear, Doubled(jnp.zeros((3, 4))))
    with pytest.raises(ValueError, match="does not undo its `forward`"):
        eqinit.apply(model, KEY, [Rule(eqx.nn.Linear, weight=HeNormal())])


def test_t28_wrappers_of_wrappers_and_of_other_shapes():
    class Packed(eqx.Module):
        """A lower triangle, row by row."""

        flat: Any

    def unpack(flat):
        return jnp.zeros((3, 3)).at[jnp.tril_indices(3)].set(flat)

    eqinit.register_wrapper(
        Packed, field="flat", forward=unpack, inverse=lambda m: m[jnp.tril_indices(3)]
    )

    class Holder(eqx.Module):
        w: Any

    model = Holder(Packed(Positive(jnp.zeros(6))))
    layouts = {Holder: {"w": "out in"}}
    eye = Rule(Holder, w=Constant(jnp.tril(jnp.full((3, 3), 0.5))))
    plan = eqinit.plan(model, [eye], layouts=layouts)
    (row,) = plan
    assert (row.path, row.spec.shape) == ("w.flat.raw", (3, 3))
    raw = plan.apply(model, KEY).w.flat.raw
    assert raw.shape == (6,)
    np.testing.assert_allclose(jax.nn.softplus(raw), 0.5, rtol=1e-6)


# T29 and T30: see `models/test_shapes_of_all_kinds.py` (Shared slots, aliases).

# T33: the values do not depend on how they are computed.


def test_t33_values_are_those_of_the_leaf_s_own_key():
    model = {"a": eqx.nn.Linear(7, 5, key=KEY), "b": eqx.nn.Linear(5, 7, key=KEY)}
    rules = [Rule(eqx.nn.Linear, weight=Normal(0.5), bias=Uniform(-1.0, 1.0))]
    whole = eqinit.apply(model, KEY, rules)
    # Alone, beside others, under jit, and as one of an ensemble.
    alone = eqinit.apply({"b": model["b"]}, KEY, rules)
    jitted = eqx.filter_jit(eqinit.apply)(model, KEY, rules)
    keys = jax.random.split(jax.random.key(1), 3).at[1].set(KEY)
    ensemble = eqx.filter_vmap(lambda k: eqinit.apply(model, k, rules))(keys)
    for field in ("weight", "bias"):
        wanted = getattr(whole["b"], field)
        others = [alone["b"], jitted["b"]]
        for other in others:
            np.testing.assert_array_equal(getattr(other, field), wanted)
        np.testing.assert_array_equal(getattr(ensemble["b"], field)[1], wanted)


# T42: look-alikes. A `Linear` that stores `(in, out)` is known by its class alone.


def test_t42_klax_linear_is_in_out():
    klax = pytest.importorskip("klax")
    model = klax.nn.Linear(
        64, 16, weight_init=jax.nn.initializers.zeros, key=jax.random.key(0)
    )
    (weight, bias) = eqinit.plan(model, [Rule(klax.nn.Linear, weight=HeNormal())])
    assert (weight.spec.fan_in, weight.spec.fan_out) == (64, 16)
    assert bias.spec.fan_in == 64


def test_t42_a_look_alike_is_no_linear_and_is_not_guessed():
    class Linear(eqx.Module):
        weight: jax.Array
        bias: jax.Array
        in_features: int = eqx.field(static=True)
        out_features: int = eqx.field(static=True)

    model = Linear(jnp.zeros((4, 3)), jnp.zeros(3), 4, 3)
    with pytest.raises(ValueError, match="matches nothing"):
        eqinit.plan(model, [Rule(eqx.nn.Linear, weight=HeNormal())])
    with pytest.raises(ValueError, match="its layout is unknown"):
        eqinit.plan(model, [Rule(Linear, weight=HeNormal())])


# T43: a bias `(C,)` assigned to `(C, 1, 1)` broadcasts along the width where W == C.


def test_t43_a_flat_convolution_bias_is_refused():
    model = eqx.nn.Conv2d(2, 3, 3, key=KEY)
    naive = eqx.tree_at(lambda m: m.bias, model, jnp.arange(3.0))
    with jax.numpy_rank_promotion("allow"):
        out = naive(jnp.zeros((2, 5, 5)))
    assert float(out[0, 0, 2]) == 2 != float(out[2, 0, 0])  # along the width: silent
    with pytest.raises(
        ValueError, match=r"got float32\[3\], wanted float32\[3, 1, 1\]"
    ):
        eqinit.select(model, "bias").set(jnp.ones(3))


def test_t43_transposed_convolutions_are_out_in():
    model = eqx.nn.ConvTranspose2d(8, 6, 3, groups=2, key=KEY)
    weight, bias = eqinit.plan(model, [])
    assert model.weight.shape == (6, 4, 3, 3)
    assert (weight.spec.fan_in, weight.spec.fan_out) == (4 * 9, 3 * 9)
    assert bias.spec.role == "bias"


# T44: klax's NonNegative is the identity until its `apply`, which zeroes half of a
# centred draw.


def test_t44_non_negative_weights_are_never_drawn_negative():
    klax = pytest.importorskip("klax")
    model = klax.nn.FICNN(3, 2, [8], non_decreasing=True, key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"NonNegative can stand for \[0, inf\) only"):
        eqinit.plan(model, [Rule(Role("kernel"), HeNormal())])
    new = eqinit.apply(model, KEY, [Rule(Role("kernel"), HoedtNormal())])
    projected = klax.apply(new)
    for a, b in zip(jtu.tree_leaves(new), jtu.tree_leaves(projected), strict=True):
        if eqx.is_array(a):
            np.testing.assert_array_equal(a, b)  # nothing to project


@pytest.mark.parametrize(("wrapper", "sign"), [("Symmetric", 1), ("SkewSymmetric", -1)])
def test_t44_symmetric_matrices_keep_their_law(wrapper: str, sign: int):
    klax = pytest.importorskip("klax")

    class Holder(eqx.Module):
        m: Any

    model = Holder(getattr(klax, wrapper)(jnp.zeros((60, 60))))
    plan = eqinit.plan(model, [Rule(Holder, m=Normal(0.3))])
    new = plan.apply(model, KEY)
    matrix = klax.unwrap(new).m
    np.testing.assert_allclose(matrix, sign * matrix.T)
    upper = matrix[np.triu_indices(60, 1)]
    assert std_is(upper, 0.3)  # averaging with the transpose would give 0.21
    assert plan.check(new).ok


def test_t44_paramax_wrappers():
    paramax = pytest.importorskip("paramax")
    linear = eqx.nn.Linear(40, 30, key=KEY)

    def wrapped(node):
        return eqx.tree_at(lambda m: m.weight, linear, node)

    weight = jnp.ones((30, 40))
    mask = jnp.tril(jnp.ones((30, 40), bool))
    cases = [
        (wrapped(paramax.NonTrainable(weight)), Normal(0.5)),
        (wrapped(paramax.WeightNormalization(weight)), Normal(0.5)),
        (wrapped(paramax.Parameterize(jnp.where, mask, weight, 0)), Normal(0.5)),
        (wrapped(paramax.Parameterize(jnp.exp, weight)), LogNormal(1.0, 0.5)),
        (wrapped(paramax.Parameterize(jax.nn.softplus, weight)), Uniform(0.1, 0.9)),
        (wrapped(paramax.Parameterize(jax.nn.sigmoid, weight)), Uniform(0.1, 0.9)),
    ]
    for model, init in cases:
        plan = eqinit.plan(model, [Rule(eqx.nn.Linear, weight=init)])
        new = plan.apply(model, KEY)
        assert plan.check(new).ok
        seen = paramax.unwrap(new).weight
        drawn = init(derived(plan), (30, 40))
        shown = jnp.where(mask, drawn, 0) if "where" in repr(model) else drawn
        np.testing.assert_allclose(seen, shown, rtol=1e-4, atol=1e-5)


def derived(plan: eqinit.Plan) -> Any:
    from eqinit._parameters.keys import derive_keys

    row = next(row for row in plan if row.init is not None)
    return derive_keys(KEY, [row.path])[0]


@pytest.fixture
def standard_promotion():
    """Optax raises a Python float to the power of an integer array."""
    with jax.numpy_dtype_promotion("standard"):
        yield


# T50: an optimiser's state belongs to the old parameters.


@pytest.mark.usefixtures("standard_promotion")
def test_t50_stale_moments_and_how_to_renew_them():
    optax = pytest.importorskip("optax")
    model = eqx.nn.MLP(4, 3, 8, 1, key=KEY)
    params, static = eqx.partition(model, eqx.is_inexact_array)
    optimiser = optax.adam(1e-3)
    state = optimiser.init(params)
    grads = jtu.tree_map(jnp.ones_like, params)
    updates, state = optimiser.update(grads, state, params)
    params = optax.apply_updates(params, updates)
    model = eqx.combine(params, static)

    # Same shapes: nothing fails, and the moments are those of the old head.
    head = eqinit.select(model, "layers.1")
    model = eqinit.apply(
        model, KEY, [Rule("layers.1", weight=HeNormal(), bias=Zeros())]
    )
    assert float(state[0].mu.layers[1].weight.min()) > 0
    renew = eqx.filter(head.mask(), jtu.tree_map(eqx.is_inexact_array, model))
    state = optax.tree_utils.tree_map_params(
        optimiser,
        lambda moment, again: jnp.zeros_like(moment) if again else moment,
        state,
        renew,
    )
    assert float(jnp.abs(state[0].mu.layers[1].weight).max()) == 0
    assert float(state[0].mu.layers[0].weight.min()) > 0

    # Another size: the trees differ, and optax fails when the state is used.
    wider = eqinit.swap(
        model, "layers.1", lambda old: eqx.nn.Linear(old.in_features, 5, key=KEY)
    )
    grads = jtu.tree_map(jnp.ones_like, eqx.filter(wider, eqx.is_inexact_array))
    with pytest.raises(Exception, match="pytree"):
        optimiser.update(grads, state)


def test_surgery_of_a_model_with_state_takes_the_paths_of_the_model():
    def make(key: Any) -> Any:
        return eqx.nn.Sequential(
            [
                eqx.nn.Linear(4, 6, key=key),
                eqx.nn.BatchNorm(6, axis_name="batch", mode="batch"),
                eqx.nn.Linear(6, 3, key=key),
            ]
        )

    pair = eqx.nn.make_with_state(make)(KEY)

    def head(old: Any) -> Any:
        return eqx.nn.Linear(old.in_features, 5, key=KEY)

    for selector in ("layers.2", lambda model: model.layers[2]):
        model, state = eqinit.swap(pair, selector, head, count=1)
        assert model.layers[2].weight.shape == (5, 6)
        assert model.layers[0].weight is pair[0].layers[0].weight
        assert state is pair[1]
    model, _ = eqinit.net2wider(pair, "layers.0", "layers.2", 6 + 2, KEY)
    assert model.layers[0].weight.shape == (8, 4)
    with pytest.raises(ValueError, match=r"There are `layers\.2`"):
        eqinit.swap(pair, "layers.9", head)


def test_masks_in_partition_masked_and_multi_transform():
    optax = pytest.importorskip("optax")
    model = eqx.nn.MLP(4, 3, 8, 1, key=KEY)
    biases = eqinit.select(model, Role("bias")).mask()
    chosen, rest = eqx.partition(model, biases)
    assert chosen.layers[0].weight is None
    assert rest.layers[0].bias is None
    assert eqx.combine(chosen, rest).layers[0].bias is model.layers[0].bias

    params, _ = eqx.partition(model, eqx.is_inexact_array)
    mask = eqx.filter(biases, jtu.tree_map(eqx.is_inexact_array, model))
    grads = jtu.tree_map(jnp.ones_like, params)
    decay = optax.masked(optax.set_to_zero(), lambda params: mask)
    updates, _ = decay.update(grads, decay.init(params), params)
    assert float(jnp.abs(updates.layers[0].bias).max()) == 0
    assert float(updates.layers[0].weight.min()) == 1

    labels = jtu.tree_map(lambda hit: "bias" if hit else "other", mask)
    rates = {"bias": optax.sgd(0.0), "other": optax.sgd(1.0)}
    # A function, because a tree of labels in the shape of an MLP is callable, and
    # optax would call it.
    both = optax.multi_transform(rates, lambda params: labels)
    updates, _ = both.update(grads, both.init(params), params)
    assert float(jnp.abs(updates.layers[1].bias).max()) == 0
    assert float(updates.layers[1].weight.max()) == -1
