"""Layers that look like others and store their arrays otherwise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import eqinit
from eqinit import HeNormal, Rule


KEY = jax.random.key(11)


def test_klax_linear_is_in_out():
    klax = pytest.importorskip("klax")
    model = klax.nn.Linear(
        64, 16, weight_init=jax.nn.initializers.zeros, key=jax.random.key(0)
    )
    (weight, bias) = eqinit.plan(model, [Rule(klax.nn.Linear, weight=HeNormal())])
    assert (weight.spec.fan_in, weight.spec.fan_out) == (64, 16)
    assert bias.spec.fan_in == 64


def test_a_look_alike_is_no_linear_and_is_not_guessed():
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


def test_a_flat_convolution_bias_is_refused():
    model = eqx.nn.Conv2d(2, 3, 3, key=KEY)
    naive = eqx.tree_at(lambda m: m.bias, model, jnp.arange(3.0))
    with jax.numpy_rank_promotion("allow"):
        out = naive(jnp.zeros((2, 5, 5)))
    assert float(out[0, 0, 2]) == 2 != float(out[2, 0, 0])  # along the width: silent
    with pytest.raises(
        ValueError, match=r"got float32\[3\], wanted float32\[3, 1, 1\]"
    ):
        eqinit.select(model, "bias").set(jnp.ones(3))


def test_transposed_convolutions_are_out_in():
    model = eqx.nn.ConvTranspose2d(8, 6, 3, groups=2, key=KEY)
    weight, bias = eqinit.plan(model, [])
    assert model.weight.shape == (6, 4, 3, 3)
    assert (weight.spec.fan_in, weight.spec.fan_out) == (4 * 9, 3 * 9)
    assert bias.spec.role == "bias"
