"""Two models in one order of units, and several models as one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from small_models import MODELS as EAGER, assert_same_outputs, mlp

from eqinit import surgery


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


MODELS = {n: (m, eqx.filter_jit(run), x) for n, (m, run, x) in EAGER.items()}


def shuffled(tree, run, x, seed: int = 0):
    rng = np.random.default_rng(seed)
    # A group of the model as it was is one of the model in another order, too.
    for group in surgery.unit_groups(tree, run, x).free:
        tree = surgery.permute(tree, group, rng.permutation(group.size), run, x)
    return tree


# Heads of attention are moved as wholes, and what is in them as well; of a scanned
# stack, the units of all layers in one order.
COMPILED_LONG = [
    pytest.param(n, marks=pytest.mark.slow) for n in ("transformer", "scanned")
]


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", *COMPILED_LONG])
def test_an_order_that_was_lost_is_found_again(name: str):
    make, run, x = MODELS[name]
    old, x = make(), x()
    other = shuffled(old, run, x)
    assert not eqx.tree_equal(other, old)
    back, record = surgery.match(other, old, run, x, record=True)
    assert eqx.tree_equal(back, old)
    # Moments go the same way as parameters.
    model = other[0] if isinstance(other, tuple) else other
    wanted = old[0] if isinstance(old, tuple) else old
    params = eqx.filter(model, eqx.is_inexact_array)
    state = optax.trace(0.9).update(params, optax.trace(0.9).init(params))[1]
    trace = record.apply_to(state).trace
    assert eqx.tree_equal(trace, eqx.filter(wanted, eqx.is_inexact_array))


def test_models_that_differ_come_closer_and_stay_what_they_are():
    make, run, x = MODELS["mlp"]
    old, x = make(), x()
    noisy = jax.tree.map(
        lambda w: (
            w + 0.02 * jr.normal(jr.key(w.size), w.shape)
            if eqx.is_inexact_array(w)
            else w
        ),
        old,
    )
    other = shuffled(noisy, run, x)
    back = surgery.match(other, old, run, x)
    assert_same_outputs(run(other, x), run(back, x))
    # Entries are of size 0.2: the noise is too small to hide which unit is which.
    assert eqx.tree_equal(back, noisy)
    half = surgery.merge([back, old])
    apart = surgery.merge([other, old])
    gaps = [jnp.abs(run(m, x) - run(old, x)).max() for m in (half, apart)]
    assert gaps[0] < gaps[1] / 3


def test_what_is_no_parameter_is_not_compared():
    make, run, x = MODELS["mlp"]
    old, x = {"net": make(), "key": jr.key(0), "name": "a"}, x()

    def call(model, x):
        return run(model["net"], x)

    other = {**old, "net": shuffled(make(), run, x), "key": jr.key(1)}
    back = surgery.match(other, old, call, x)
    assert eqx.tree_equal(back["net"], old["net"])
    assert eqx.tree_equal(back["key"], other["key"])


def test_models_of_other_shapes_cannot_be_matched():
    _, run, x = MODELS["mlp"]
    with pytest.raises(ValueError, match=r"differ in their parameters:\n- `layers\.0"):
        surgery.match(mlp(), mlp(width=9), run, x())


def test_a_merged_model_is_the_mean():
    first, second = (
        mlp(),
        jax.tree.map(lambda w: w * 3 if eqx.is_array(w) else w, mlp()),
    )
    got = surgery.merge([first, second]).layers[1].weight
    np.testing.assert_allclose(got, first.layers[1].weight * 2, rtol=1e-6)
    got = surgery.merge([first, second], [1.5, -0.5]).layers[1].weight
    assert jnp.abs(got).max() < 1e-6
    average = jax.jit(
        lambda w: surgery.merge([{"w": w}, {"w": w * 2}], [0.9, 0.1])["w"]
    )
    np.testing.assert_allclose(average(jnp.ones(3)), 1.1, rtol=1e-6)


def test_means_are_taken_wide():
    ones = [{"w": jnp.full(2, 1.0, jnp.bfloat16)}] * 3
    small = {"w": jnp.full(2, 1 + 2**-7, jnp.bfloat16)}
    # In bfloat16 each third would be rounded, and so would their sum.
    got = surgery.merge([*ones, small], [0.25, 0.125, 0.125, 0.5])["w"]
    assert got.dtype == jnp.bfloat16
    wanted = jnp.asarray(1 + 2**-8, jnp.float32).astype(jnp.bfloat16)
    assert (got == wanted).all()


@pytest.mark.parametrize(
    ("models", "weights", "text"),
    [
        ([], None, "merge got no models"),
        ([{"w": jnp.ones(2)}] * 2, [0.5], "one each, which add up to 1"),
        ([{"w": jnp.ones(2)}] * 2, [0.5, 0.6], "one each, which add up to 1"),
        (
            [{"w": jnp.ones(2)}, {"w": jnp.ones(3)}],
            None,
            r"`w`: f32\[2\] and f32\[3\]",
        ),
        ([{"w": jnp.ones(2)}, {"v": jnp.ones(2)}], None, r"`w`: f32\[2\] and none"),
    ],
)
def test_what_cannot_be_merged(models, weights, text: str):
    with pytest.raises(ValueError, match=text):
        surgery.merge(models, weights)
