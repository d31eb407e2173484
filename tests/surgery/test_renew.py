"""Surgery on trained models: what must not change does not, and what must does."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei


KEY = jax.random.key(0)
CONVOLUTIONS = [ei.Rule("**", ei.Ones())]
RULES = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Normal(0.1))]


def mlp(width: int = 5, depth: int = 2) -> eqx.nn.MLP:
    return eqx.nn.MLP(3, 2, width, depth, key=KEY)


class Net(eqx.Module):
    """A convolution whose image is flattened into a linear layer."""

    conv: eqx.nn.Conv2d
    mix: eqx.nn.Conv2d
    head: eqx.nn.Linear

    def __init__(self):
        self.conv = eqx.nn.Conv2d(1, 4, 3, key=KEY)
        self.mix = eqx.nn.Conv2d(4, 3, 1, key=jax.random.key(1))
        self.head = eqx.nn.Linear(3 * 4, 2, key=jax.random.key(2))

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.mix(jax.nn.relu(self.conv(x))))
        return self.head(x.ravel())


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


def dead() -> eqx.nn.MLP:
    """Units 1 and 3 of the first layer are zero on every input."""
    off = jnp.array([0.0, -100.0, 0.0, -100.0, 0.0])
    return eqx.tree_at(lambda m: m.layers[0].bias, mlp(), off)


@pytest.mark.thorough
def test_recycled_units_change_nothing_and_are_new():
    x = jax.random.normal(KEY, (64, 3))
    hidden = jax.vmap(lambda v: jax.nn.relu(dead().layers[0](v)))(x)
    idle = ei.surgery.dormant_units(hidden)
    assert idle.tolist() == [False, True, False, True, False]
    new = ei.surgery.recycle(dead(), KEY, RULES, "layers.0", "layers.1", idle)
    assert np.array_equal(jax.vmap(new)(x), jax.vmap(dead())(x))
    fresh = ei.apply(dead(), KEY, RULES)
    assert np.array_equal(new.layers[0].weight[1], fresh.layers[0].weight[1])
    assert np.array_equal(new.layers[0].bias[3], fresh.layers[0].bias[3])
    assert np.array_equal(new.layers[0].weight[0], dead().layers[0].weight[0])
    assert not new.layers[1].weight[:, [1, 3]].any()
    assert new.layers[1].weight[:, [0, 2, 4]].all()
    again = jax.vmap(lambda v: jax.nn.relu(new.layers[0](v)))(x)
    assert not ei.surgery.dormant_units(again).any()


def test_dormant_is_relative_to_the_mean():
    outputs = jnp.array([[1.0, -9.0, 0.0], [-1.0, 9.0, 0.0]])
    # Of a mean of 10 / 3: shares of 0.3, 2.7 and 0.
    assert ei.surgery.dormant_units(outputs, 0.29).tolist() == [False, False, True]
    assert ei.surgery.dormant_units(outputs, 0.31).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "do, error, message",
    [
        (
            lambda: ei.surgery.recycle(
                Net(), KEY, CONVOLUTIONS, "mix", "conv", jnp.zeros(3, bool)
            ),
            ValueError,
            "has 1 inputs, which are not those of 3 units",
        ),
        (
            lambda: ei.surgery.recycle(
                eqx.nn.LayerNorm(4), KEY, [ei.Rule("**", ei.Ones())], "", "", [True] * 4
            ),
            TypeError,
            "is a LayerNorm; units are known of a `Linear`",
        ),
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
        (
            lambda: ei.surgery.recycle(
                mlp(), KEY, RULES, "layers.0", "layers.1", [True]
            ),
            ValueError,
            r"got \[1\] flags for the 5 units",
        ),
        (
            lambda: ei.surgery.recycle(
                mlp(),
                KEY,
                ei.Rule("layers.2", ei.Zeros()),
                "layers.0",
                "layers.1",
                [True] * 5,
            ),
            ValueError,
            r"`layers\.0\.weight` anew, and no rule claims it",
        ),
    ],
)
def test_errors(do, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        do()
