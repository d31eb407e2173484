"""Optimizers after surgery: their state is that of the old parameters, masks fit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import pytest

import eqinit
from eqinit import HeNormal, Role, Rule, Zeros


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


KEY = jax.random.key(11)


@pytest.fixture
def standard_promotion():
    """Optax raises a Python float to the power of an integer array."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.thorough
@pytest.mark.usefixtures("standard_promotion")
def test_stale_moments_and_how_to_renew_them():
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
