"""`auto`: what it gives to whom, why, and what it refuses."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from networks import IMAGES, TOKENS, Gpt, Resnet, Strange, call

import eqinit as ei


KEY = jax.random.key(0)

# 1 / sqrt(E f(z)^2) for a standard normal z, by adaptive quadrature elsewhere.
GAINS = {"relu": math.sqrt(2), "tanh": 1.592537, "selu": 1.0, "silu": 1.676532}


def auto(model: Any, inputs: Any) -> tuple[Any, ei.Plan]:
    return ei.auto(model, KEY, call, inputs)


def rules_of(plan: ei.Plan) -> dict[str, str]:
    return {row.path: row.rule or "" for row in plan}


@pytest.mark.parametrize("name", GAINS)
def test_kernels_have_the_gain_of_what_follows(name):
    net = eqx.nn.MLP(5, 3, 32, 2, getattr(jax.nn, name), key=KEY)
    _, plan = auto(net, jax.ShapeDtypeStruct((4, 5), jnp.float32))
    for path, fan in (("layers.0.weight", 5), ("layers.1.weight", 32)):
        assert plan[path].std == pytest.approx(GAINS[name] / math.sqrt(fan), rel=1e-4)
        assert plan[path].rule == f"{name} follows: times its gain, {GAINS[name]:.3f}"
    assert plan["layers.2.weight"].std == pytest.approx(0.1 / math.sqrt(32))
    assert plan["layers.2.weight"].rule.startswith("readout")
    assert plan["layers.1.bias"].std == plan["layers.1.bias"].mean == 0


@pytest.mark.thorough
def test_a_deep_relu_net_keeps_its_signal():
    """He's theorem: the second moment of a ReLU net's layers stays, in expectation.

    The log of its ratio over L layers of n units has variance s^2 = 5 L / n and mean
    -s^2 / 2 (Hanin and Rolnick, arXiv:1803.01719): 20 layers of 256.
    """
    net = eqx.nn.MLP(256, 256, 256, 20, key=KEY)
    net, _ = auto(net, jax.ShapeDtypeStruct((1, 256), jnp.float32))
    x = jax.random.normal(jax.random.key(1), (256,))
    start = float(jnp.mean(x**2))
    for layer in net.layers[:-1]:
        x = jax.nn.relu(layer(x))
    variance = 5 * 20 / 256
    log = math.log(float(jnp.mean(x**2)) / start)
    assert abs(log + variance / 2) < 5 * math.sqrt(variance)


@pytest.mark.thorough
def test_a_transformer():
    model, plan = auto(eqx.filter_eval_shape(lambda: Gpt(3)), TOKENS)
    for block in range(3):
        at = f"blocks.{block}"
        assert plan[f"{at}.attn.output_proj.weight"].std == pytest.approx(
            1 / math.sqrt(16 * 6)
        )
        assert plan[f"{at}.mlp.layers.1.weight"].std == pytest.approx(
            1 / math.sqrt(64 * 6)
        )
        assert plan[f"{at}.attn.value_proj.weight"].std == pytest.approx(1 / 4)
    assert rules_of(plan)["blocks.0.mlp.layers.1.weight"] == (
        "ends one of 6 residual branches: 1 / sqrt(6)"
    )
    assert plan["embed.weight"].std == 1
    assert plan["norm.weight"].mean == 1
    assert plan.check(model).ok
    assert jnp.isfinite(call(model, jnp.zeros((2, 8), int))).all()


def test_raw_arrays_and_convolutions():
    _, plan = auto(Strange(), TOKENS)
    # Cut into queries, keys and values of heads: fan_in 16, whichever is a stack.
    assert plan["a.p"].std == pytest.approx(1 / 4)
    assert plan["b.t"].std == pytest.approx(1 / math.sqrt(64 * 4))
    assert all(row.status == "set" for row in plan)
    _, plan = auto(eqx.filter_eval_shape(lambda: Resnet(2)), IMAGES)
    assert plan["blocks.1.conv1.weight"].std == pytest.approx(math.sqrt(2 / 72))
    assert plan["blocks.1.conv2.weight"].std == pytest.approx(1 / math.sqrt(144 * 2))


class Recurrent(eqx.Module):
    cell: eqx.nn.LSTMCell
    head: eqx.nn.Linear

    def __init__(self):
        self.cell = eqx.nn.LSTMCell(3, 8, key=KEY)
        self.head = eqx.nn.Linear(8, 2, key=KEY)

    def __call__(self, xs: jax.Array) -> jax.Array:
        state = jnp.zeros(8), jnp.zeros(8)
        (h, _), _ = jax.lax.scan(lambda s, x: (self.cell(x, s), None), state, xs)
        return self.head(h)


def test_a_cell():
    model, plan = auto(Recurrent(), jax.ShapeDtypeStruct((2, 5, 3), jnp.float32))
    for gate in model.cell.weight_hh.reshape(4, 8, 8):
        assert jnp.abs(gate @ gate.T - jnp.eye(8)).max() < 1e-5
    _, forget, _, _ = model.cell.bias.reshape(4, 8)
    assert (forget == 1).all()
    assert float(model.cell.bias.sum()) == 8
    assert "forget gate" in rules_of(plan)["cell.bias"]


class Doubtful(eqx.Module):
    """Raw positive weights, a parameter that the call does without, a gate of data."""

    raw: jax.Array
    spare: jax.Array
    gate: jax.Array

    def __init__(self):
        self.raw, self.spare, self.gate = jnp.ones((4, 3)), jnp.ones(2), jnp.ones(3)

    def __call__(self, x: jax.Array) -> jax.Array:
        return jax.nn.softplus(self.raw) @ (self.gate * x)


def test_what_is_in_doubt_keeps_its_value_and_says_why():
    x = jax.ShapeDtypeStruct((2, 3), jnp.float32)
    model = Doubtful()
    new, plan = auto(model, x)
    assert new.raw is model.raw
    assert new.spare is model.spare
    assert new.gate is model.gate
    why = rules_of(plan)
    assert why["raw"] == ("kept: the model uses softplus of it, and not what is stored")
    assert why["spare"] == "kept: the call does without it"
    assert why["gate"].startswith("kept: in doubt (a factor of data")
    with pytest.raises(ValueError, match="abstract and no rule gives them a value"):
        auto(eqx.filter_eval_shape(Doubtful), x)
    with pytest.raises(ValueError, match="got no array among the arguments"):
        ei.auto(model, KEY, lambda model: model(jnp.ones(3)))


def test_every_row_has_its_reason():
    for model, inputs in ((Gpt(1), TOKENS), (Resnet(1), IMAGES), (Strange(), TOKENS)):
        _, plan = auto(model, inputs)
        assert all(len(why.split()) > 1 for why in rules_of(plan).values())
