"""Parametrizations: the effective value gets the law, derived leaves are in step.

Each section is named by the mistake that it stands for.
"""

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


# A new direction under the old length.


def weight_norm(*stack: int) -> eqx.nn.WeightNorm:
    def make(key):
        return eqx.nn.WeightNorm(eqx.nn.Linear(60, 50, key=key))

    for _ in stack:
        make = eqx.filter_vmap(make)
    return make(jax.random.split(KEY, stack) if stack else KEY)


RULES = [Rule(eqx.nn.Linear, weight=Normal(3.0), bias=Zeros())]


@pytest.mark.thorough
def test_weight_norm_length_follows_the_direction():
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


def test_weight_norm_through_stacks():
    plan = eqinit.plan(weight_norm(3), RULES)
    new = plan.apply(weight_norm(3), KEY)
    assert new.g.shape == (3, 50, 1)
    one = jtu.tree_map(lambda leaf: leaf[1] if eqx.is_array(leaf) else leaf, new)
    assert std_is(effective(one), 3.0)
    assert plan.check(new).ok


@pytest.mark.parametrize("axis", [0, 1, None])
def test_weight_norm_along_any_axis(axis):
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


def test_weight_norm_of_zeros_is_no_nan():
    model = weight_norm()
    new = eqinit.apply(model, KEY, [Rule(eqx.nn.Linear, weight=Zeros(), bias=Zeros())])
    assert float(jnp.abs(new(jnp.ones(60))).max()) == 0
    assert not bool(jnp.any(jnp.isnan(effective(new))))


def test_weight_norm_length_alone_can_be_set_and_not_both():
    model = weight_norm()
    new = eqinit.apply(model, KEY, [Rule(eqx.nn.WeightNorm, g=Constant(2.0))])
    assert bool(jnp.all(new.g == 2))
    assert new.layer.weight is model.layer.weight
    both = [*RULES, Rule(eqx.nn.WeightNorm, g=Constant(2.0))]
    with pytest.raises(
        ValueError, match=r"it follows `layer\.weight`, which is claimed"
    ):
        eqinit.plan(model, both)


def test_weight_norm_is_the_same_under_jit_on_skeletons_and_in_build():
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


def test_selections_speak_of_effective_values():
    model = weight_norm()
    chosen = eqinit.select(model, "layer.weight")
    (before,) = chosen.get()
    doubled = chosen.map(lambda w: 2 * w)
    assert float(jnp.abs(effective(doubled) - 2 * before).max()) < 1e-5
    everything = eqinit.select(model, "**")
    assert everything.paths == ("layer.weight", "layer.bias")
    assert everything.mask().g is True


# Power-iteration vectors of the old weight.


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


def test_power_iteration_is_in_step_when_the_state_is_given():
    model, state = eqx.nn.make_with_state(spectral_norm)(key=KEY)
    stale = eqinit.apply(model, KEY, NEW_WEIGHT)
    new, new_state = eqinit.apply((model, state), KEY, NEW_WEIGHT)
    # 15 steps leave a few per cent, as in Equinox's own constructor; random vectors
    # leave a gain of several.
    assert gain_of(new, new_state) < 1.1 < 2 < gain_of(stale, state)
    state.get(model.uv_index)  # the state that came in is still good


@pytest.mark.thorough
def test_power_iteration_inside_of_a_model_without_state():
    model = spectral_norm(KEY)
    new = eqinit.apply(model, KEY, NEW_WEIGHT)
    u, v = new.uv_index.init
    sigma = float(u @ new.layer.weight @ v)
    assert 0.9 < sigma / float(jnp.linalg.norm(new.layer.weight, 2)) <= 1.0001


def test_a_state_that_is_not_given_is_noted():
    model, state = eqx.nn.make_with_state(spectral_norm)(key=KEY)
    alone = eqinit.plan(model, NEW_WEIGHT)
    assert any("Pass `(model, state)`" in note for note in alone.notes)
    both = eqinit.plan((model, state), NEW_WEIGHT)
    assert not any("Pass `(model, state)`" in note for note in both.notes)


# Values written to the raw parameter behind softplus.


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
eqinit.register_parametrization(
    PositiveLinear, field="raw", forward=jax.nn.softplus, layer=True
)
eqinit.register_parametrization(
    Positive,
    field="raw",
    forward=jax.nn.softplus,
    inverse=inverse_softplus,
    domain=(0, math.inf),
)


