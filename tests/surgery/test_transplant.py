"""Weights selected from a larger model."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from small_models import (
    CNN,
    MODELS as EAGER,
    Block,
    Recurrent,
    Transformer,
    assert_same_outputs,
    cnn,
    lstm,
    mlp,
    transformer,
)

from eqinit import surgery


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


def even(room: int, size: int) -> list[int]:
    return [i * size // room for i in range(room)]


def test_a_model_of_the_same_size_is_copied():
    old = transformer()
    got = surgery.transplant(Transformer(jr.key(5)), old)
    assert eqx.tree_equal(got, old)


@pytest.mark.parametrize("how", ["even", "first"])
def test_what_is_taken_is_what_pruning_leaves(how: str):
    """Units in all their places: a second way to the same model."""
    _, run, x = EAGER["transformer"]
    run, x, old = eqx.filter_jit(run), x(), transformer()
    small = Transformer(jr.key(5))
    # One head, of four entries as before: its constructor would make it twice as large.
    thin = [
        surgery.prune(block, "attn", [0], lambda m, x: m(x), jnp.ones((3, 8)))
        for block in (Block(8, 2, 9, key) for key in jr.split(jr.key(6)))
    ]
    small = eqx.tree_at(lambda m: m.blocks, small, thin)
    got = surgery.transplant(small, old, how=how)
    wanted = old
    for i in range(2):
        keep = even(9, 12) if how == "even" else range(9)
        wanted = surgery.prune(wanted, f"blocks.{i}.up", keep, run, x)
        wanted = surgery.prune(wanted, f"blocks.{i}.attn", [0], run, x)
    assert eqx.tree_equal(got, wanted)
    assert_same_outputs(run(wanted, x), run(got, x))


def test_of_each_gate_its_units():
    old, small = lstm(), Recurrent(jr.key(5), hidden=4)
    got = surgery.transplant(small, old)
    units = np.array(even(4, 6))
    wanted = old.cell.weight_hh.reshape(4, 6, 6)[:, units][:, :, units]
    assert jnp.array_equal(got.cell.weight_hh, wanted.reshape(16, 4))
    assert jnp.array_equal(got.head.weight, old.head.weight[:, units])
    assert got.cell.hidden_size == 4
    # Evenly spaced: of six, none is left out twice running.
    assert units.tolist() == [0, 1, 3, 4]


def test_layers_are_mapped():
    old = transformer(3)
    small = Transformer(jr.key(5), blocks=2)
    got = surgery.transplant(small, old, layers={"blocks.1": "blocks.2"})
    assert eqx.tree_equal(got.blocks[0], old.blocks[0])
    assert eqx.tree_equal(got.blocks[1], old.blocks[2])
    with pytest.raises(ValueError, match="nothing below it in the model"):
        surgery.transplant(small, old, layers={"blocks.7": "blocks.2"})


def test_shapes_are_filled_and_dtypes_stay():
    old = mlp()
    skeleton = eqx.filter_eval_shape(
        lambda key: eqx.nn.MLP(3, 2, 5, 2, dtype=jnp.bfloat16, key=key), jr.key(0)
    )
    got = surgery.transplant(skeleton, old, how="first")
    assert got.layers[1].weight.dtype == jnp.bfloat16
    wanted = old.layers[1].weight[:5, :5].astype(jnp.bfloat16)
    assert jnp.array_equal(got.layers[1].weight, wanted)
    assert jax.vmap(got)(jnp.ones((2, 3), jnp.bfloat16)).shape == (2, 2)


def test_what_has_no_counterpart():
    old, small = mlp(), eqx.nn.MLP(3, 4, 5, 2, key=jr.key(1))
    with pytest.raises(
        ValueError, match=r"`layers\.2\.bias` is f32\[4\], which is not"
    ):
        surgery.transplant(small, old)
    got, record = surgery.transplant(small, old, keep="layers.2", record=True)
    assert got.layers[2].weight is small.layers[2].weight
    assert "from layers.1.weight" in str(record)
    deep = eqx.nn.MLP(3, 2, 5, 3, key=jr.key(1))
    with pytest.raises(ValueError, match=r"the source has no `layers\.3\.weight`"):
        surgery.transplant(deep, old)
    skeleton = eqx.filter_eval_shape(
        lambda key: eqx.nn.MLP(3, 2, 8, 2, key=key), jr.key(0)
    )
    with pytest.raises(ValueError, match="has a shape and no values"):
        surgery.transplant(mlp(), skeleton)


@pytest.mark.parametrize("how", ["even", "first"])
def test_running_statistics_are_selected_as_gains_are(how: str):
    (large, old), counted = cnn(), 7
    small = eqx.nn.make_with_state(CNN)(jr.key(5), channels=3)
    model, state = surgery.transplant(small, (large, old), how=how)
    channels = [0, 2, 4] if how == "even" else [0, 1, 2]
    wanted = [x[jnp.array(channels)] for x in old.get(large.norm1.batch_state_index)]
    got = state.get(model.norm1.batch_state_index)
    assert jnp.array_equal(model.norm1.weight, large.norm1.weight[jnp.array(channels)])
    assert all(jnp.array_equal(a, b) for a, b in zip(got, wanted, strict=True))
    assert state.get(model.norm1.batch_counter) == counted
    # The second norm is as wide there as here.
    for name in ("ema_state_index", "ema_first_time_index"):
        pair = (
            state.get(getattr(model.norm2, name)),
            old.get(getattr(large.norm2, name)),
        )
        assert eqx.tree_equal(*pair)
    assert small[1].get(small[0].norm1.batch_counter) == 0


class Kept(eqx.Module):
    """A layer and something in a state beside it."""

    layer: eqx.nn.Linear
    kept: eqx.nn.StateIndex

    def __init__(self, units: int, value):
        self.layer = eqx.nn.Linear(3, units, key=jr.key(units))
        self.kept = eqx.nn.StateIndex(value)


def kept(units: int, value):
    return eqx.nn.make_with_state(Kept)(units, value)


@pytest.mark.parametrize(
    ("small", "large", "wanted"),
    [
        (jnp.zeros(2), jnp.arange(4.0), jnp.array([0.0, 2.0])),
        (jnp.zeros((2, 1)), jnp.ones((4, 3)), jnp.ones((2, 1))),
        (jnp.array(1), jnp.array(7), jnp.array(7)),
        (None, None, None),
        # Keys were not learned.
        (jr.key(1), jr.key(2), jr.key(1)),
        (jr.split(jr.key(1), 2), jr.split(jr.key(2), 4), jr.split(jr.key(1), 2)),
        (
            (jnp.zeros(2), jr.key(1)),
            (jnp.ones(2), jr.key(2)),
            (jnp.ones(2), jr.key(1)),
        ),
    ],
)
def test_what_a_state_may_hold(small, large, wanted):
    run = surgery.transplant
    for transplant in (run, eqx.filter_jit(run)):
        model, state = transplant(kept(2, small), kept(4, large))
        assert eqx.tree_equal(state.get(model.kept), wanted)


@pytest.mark.parametrize(
    ("small", "large", "text"),
    [
        (jnp.zeros(9), jnp.zeros(8), "is f32[9], which is not in f32[8]"),
        (jnp.zeros((4, 2)), jnp.zeros(8), "is f32[4,2], which is not in f32[8]"),
        (
            jnp.zeros(4),
            jr.split(jr.key(0), 8),
            "is f32[4], which is not in key<fry>[8]",
        ),
        (jnp.zeros(4), (jnp.zeros(8),), "is of another structure than in the source"),
    ],
)
def test_states_without_a_counterpart(small, large, text: str):
    pair = kept(2, small), kept(4, large)
    with pytest.raises(ValueError, match="cannot fill 1 arrays:") as caught:
        surgery.transplant(*pair)
    assert f"- the state of `kept` {text}" in str(caught.value)


def test_the_state_of_a_layer_that_is_kept_stays():
    old = cnn()
    fresh = eqx.nn.make_with_state(CNN)(jr.key(5))
    model, state = surgery.transplant(fresh, old, keep="norm1")
    norm = model.norm1
    assert eqx.tree_equal(
        state.get(norm.batch_state_index), fresh[1].get(norm.batch_state_index)
    )
    other = model.norm2
    assert eqx.tree_equal(
        state.get(other.ema_state_index), old[1].get(old[0].norm2.ema_state_index)
    )
