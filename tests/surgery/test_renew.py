"""Surgery on trained models: what must not change does not, and what must does."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei


KEY = jax.random.key(0)
RULES = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Normal(0.1))]


def mlp(width: int = 5, depth: int = 2) -> eqx.nn.MLP:
    return eqx.nn.MLP(3, 2, width, depth, key=KEY)


def assert_same_function(old, new, x: jax.Array):
    wanted, got = np.asarray(old(x)), np.asarray(new(x))
    # Sums of at most a hundred products of order one, in another order.
    assert np.abs(got - wanted).max() < 100 * 2**-24 * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize("index", [0, 1])
def test_deeper_is_the_same_function(index: int):
    new = ei.surgery.net2deeper(mlp(), index)
    assert (len(new.layers), new.depth) == (4, 3)
    assert_same_function(mlp(), new, jax.random.normal(KEY, (3,)))
    stack = eqx.nn.Sequential(
        [mlp().layers[0], eqx.nn.Lambda(jax.nn.relu), mlp().layers[2]]
    )
    deeper = ei.surgery.net2deeper(stack, 0)
    assert len(deeper.layers) == 5
    assert_same_function(stack, deeper, jax.random.normal(KEY, (3,)))


def test_shrink_and_perturb_is_a_sum():
    old, fresh = mlp(), ei.apply(mlp(), KEY, RULES)
    rules = [ei.Rule("layers.2", ei.Keep()), *RULES]
    new = ei.surgery.shrink_and_perturb(old, KEY, rules, shrink=0.75, perturb=0.5)
    wanted = old.layers[1].weight * 0.75 + fresh.layers[1].weight * 0.5
    assert np.array_equal(new.layers[1].weight, wanted)
    assert new.layers[2].weight is old.layers[2].weight
    narrow = jax.tree.map(
        lambda x: x.astype(jnp.bfloat16) if eqx.is_array(x) else x, old
    )
    mixed = ei.surgery.shrink_and_perturb(narrow, KEY, RULES, 1.0, 0.0)
    assert np.array_equal(mixed.layers[0].weight, narrow.layers[0].weight)
    assert mixed.layers[0].weight.dtype == jnp.bfloat16


def test_shrink_and_perturb_sees_the_effective_value():
    norm = eqx.nn.WeightNorm(eqx.nn.Linear(3, 4, key=KEY))
    rules = [ei.Rule(eqx.nn.Linear, weight=ei.Normal(1.0), bias=ei.Zeros())]
    new = ei.surgery.shrink_and_perturb(norm, KEY, rules, 0.0, 2.0)
    fresh = ei.apply(norm, KEY, rules)
    x = jnp.ones(3)
    assert np.allclose(new(x), 2 * fresh(x), rtol=1e-5)
    assert not np.allclose(new(x), fresh(x), rtol=1e-2)


def test_dormant_is_relative_to_the_mean():
    outputs = jnp.array([[1.0, -9.0, 0.0], [-1.0, 9.0, 0.0]])
    # Of a mean of 10 / 3: shares of 0.3, 2.7 and 0.
    assert ei.surgery.dormant_units(outputs, 0.29).tolist() == [False, False, True]
    assert ei.surgery.dormant_units(outputs, 0.31).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "do, error, message",
    [
        (
            lambda: ei.surgery.shrink_and_perturb(
                mlp(), KEY, ei.Rule("**", ei.Keep()), 0.5, 0.5
            ),
            ValueError,
            "new values by `rules`, and they leave every parameter as it is. Pass",
        ),
        (
            lambda: ei.surgery.net2deeper(eqx.nn.MLP(3, 2, 4, 1, jnp.tanh, key=KEY), 0),
            ValueError,
            "applied twice is not itself",
        ),
        (
            lambda: ei.surgery.net2deeper(mlp(), 2),
            ValueError,
            "index=2, which is not a hidden",
        ),
        (
            lambda: ei.surgery.net2deeper(eqx.nn.Linear(3, 3, key=KEY), 0),
            TypeError,
            "got a Linear; it takes an `eqx.nn.MLP`",
        ),
    ],
)
def test_errors(do, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        do()