def test_a_user_s_own_softplus_gets_effective_values():
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


def test_a_wrapper_in_place_of_an_array():
    linear = eqx.nn.Linear(40, 30, key=KEY)
    model = eqx.tree_at(lambda m: m.weight, linear, Positive(jnp.zeros((30, 40))))
    plan = eqinit.plan(model, [Rule(eqx.nn.Linear, weight=HoedtNormal())])
    row = plan["weight.raw"]
    assert (row.spec.fan_in, row.spec.role, row.through) == (40, "kernel", "Positive")
    assert plan.check(plan.apply(model, KEY)).ok


def test_an_unknown_inverse_has_to_be_said():
    class Own(eqx.Module):
        raw: jax.Array

    with pytest.raises(ValueError, match="without an inverse that is known"):
        eqinit.register_parametrization(Own, field="raw", forward=jnp.cosh)
    eqinit.transforms.register_inverse(
        jnp.cosh, jnp.arccosh, domain=(1, math.inf), closed=True
    )
    eqinit.register_parametrization(Own, field="raw", forward=jnp.cosh)
    linear = eqx.nn.Linear(4, 3, key=KEY)
    model = eqx.tree_at(lambda m: m.weight, linear, Own(jnp.zeros((3, 4))))
    new = eqinit.apply(model, KEY, [Rule(eqx.nn.Linear, weight=Constant(2.0))])
    np.testing.assert_allclose(new.weight.raw, math.acosh(2), rtol=1e-6)
    with pytest.raises(ValueError, match=r"can stand for \[1, inf\) only"):
        eqinit.plan(model, [Rule(eqx.nn.Linear, weight=Constant(0.5))])


def test_values_outside_of_the_domain_are_refused():
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


def test_a_wrong_inverse_is_noticed():
    class Doubled(eqx.Module):
        raw: jax.Array

    eqinit.register_parametrization(
        Doubled, field="raw", forward=lambda x: 2 * x, inverse=lambda y: 2 * y
    )
    linear = eqx.nn.Linear(4, 3, key=KEY)
    model = eqx.tree_at(lambda m: m.weight, linear, Doubled(jnp.zeros((3, 4))))
    with pytest.raises(ValueError, match="does not undo its `forward`"):
        eqinit.apply(model, KEY, [Rule(eqx.nn.Linear, weight=HeNormal())])


@pytest.mark.thorough
def test_wrappers_of_wrappers_and_of_other_shapes():
    class Packed(eqx.Module):
        """A lower triangle, row by row."""

        flat: Any

    def unpack(flat):
        return jnp.zeros((3, 3)).at[jnp.tril_indices(3)].set(flat)

    eqinit.register_parametrization(
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


# klax's NonNegative is the identity until its `apply`, which zeroes half of a
# centred draw.


def test_non_negative_weights_are_never_drawn_negative():
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
def test_symmetric_matrices_keep_their_law(wrapper: str, sign: int):
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


def test_paramax_parametrizations():
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
        (wrapped(paramax.Parameterize(jnp.exp, weight)), LogNormal(0.5, 1.0)),
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


def test_norms_through_a_softplus_are_never_zero():
    """paramax's weight normalisation and Equinox's are one definition."""
    paramax = pytest.importorskip("paramax")
    linear = eqx.nn.Linear(4, 3, key=KEY)
    kept = paramax.WeightNormalization(linear.weight)
    model = eqx.tree_at(lambda m: m.weight, linear, kept)
    rules = [Rule(eqx.nn.Linear, weight=Zeros())]
    refused = r"Zeros draws from 0 to 0, and WeightNormalization .* less zero only"
    with pytest.raises(ValueError, match=refused):
        eqinit.plan(model, rules)
    with pytest.raises(ValueError, match=r"`weight\.weight` is outside of"):
        eqinit.select(model, "weight").set(0.0)
    # With norms kept as they are, zero rows have a direction and no length.
    plain = eqx.tree_at(lambda m: m.weight.scale, model, jnp.ones((3, 1)))
    new = eqinit.apply(plain, KEY, rules)
    assert not paramax.unwrap(new).weight.any()
    assert not new.weight.scale.any()


def derived(plan: eqinit.Plan) -> Any:
    from eqinit._parameters.keys import derive_keys

    row = next(row for row in plan if row.init is not None)
    return derive_keys(KEY, [row.path])[0]
