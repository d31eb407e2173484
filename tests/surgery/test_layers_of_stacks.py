"""Layers of a scanned stack have units of their own, where nothing makes them meet."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_models import MODELS, assert_same_outputs, assert_sound
from unit_cases import layers as arrays, normal

from eqinit import surgery
from eqinit.surgery._units.change import Change


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


make, EAGER, inputs = MODELS["scanned"]
run = eqx.filter_jit(EAGER)
OWN = ("blocks.attn.query_proj.weight", "blocks.attn.value_proj.weight")


def orders(group, seed: int = 0):
    rng = np.random.default_rng(seed)
    if group.layers == 1:
        return rng.permutation(group.size)
    return np.stack([rng.permutation(group.size) for _ in range(group.layers)])


def test_what_is_inside_of_the_body_alone_has_an_order_in_each_layer():
    groups = surgery.unit_groups(make(), run, inputs())
    found = {(g.name, g.size): g.layers for g in groups.free}
    query, value = (f"{path}[1]" for path in OWN)
    assert found == {
        ("embed.weight[0]", 8): 1,  # carried from layer to layer
        (query, 2): 3,  # heads
        (query, 4): 3,
        (value, 4): 3,
        ("blocks.up.weight[1]", 12): 3,
    }
    row = next(row for row in groups.to_dict()["rows"] if row["path"] == OWN[0])
    assert row["layers"] == 1  # of the axis that counts layers
    assert "layers  frozen" in str(groups)


@pytest.mark.slow
def test_layers_in_orders_of_their_own_are_matched_again():
    old, x = make(), inputs()
    new = old
    for number, group in enumerate(surgery.unit_groups(old, run, x).free):
        order, before = orders(group, number), new
        assert group.layers == 1 or len(np.unique(order, axis=0)) > 1
        new, record = surgery.permute(before, group, order, run, x, record=True)
        assert eqx.tree_equal(record.undo(new), before)
    assert_same_outputs(run(old, x), run(new, x))
    back, record = surgery.match(new, old, run, x, record=True)
    assert eqx.tree_equal(back, old)
    # Moments go the same way as parameters.
    params = eqx.filter(new, eqx.is_inexact_array)
    state = optax.trace(0.9).update(params, optax.trace(0.9).init(params))[1]
    moved = record.apply_to(state).trace
    assert eqx.tree_equal(moved, eqx.filter(old, eqx.is_inexact_array))


def test_of_each_layer_its_own_units_are_left_out():
    old, x = make(), inputs()
    scores = surgery.unit_scores(old, "blocks.up", run, x, by_layer=True)
    assert scores.shape == (3, 12)
    whole = surgery.unit_scores(old, "blocks.up", run, x)
    np.testing.assert_allclose(jnp.sqrt((scores**2).sum(0)), whole, rtol=1e-5)
    keep = jnp.argsort(scores, axis=1)[:, -5:]
    assert len(np.unique(np.sort(keep, 1), axis=0)) == 3
    new, record = surgery.prune(old, "blocks.up", keep, run, x, record=True)
    assert_sound(new, run, x)
    assert (new.blocks.up.out_features, new.blocks.down.in_features) == (5, 5)
    # As if nobody read the others.
    stays = jnp.zeros((3, 12)).at[jnp.arange(3)[:, None], keep].set(1.0)
    down = old.blocks.down.weight * stays[:, None]
    silent = eqx.tree_at(lambda m: m.blocks.down.weight, old, down)
    assert_same_outputs(run(silent, x), run(new, x))
    bools = surgery.prune(old, "blocks.up", np.asarray(stays, bool), run, x)
    assert eqx.tree_equal(bools, new)
    heads = surgery.prune(old, "blocks.attn", [[0], [1], [0]], run, x)
    assert heads.blocks.attn.num_heads == 1
    kept = [old.blocks.attn.query_proj.weight[i].reshape(2, 4, 8) for i in range(3)]
    wanted = jnp.stack([kept[0][0], kept[1][1], kept[2][0]])
    assert jnp.array_equal(heads.blocks.attn.query_proj.weight, wanted)
    params = eqx.filter(old, eqx.is_inexact_array)
    state = optax.trace(0.9).update(params, optax.trace(0.9).init(params))[1]
    moved = record.apply_to(state).trace
    assert eqx.tree_equal(moved, eqx.filter(new, eqx.is_inexact_array))


def test_wrong_orders_of_layers():
    old, x = make(), inputs()
    text = "in a row for each of 3 layers or in one for all of them"
    for order in (
        np.tile(np.arange(12), (2, 1)),
        np.zeros((3, 12), int),
        np.arange(11),
    ):
        with pytest.raises(ValueError, match=text):
            surgery.permute(old, "blocks.up", order, run, x)
    with pytest.raises(ValueError, match=r"no order of the 8 units .* once, such as"):
        surgery.permute(old, "embed", np.tile(np.arange(8), (3, 1)), run, x)
    uneven = np.arange(36).reshape(3, 12) < 30
    assert len(set(uneven.sum(1))) > 1
    for keep in (uneven, [[0, 1], [2, 2], [3, 4]], [[0], [1]], [[[0]]], [[], [], []]):
        with pytest.raises(ValueError, match="a row of them for each of 3 layers"):
            surgery.prune(old, "blocks.up", keep, run, x)
    with pytest.raises(ValueError, match=r"`embed\.weight\[0\]` are the same in all"):
        surgery.unit_scores(old, "embed", run, x, by_layer=True)


# Three layers of six hidden units, on a stream of four.
SHAPES = dict(up=(3, 6, 4), down=(3, 4, 6), bias=(6,), read=(4, 6))


def scanned(m, x, step, *more):
    return jax.lax.scan(step, x, (m["up"], m["down"], *more))


def plain(x, layer):
    up, down, *_ = layer
    return x + down @ jnp.tanh(up @ x), None


def with_cast(m, x):
    half = m["up"].astype(jnp.bfloat16).astype(jnp.float32)
    return jax.lax.scan(jax.checkpoint(plain), x, (half, m["down"]))[0]


def twice(m, x):
    """Through the layers, and back through the same ones."""
    x, _ = scanned(m, x, plain)
    return jax.lax.scan(plain, x, (m["up"], m["down"]), reverse=True)[0]


def with_branches(m, x):
    def step(x, layer):
        up, down = layer
        hidden = jax.lax.cond(x[0] > 0, jnp.tanh, jnp.sin, up @ x)
        return x + down @ hidden, None

    return scanned(m, x, step)[0]


def with_a_shared_bias(m, x):
    def step(x, layer):
        up, down = layer
        return x + down @ jnp.tanh(up @ x + m["bias"]), None

    return scanned(m, x, step)[0]


def with_a_readout(m, x):
    def step(x, layer):
        up, down = layer
        hidden = jnp.tanh(up @ x)
        return x + down @ hidden, hidden

    x, hidden = scanned(m, x, step)
    return x + m["read"] @ hidden.sum(0)


def with_a_carried_sum(m, x):
    def step(carry, layer):
        x, total = carry
        up, down = layer
        hidden = jnp.tanh(up @ x) + total
        return (x + down @ hidden, hidden), None

    return scanned(m, (x, jnp.zeros(6)), step)[0][0]


def with_the_whole_stack(m, x):
    def step(x, layer):
        up, down = layer
        return x + down @ jnp.tanh(up @ x + m["up"][0] @ x), None

    return scanned(m, x, step)[0]


def with_mixed_layers(m, x):
    centred = {**m, "up": m["up"] - m["up"].mean(0, keepdims=True)}
    return scanned(centred, x, plain)[0]


def with_a_shift(m, x):
    return jax.lax.scan(plain, x, (m["up"], jnp.roll(m["down"], 1, axis=0)))[0]


def with_layers_turned(m, x):
    return jax.lax.scan(plain, x, (m["up"], m["down"][::-1]))[0]


@pytest.mark.parametrize("call", [with_cast, twice, with_branches])
def test_layers_that_do_not_meet(call):
    model, x = arrays(**SHAPES), normal(4, seed=9)
    (group,) = surgery.unit_groups(model, call, x).of("up", 1)
    assert (group.frozen, group.layers) == ("", 3)
    new = Change(group, orders(group)).leaves(model)
    assert_same_outputs(call(model, x), call(new, x))
    assert eqx.tree_equal(surgery.match(new, model, call, x), model)


@pytest.mark.parametrize(
    "call",
    [
        *(with_a_shared_bias, with_a_readout, with_a_carried_sum),
        *(with_the_whole_stack, with_mixed_layers, with_a_shift, with_layers_turned),
    ],
)
def test_layers_that_meet_have_one_order(call):
    model, x = arrays(**SHAPES), normal(4, seed=9)
    (group,) = surgery.unit_groups(model, call, x).of("up", 1)
    assert (group.frozen, group.layers) == ("", 1)
    new = Change(group, orders(group)).leaves(model)
    assert_same_outputs(call(model, x), call(new, x))
    # And rightly so.
    apart = np.stack([np.roll(np.arange(6), i) for i in range(3)])
    members = tuple(m for m in group.members if m.path in ("up", "down"))
    stack = surgery.UnitGroup(members, 6, "", False, 3)
    new = Change(stack, apart).leaves(model)
    assert jnp.abs(call(model, x) - call(new, x)).max() > 1e-3
