"""A record prints, and an optimiser's state follows it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from small_models import mlp, transformer

import eqinit as ei
from eqinit import surgery
from eqinit.surgery._origins import Origin, fresh, mapped, moved
from eqinit.surgery._record import make_record


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


KEY = jr.key(2)


def params_of(model):
    return eqx.filter(model, eqx.is_inexact_array)


# optax itself promotes dtypes.
@jax.numpy_dtype_promotion("standard")
def stepped(optimiser, model, steps: int = 2):
    """The state after some gradients, which differ from entry to entry."""
    params = params_of(model)
    state = optimiser.init(params)
    for step in range(1, steps + 1):
        grads = jax.tree.map(
            lambda p, step=step: (
                step * jnp.arange(p.size, dtype=p.dtype).reshape(p.shape)
            ),
            params,
        )
        _, state = optimiser.update(grads, state, params)
    return state


@jax.numpy_dtype_promotion("standard")
def same_structure(optimiser, model, state) -> bool:
    """Whether it is such as the optimiser would make, and takes an update."""
    made = optimiser.init(params_of(model))
    grads = jax.tree.map(jnp.ones_like, params_of(model))
    optimiser.update(grads, state, params_of(model))
    shapes = [jax.tree.map(lambda x: (x.shape, x.dtype), s) for s in (made, state)]
    return jax.tree.structure(made) == jax.tree.structure(state) and (
        shapes[0] == shapes[1]
    )


def grown():
    return surgery.resize_embedding(
        transformer(), "embed", 9, KEY, heads=["head"], record=True
    )


def test_a_record_prints_what_changed():
    _, record = grown()
    assert str(record).splitlines() == [
        "parameter     what           before    after",
        "------------  -------------  --------  --------",
        "embed.weight  7 -> 9 tokens  f32[7,8]  f32[9,8]",
        "head.weight   7 -> 9 tokens  f32[7,8]  f32[9,8]",
        "resize_embedding: 2 parameters changed, 31 as before",
    ]
    assert "<table>" in record._repr_html_()
    assert repr(record) == (
        "Record(resize_embedding: 2 parameters changed, 31 as before)"
    )


def test_a_record_keeps_no_array_of_the_model():
    _, record = grown()
    for model in (record.lineage.before, record.lineage.after):
        assert not any(eqx.is_inexact_array(leaf) for leaf in jax.tree.leaves(model))


def test_moments_of_adam_follow():
    model, record = grown()
    optimiser = optax.adam(1e-3)
    old = stepped(optimiser, transformer())
    new = record.apply_to(old)
    assert same_structure(optimiser, model, new)
    for field in ("mu", "nu"):
        before, after = getattr(old[0], field), getattr(new[0], field)
        assert jnp.array_equal(after.embed.weight[:7], before.embed.weight)
        assert jnp.array_equal(after.embed.weight[7:], jnp.zeros((2, 8)))
        assert after.norm.weight is before.norm.weight
    assert new[0].count == 2


@pytest.mark.thorough
def test_a_moment_of_another_width_than_its_parameter_stays_so():
    model, record = grown()
    optimiser = optax.adam(1e-3, mu_dtype=jnp.bfloat16)
    new = record.apply_to(stepped(optimiser, transformer()))
    assert same_structure(optimiser, model, new)
    cast, narrowed = surgery.cast(transformer(), "head", jnp.bfloat16, record=True)
    state = narrowed.apply_to(stepped(optax.adam(1e-3), transformer()))
    assert same_structure(optax.adam(1e-3), cast, state)


@pytest.mark.thorough
def test_momentum_behind_a_chain_follows():
    model, record = grown()
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0), optax.sgd(optax.linear_schedule(1, 0, 9), 0.9)
    )
    assert same_structure(
        optimiser, model, record.apply_to(stepped(optimiser, transformer()))
    )
    plain = optax.sgd(0.1)  # nothing to move
    assert same_structure(plain, model, record.apply_to(stepped(plain, transformer())))


def two_optimisers(embedding: str = "sgd"):
    def labels(params):
        one = ei.select(params, "embed").mask()
        return jax.tree.map(lambda hit: embedding if hit else "adam", one)

    rules = {"sgd": optax.sgd(0.1, 0.9), "adam": optax.adam(1e-3)}
    return optax.multi_transform(rules, labels)


@pytest.mark.thorough
def test_two_optimisers_keep_what_is_theirs():
    model, record = grown()
    optimiser = two_optimisers()
    new = record.apply_to(stepped(optimiser, transformer()))
    assert same_structure(optimiser, model, new)
    momentum = new.inner_states["sgd"].inner_state[0].trace
    assert momentum.embed.weight.shape == (9, 8)
    assert float(jnp.abs(momentum.embed.weight).max()) > 0


def test_a_masked_optimiser_follows():
    model, record = grown()

    def mask(params):
        return jax.tree.map(lambda p: p.ndim > 1, params)

    optimiser = optax.masked(optax.trace(0.9), mask)
    assert same_structure(
        optimiser, model, record.apply_to(stepped(optimiser, transformer()))
    )


def test_frozen_parameters_without_a_state_follow():
    model, record = grown()
    trained = ei.select(transformer(), "head").mask()
    optimiser = optax.adam(1e-3)
    state = optimiser.init(eqx.filter(transformer(), trained))
    new = record.apply_to(state)
    wanted = optimiser.init(eqx.filter(model, ei.select(model, "head").mask()))
    assert jax.tree.structure(new) == jax.tree.structure(wanted)


def test_a_fresh_state_says_who_has_what():
    model, record = surgery.new_head(transformer(), "head", 3, KEY, record=True)
    old = stepped(two_optimisers(), transformer())
    other = two_optimisers("adam")
    new = record.apply_to(old, other.init(params_of(model)))
    assert same_structure(other, model, new)
    adam = new.inner_states["adam"].inner_state[0]
    assert (adam.mu.embed.weight == 0).all()  # it has no history there
    assert float(jnp.abs(adam.mu.norm.weight).max()) > 0
    assert adam.count == 2
    with pytest.raises(ValueError, match="they are of two optimisers"):
        record.apply_to(old, optax.adam(1e-3).init(params_of(model)))


def halved(field: str):
    """A record by hand: two copies of each unit, which share what their readers say."""
    old, new = {"w": jnp.arange(3.0)}, {"w": jnp.arange(6.0)}

    def follow(moments, power):
        return jnp.repeat(moments[0], 2) * 0.5**power

    return make_record(
        "copies", old, new, {"w": Origin("copied", ("w",), follow, scales=True)}
    ), {field: {"w": jnp.arange(3.0)}}


def test_second_moments_scale_by_the_square():
    model = {"w": jnp.arange(3.0)}
    record, _ = halved("mu")
    state = stepped(optax.scale_by_adam(), model)
    new = record.apply_to(state)
    assert np.allclose(new.mu["w"], np.repeat(state.mu["w"], 2) / 2)
    assert np.allclose(new.nu["w"], np.repeat(state.nu["w"], 2) / 4)


def test_a_sum_of_an_unknown_power_is_refused():
    record, state = halved("surprises")
    with pytest.raises(ValueError, match="which power of the gradient it holds"):
        record.apply_to(state)


@pytest.mark.thorough
def test_a_moment_of_another_shape_is_refused():
    _, record = grown()
    optimiser = optax.scale_by_factored_rms(min_dim_size_to_factor=4)
    with pytest.raises(ValueError, match="a moment of another shape than it"):
        record.apply_to(stepped(optimiser, transformer()))


def test_a_parameter_of_two_optimisers_is_refused():
    old = {"a": jnp.ones(2), "b": jnp.ones(2)}
    new = {"ab": jnp.ones(4)}

    def joined(moments, power):
        return jnp.concatenate(moments)

    record = make_record("join", old, new, {"ab": Origin("joined", ("a", "b"), joined)})
    labels = {"a": "one", "b": "two"}
    optimiser = optax.multi_transform(
        {"one": optax.sgd(0.1, 0.9), "two": optax.sgd(0.2, 0.9)}, labels
    )
    with pytest.raises(ValueError, match="parameters of several optimisers"):
        record.apply_to(stepped(optimiser, old))
    assert same_structure(
        optax.adam(1.0), new, record.apply_to(stepped(optax.adam(1.0), old))
    )


def test_the_state_of_another_model_is_refused():
    _, record = grown()
    with pytest.raises(ValueError, match="no part of this state has the structure"):
        record.apply_to(stepped(optax.adam(1e-3), mlp()))


def test_parameters_that_move_and_go():
    old = {"a": jnp.ones(2), "b": jnp.full(3, 2.0), "c": jnp.ones(4)}
    new = {"a": jnp.full(3, 2.0), "d": jnp.zeros(5), "c": jnp.ones(4)}
    record = make_record("shift", old, new, {"a": moved("b"), "d": fresh("new")})
    assert [(row.path, row.what, row.before, row.after) for row in record.rows] == [
        ("a", "moved", "f32[3]", "f32[3]"),
        ("d", "new", "", "f32[5]"),
        ("a", "dropped", "f32[2]", ""),
    ]
    state = record.apply_to(stepped(optax.trace(0.9), old)).trace
    assert np.allclose(state["a"], 2.9 * np.arange(3))
    assert np.allclose(state["d"], np.zeros(5))
    with pytest.raises(ValueError, match="`shift` cannot be taken back"):
        record.undo(new)


def test_a_rearrangement_moves_moments_as_values():
    old, new = {"w": jnp.arange(6.0).reshape(2, 3)}, {"w": jnp.zeros((3, 2))}
    record = make_record("turn", old, new, {"w": mapped("w", "turned", jnp.transpose)})
    state = stepped(optax.trace(0.5), old)
    assert np.allclose(record.apply_to(state).trace["w"], state.trace["w"].T)
