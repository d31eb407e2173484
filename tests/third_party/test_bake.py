"""Parametrizations of other libraries, made plain: as their own `unwrap` has it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eqinit import surgery


KEY = jax.random.key(0)


def test_arrays_of_paramax():
    paramax = pytest.importorskip("paramax")
    linear = eqx.nn.Linear(3, 4, key=KEY)

    def unknown(x):  # it has no registered inverse, and needs none here
        return jnp.sinh(x) + 1

    model = {
        "softplus": paramax.Parameterize(jax.nn.softplus, jnp.arange(3.0)),
        "unknown": paramax.Parameterize(unknown, jnp.arange(2.0)),
        "norm": eqx.tree_at(
            lambda m: m.weight,
            linear,
            paramax.WeightNormalization(2 * linear.weight),
        ),
        "frozen": paramax.NonTrainable(jnp.ones(2)),
    }
    wanted = paramax.unwrap(model)
    got = surgery.bake(model)
    assert isinstance(got["frozen"], paramax.NonTrainable)
    for name in ("softplus", "unknown"):
        assert np.allclose(got[name], wanted[name], rtol=1e-6)
    assert np.allclose(got["norm"].weight, wanted["norm"].weight, rtol=1e-6)


def test_arrays_of_klax():
    klax = pytest.importorskip("klax")
    model = {
        "symmetric": klax.Symmetric(jnp.arange(9.0).reshape(3, 3)),
        "positive": klax.NonNegative(jnp.arange(3.0)),
        "projected": klax.NonNegative(jnp.arange(3.0) - 1),
    }
    wanted, got = klax.finalize(model), surgery.bake(model)
    for name in model:
        assert np.allclose(got[name], wanted[name])


@pytest.mark.filterwarnings("ignore")
def test_operations_on_plain_arrays_name_bake_or_unwrap():
    paramax = pytest.importorskip("paramax")
    layer = eqx.nn.Linear(3, 4, key=KEY)
    positive = paramax.Parameterize(jnp.exp, layer.weight)
    marked = paramax.NonTrainable(layer.weight)
    for weight, text in (
        (positive, r"is kept in a Parameterize\nMake them plain first: `surgery\.bake"),
        (marked, r"is kept in a NonTrainable\nTake a NonTrainable off first, by its "),
    ):
        old = {"layer": eqx.tree_at(lambda m: m.weight, layer, weight)}
        with pytest.raises(ValueError, match=text):
            surgery.lora(old, "**.weight.**", 1, KEY)
        with pytest.raises(TypeError, match=text.replace("is kept in", "in")[3:]):
            surgery.factorize(old, "layer", rank=1)
