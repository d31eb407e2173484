"""What the output of a kernel meets: a function, a stream, a norm, the caller."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jax import lax

import eqinit as ei


nn = eqx.nn
KEY = jax.random.key(0)


def floats(*shape: int) -> Any:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def traced(call: Callable[..., Any], shapes: dict[str, Any], *inputs: Any) -> Any:
    return ei.trace_layouts({k: floats(*s) for k, s in shapes.items()}, call, *inputs)


def two_layers(phi: Callable[[Any], Any]) -> Any:
    return traced(
        lambda m, x: m["v"] @ phi(m["w"] @ x + m["b"]),
        {"w": (6, 8), "b": (6,), "v": (3, 6)},
        floats(8),
    )


# By jax.nn, and written by hand.
ACTIVATIONS = {
    "relu": (jax.nn.relu, lambda x: jnp.where(x > 0, x, 0.0)),
    "tanh": (jnp.tanh, lambda x: 2 / (1 + jnp.exp(-2 * x)) - 1),
    "silu": (jax.nn.silu, lambda x: x / (1 + jnp.exp(-x))),
    "gelu": (jax.nn.gelu, lambda x: x * (1 + lax.erf(x / 2**0.5)) / 2),
    "softplus": (jax.nn.softplus, lambda x: jnp.log1p(jnp.exp(x))),
    "sigmoid": (jax.nn.sigmoid, lambda x: 1 - 1 / (1 + jnp.exp(x))),
    "elu": (jax.nn.elu, lambda x: jnp.where(x > 0, x, jnp.exp(x) - 1)),
    "leaky_relu": (jax.nn.leaky_relu, lambda x: jnp.maximum(x, 0.01 * x)),
    "square": (jnp.square, lambda x: x**2),
    "identity": (lambda x: x, lambda x: 3 * x),
    "?": (lambda x: jnp.sin(jnp.exp(x)), lambda x: jnp.tanh(2 * x)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("by_hand", [False, True])
def test_activations_are_known_by_what_they_compute(name: str, by_hand: bool):
    rows = two_layers(ACTIVATIONS[name][by_hand])
    assert rows["w"].activation == name
    assert rows["v"].activation == "identity"
    assert (rows["w"].readout, rows["v"].readout) == (False, True)


def test_what_is_between_does_not_hide_an_activation():
    def call(m, x, key):
        y = m["w"] @ x * m["g"] + m["b"]
        y = jnp.where(jax.random.bernoulli(key, 0.5, y.shape), y / 0.5, 0.0)
        y = y.reshape(2, 3).astype(jnp.bfloat16).astype(jnp.float32)
        return m["v"] @ jax.nn.relu(y.T.ravel())

    shapes = {"w": (6, 8), "g": (6,), "b": (6,), "v": (3, 6)}
    rows = traced(call, shapes, floats(8), jax.random.key(0))
    assert rows["w"].activation == "relu"


def test_gates_have_functions_of_their_own():
    cell = nn.LSTMCell(4, 6, key=KEY)
    rows = ei.trace_layouts(
        cell, lambda m, x, h, c: m(x, (h, c)), floats(4), floats(6), floats(6)
    )
    assert rows["weight_ih"].activation == "sigmoid, sigmoid, tanh, sigmoid"
    swiglu = traced(
        lambda m, x: (lambda a, b: jax.nn.silu(a) * b)(*jnp.split(x @ m["w"], 2, -1)),
        {"w": (8, 12)},
        floats(5, 8),
    )
    assert swiglu["w"].activation == "silu, identity"


def test_softmax():
    rows = traced(lambda m, x: jax.nn.softmax(x @ m["w"]), {"w": (8, 6)}, floats(5, 8))
    assert rows["w"].activation == "softmax"
    assert rows["w"].readout


class Attention(eqx.Module):
    """A block as in GPT-2, or with its norms behind the sums."""

    attn: nn.MultiheadAttention
    mlp: nn.MLP
    norms: list[nn.LayerNorm]
    before: bool = eqx.field(static=True)

    def __init__(self, before: bool):
        self.attn = nn.MultiheadAttention(2, 8, key=KEY)
        self.mlp = nn.MLP(8, 8, 16, 1, activation=jax.nn.gelu, key=KEY)
        self.norms, self.before = [nn.LayerNorm(8), nn.LayerNorm(8)], before

    def __call__(self, x):
        for norm, branch in zip(self.norms, (self._mix, self._feed), strict=True):
            y = jax.vmap(norm)(x) if self.before else x
            x = x + branch(y)
            x = x if self.before else jax.vmap(norm)(x)
        return x

    def _mix(self, x):
        return self.attn(x, x, x)

    def _feed(self, x):
        return jax.vmap(self.mlp)(x)


class Transformer(eqx.Module):
    embed: nn.Embedding
    blocks: list[Attention]
    norm: nn.LayerNorm
    head: nn.Linear

    def __init__(self, before: bool):
        self.embed = nn.Embedding(11, 8, key=KEY)
        self.blocks = [Attention(before) for _ in range(3)]
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 11, key=KEY)

    def __call__(self, tokens):
        x = jax.vmap(self.embed)(tokens)
        for block in self.blocks:
            x = block(x)
        return jax.vmap(self.head)(jax.vmap(self.norm)(x))


@pytest.mark.parametrize("before", [True, False], ids=["pre-norm", "post-norm"])
def test_branches_of_a_transformer(before: bool):
    model = eqx.filter_eval_shape(Transformer, before)
    tokens = jax.ShapeDtypeStruct((5,), jnp.int32)
    rows = ei.trace_layouts(model, lambda m, x: m(x), tokens)
    ends = {row.path: row.residual for row in rows if row.residual}
    assert ends == {
        f"blocks.{i}.{name}.weight": 2 * i + j
        for i in range(3)
        for j, name in ((1, "attn.output_proj"), (2, "mlp.layers.1"))
    }
    assert {rows[path].residual_count for path in ends} == {6}
    assert [row.path for row in rows if row.readout] == ["head.weight"]
    assert {rows[path].normalised for path in ends} == {True}
    assert rows["blocks.1.mlp.layers.0.weight"].activation == "gelu"
    assert not rows["blocks.1.mlp.layers.0.weight"].normalised
    assert rows["blocks.0.attn.query_proj.weight"].activation == "identity"


def test_branches_of_a_convolutional_net():
    def call(m, x):
        for i in range(2):
            y = jax.nn.relu(norm(conv(x, m["w"][i])))
            x = jax.nn.relu(x + norm(conv(y, m["v"][i])))
        return x.mean((1, 2)) @ m["head"]

    def conv(x, w):
        numbers = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=numbers)

    def norm(x):
        mean = x.mean((0, 1, 2), keepdims=True)
        return (x - mean) / jnp.sqrt(x.var((0, 1, 2), keepdims=True) + 1e-5)

    shapes = {"w": (2, 3, 3, 4, 4), "v": (2, 3, 3, 4, 4), "head": (4, 3)}
    rows = traced(call, shapes, floats(2, 8, 8, 4))
    assert (rows["v"].residual, rows["v"].residual_count) == (1, 2)
    assert rows["w"].residual is None
    assert rows["w"].activation == rows["v"].activation == "relu"
    assert rows["w"].normalised
    assert rows["head"].readout


def test_a_scan_passes_its_sums_as_often_as_it_is_long():
    def call(m, x):
        def block(x, p):
            x = x + jnp.tanh(x @ p["w"]) @ p["v"]
            return x + jnp.tanh(x @ p["u"]), None

        stack = {name: m[name] for name in ("w", "v", "u")}
        return lax.scan(block, x @ m["first"], stack)[0] @ m["last"]

    shapes = {"w": (5, 8, 8), "v": (5, 8, 8), "u": (5, 8, 8)}
    shapes |= {"first": (4, 8), "last": (8, 3)}
    rows = traced(call, shapes, floats(7, 4))
    # Two in each of the five rounds; the first time is said.
    assert (rows["v"].residual, rows["v"].residual_count) == (1, 10)
    assert (rows["u"].residual, rows["u"].residual_count) == (2, 10)
    assert rows["w"].residual is None
    assert [row.path for row in rows if row.readout] == ["last"]


def test_a_sum_of_two_kernels_is_no_branch():
    rows = traced(
        lambda m, x, h: jnp.tanh(x @ m["w"] + h @ m["u"]),
        {"w": (4, 6), "u": (6, 6)},
        floats(4),
        floats(6),
    )
    assert rows["w"].residual is None
    assert rows["u"].residual is None
    assert rows["u"].activation == "tanh"
