"""Under `jit`, `vmap`, `grad` and on skeletons: the values of the eager call."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from helpers import same_bits

import eqinit as ei
from eqinit import (
    Constant,
    HeNormal,
    LecunUniform,
    Normal,
    Orthogonal,
    Rule,
    TruncatedNormal,
    Zeros,
)


pytestmark = pytest.mark.bits
nn = eqx.nn
KEY = jax.random.key(3)


class Net(eqx.Module):
    conv: nn.Conv1d
    cell: nn.LSTMCell
    stack: nn.Linear
    name: str = "net"

    def __init__(self, key: Any):
        self.conv = nn.Conv1d(2, 4, 3, key=key)
        self.cell = nn.LSTMCell(4, 3, key=key)
        keys = jax.random.split(key, 2)
        self.stack = eqx.filter_vmap(lambda k: nn.Linear(3, 3, key=k))(keys)


RULES = [
    Rule(nn.Conv, weight=HeNormal(), bias=Zeros()),
    Rule(nn.LSTMCell, weight_hh=Orthogonal(), weight_ih=LecunUniform()),
    Rule(nn.LSTMCell, bias=ei.ForgetGateBias()),
    Rule(nn.Linear, weight=TruncatedNormal(0.02), bias=Normal(0.1, mean=1.0)),
]
NET = Net(KEY)


@pytest.fixture(scope="module")
def eager() -> Net:
    return ei.apply(NET, KEY, RULES)


def arrays(model: Any) -> list[jax.Array]:
    return jtu.tree_leaves(eqx.filter(model, eqx.is_array))


def assert_same(got: Any, wanted: Any):
    assert jtu.tree_structure(got) == jtu.tree_structure(wanted)
    for a, b in zip(arrays(got), arrays(wanted), strict=True):
        assert same_bits(a, b)


def test_jit_with_the_model_as_an_argument(eager: Net):
    assert_same(eqx.filter_jit(ei.apply)(NET, KEY, RULES), eager)


def test_jit_with_the_model_closed_over(eager: Net):
    drawn = eqx.filter_jit(lambda key: ei.apply(NET, key, RULES))(KEY)
    assert_same(drawn, eager)


def test_skeleton(eager: Net):
    skeleton = eqx.filter_eval_shape(Net, KEY)
    drawn = ei.apply(skeleton, KEY, RULES)
    assert not any(isinstance(x, jax.ShapeDtypeStruct) for x in jtu.tree_leaves(drawn))
    assert_same(drawn, eager)
    assert_same(eqx.filter_jit(lambda k: ei.apply(skeleton, k, RULES))(KEY), eager)


def test_constructor_and_apply_in_one_jit(eager: Net):
    drawn = eqx.filter_jit(lambda key: ei.apply(Net(key), KEY, RULES))(KEY)
    assert_same(drawn, eager)


def test_equal_parameters_are_drawn_by_one_loop():
    # Traced one by one, a deep model is a minute of compilation.
    def draws(depth: int) -> int:
        model = nn.MLP(4, 4, 4, depth, key=KEY)
        rules = [
            # Scales that differ by depth are data of the loop, not code.
            Rule(
                nn.Linear,
                weight=lambda site: HeNormal(gain=1 / (1 + site.index)),
                bias=Normal(0.1, mean=0.5),
            )
        ]
        drawn = eqx.filter_jit(ei.apply)(model, KEY, rules)
        assert_same(drawn, ei.apply(model, KEY, rules))
        traced = jax.make_jaxpr(
            lambda key: eqx.filter(ei.apply(model, key, rules), eqx.is_array)
        )
        return str(traced(KEY)).count("erf_inv")

    assert draws(6) == draws(3) > 0


def test_equal_parameters_with_and_without_a_mean_are_drawn_apart():
    # One is centred and its neighbour is not: in one loop, one of them would be both.
    model = [nn.Linear(3, 2, key=KEY) for _ in range(4)]
    for first, second in [(0.0, 0.1), (0.1, 0.0)]:
        rules = [
            ("0.weight", Normal(3.0, mean=first)),
            ("1.weight", Normal(3.0, mean=second)),
            ("2.weight", Normal(3.0, mean=first)),
            ("3.weight", Normal(3.0, mean=second)),
        ]
        drawn = eqx.filter_jit(ei.apply)(model, KEY, rules)
        assert_same(drawn, ei.apply(model, KEY, rules))


def test_equal_parameters_without_a_law():
    # Their floats are arrays in both ways: worked with in Python they round otherwise.
    model = nn.MLP(4, 4, 4, 2, key=KEY)
    rules = [Rule(nn.Linear, weight=ei.Sparse(HeNormal(gain=0.7), density=0.5))]
    assert_same(
        eqx.filter_jit(ei.apply)(model, KEY, rules), ei.apply(model, KEY, rules)
    )


def test_shapes_without_drawing(eager: Net):
    shapes = eqx.filter_eval_shape(ei.apply, NET, KEY, RULES)
    wanted = jtu.tree_map(lambda x: (x.shape, x.dtype), eqx.filter(eager, eqx.is_array))
    got = jtu.tree_map(
        lambda x: (x.shape, x.dtype),
        eqx.filter(shapes, lambda x: isinstance(x, jax.ShapeDtypeStruct)),
    )
    assert eqx.tree_equal(got, wanted)


def test_vmap_over_keys():
    keys = jax.random.split(KEY, 3)
    rules = [Rule(nn.Linear, weight=HeNormal(), bias=Normal(0.1))]
    model = nn.Linear(3, 2, key=KEY)
    ensemble = eqx.filter_vmap(lambda key: ei.apply(model, key, rules))(keys)
    for i, key in enumerate(keys):
        one = ei.apply(model, key, rules)
        assert same_bits(ensemble.weight[i], one.weight)
        assert same_bits(ensemble.bias[i], one.bias)


def test_vmap_over_models_and_keys():
    keys = jax.random.split(KEY, 3)
    models = eqx.filter_vmap(lambda key: nn.Linear(3, 2, key=key))(keys)
    rules = [Rule(nn.Linear, weight=HeNormal(), bias=Zeros())]

    @eqx.filter_vmap(in_axes=(eqx.if_array(0), 0))
    def initialise(model: Any, key: Any) -> Any:
        # Inside, a layer is a single one: nothing is a stack.
        assert model.weight.shape == (2, 3)
        return ei.apply(model, key, rules)

    drawn = initialise(models, keys)
    assert drawn.weight.shape == (3, 2, 3)
    single = nn.Linear(3, 2, key=KEY)
    assert same_bits(drawn.weight[1], ei.apply(single, keys[1], rules).weight)


def test_vmap_over_gains():
    model = nn.Linear(4, 3, key=KEY)
    gains = jnp.array([0.5, 1.0, 2.0])

    def sweep(gain: Any) -> Any:
        return ei.apply(model, KEY, [("weight", HeNormal(gain=gain))])

    swept = eqx.filter_vmap(sweep)(gains)
    one = sweep(1.0).weight
    for gain, weight in zip(gains, swept.weight, strict=True):
        # The scale was worked out in float32: three roundings.
        assert np.allclose(weight, one * gain, rtol=4 * 2**-23, atol=0)


def test_vmap_over_a_batched_rule():
    model = nn.Linear(4, 3, key=KEY)
    rules = eqx.filter_vmap(lambda g: Rule("weight", Orthogonal(gain=g)))(
        jnp.array([1.0, 3.0])
    )
    drawn = eqx.filter_vmap(
        lambda rule: ei.apply(model, KEY, [rule]), in_axes=(eqx.if_array(0),)
    )(rules)
    assert np.allclose(drawn.weight[1], 3 * drawn.weight[0], rtol=4 * 2**-23, atol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda gain: HeNormal(gain=gain),
        lambda gain: Normal(gain),
        lambda gain: ei.Uniform(std=gain),
        lambda gain: TruncatedNormal(gain),
        lambda gain: Orthogonal(gain=gain),
        lambda gain: Constant(gain),
    ],
    ids=["HeNormal", "Normal", "Uniform", "TruncatedNormal", "Orthogonal", "Constant"],
)
def test_grad_through_a_gain(make: Any):
    model = nn.Linear(4, 3, key=KEY)

    def loss(gain: Any) -> jax.Array:
        weight = ei.apply(model, KEY, [("weight", make(gain))]).weight
        return jnp.sum(jnp.square(weight))

    value, slope = jax.value_and_grad(loss)(2.0)
    # Weights are proportional to the gain: d(g^2 s) / dg = 2 g s = 2 / g * value.
    assert float(slope) == pytest.approx(float(value), rel=1e-5)
    assert float(value) > 0


def test_grad_through_a_rule():
    model = nn.Linear(4, 3, key=KEY)

    @eqx.filter_grad
    def slope(rule: Rule) -> jax.Array:
        return jnp.sum(ei.apply(model, KEY, [rule]).bias)

    rule = Rule("bias", Normal(jnp.asarray(1.0), mean=jnp.asarray(2.0)))
    gradient = slope(rule)
    # The sum of std * z + mean over three entries: z itself, and their number.
    assert float(gradient.init.mean) == 3.0
    wanted = ei.apply(model, KEY, [("bias", Normal(1.0))]).bias.sum()
    assert float(gradient.init.std) == pytest.approx(float(wanted), rel=1e-5)


def test_a_traced_gain_in_the_plan():
    model = nn.Linear(4, 3, key=KEY)

    @jax.jit
    def look(gain: Any) -> jax.Array:
        plan = ei.plan(model, [("weight", HeNormal(gain=gain))])
        assert plan["weight"].std is None  # no value yet
        assert "HeNormal(gain=weak_f32[])" in str(plan)
        return plan.apply(model, KEY).weight

    wanted = ei.apply(model, KEY, [("weight", HeNormal(gain=2.0))]).weight
    assert np.allclose(look(2.0), wanted, rtol=4 * 2**-23, atol=0)


def test_gains_do_not_recompile():
    compiled = 0

    @eqx.filter_jit
    def initialise(rules: Any) -> Any:
        nonlocal compiled
        compiled += 1
        return ei.apply(NET.conv, KEY, rules)

    for gain in (0.5, 1.0, 2.0):
        initialise([("weight", HeNormal(gain=jnp.asarray(gain)))])
    assert compiled == 1


def test_scan_over_draws():
    model = nn.Linear(3, 2, key=KEY)

    def body(carry: Any, key: Any) -> Any:
        return carry, ei.apply(model, key, [("weight", HeNormal())]).weight

    keys = jax.random.split(KEY, 2)
    _, weights = jax.lax.scan(body, 0, keys)
    wanted = ei.apply(model, keys[1], [("weight", HeNormal())]).weight
    assert same_bits(weights[1], wanted)


def test_numpy_models():
    model = jtu.tree_map(
        lambda x: np.asarray(x) if eqx.is_array(x) else x, nn.Linear(3, 2, key=KEY)
    )
    drawn = ei.apply(model, KEY, [("weight", HeNormal())])
    assert isinstance(drawn.weight, np.ndarray)
    wanted = ei.apply(nn.Linear(3, 2, key=KEY), KEY, [("weight", HeNormal())])
    assert np.array_equal(drawn.weight, wanted.weight)


class Narrow(eqx.Module):
    """Inner axes of 3 to 5, where XLA rounds by shape."""

    conv: eqx.nn.Conv1d
    layers: list[eqx.nn.Linear]
    cell: eqx.nn.GRUCell

    def __init__(self) -> None:
        key = jax.random.key(0)
        self.conv = eqx.nn.Conv1d(9, 40, 4, key=key)
        self.layers = [eqx.nn.Linear(n, 301, key=key) for n in (3, 4, 5, 3)]
        self.cell = eqx.nn.GRUCell(3, 5, key=key)


NARROW_RULES = [
    ei.Rule(eqx.nn.GRUCell, weight_hh=ei.Orthogonal(), weight_ih=ei.GlorotUniform()),
    ei.Rule("layers.0", weight=ei.LogNormal(0.1, 0.2), bias=ei.Constant(0.5)),
    ei.Rule("layers", weight=ei.HeNormal(), bias=ei.Normal(0.1)),
    ei.Rule(eqx.nn.Conv, weight=ei.Normal(0.1)),
]


@pytest.mark.thorough
@pytest.mark.bits
def test_members_of_an_ensemble_are_those_of_a_loop():
    model, keys = Narrow(), jax.random.split(KEY, 3)

    def member(key: Any) -> Narrow:
        return ei.apply(model, key, NARROW_RULES)

    ensemble = eqx.filter_vmap(member)(keys)
    for i, key in enumerate(keys):
        one = jax.tree.map(lambda x, i=i: x[i] if eqx.is_array(x) else x, ensemble)
        assert_same(one, member(key))


@pytest.mark.bits
def test_members_of_a_sweep_are_those_of_their_gains():
    model, gains = Narrow(), jnp.asarray([0.3, 1.0, 2.1], jnp.float32)

    def member(gain: Any) -> Any:
        rule = ei.Rule("layers", weight=ei.HeNormal(gain=gain))
        return [layer.weight for layer in ei.apply(model, KEY, [rule]).layers]

    for i, gain in enumerate(gains):
        assert_same([w[i] for w in jax.vmap(member)(gains)], member(gain))
