"""Models with a forward pass written out by hand, for the probe to agree with.

A case's `forward(model, x, nudge)` computes one example without calling the model. Each
`nudge(path, h)` is where a layer's output is; adding zeros there and differentiating
with respect to them gives the gradient that reaches it.

Weights and data are numpy's: jax's random numbers are compiled anew for every shape,
which would be most of what these tests cost.
"""

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


KEY = jax.random.key(0)


def normal(*shape: int, seed: int = 0, dtype: Any = jnp.float32) -> jax.Array:
    """Standard normal numbers."""
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def filled(make: Callable[[], Any], seed: int = 0) -> Any:
    """What `make()` returns, with normal numbers for parameters.

    Matrices are divided by the square root of their last axis, so that deep models keep
    their scale; biases are small enough to leave room for a variance of one.
    """
    rng = np.random.default_rng(seed)

    def draw(leaf: Any) -> Any:
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        size = leaf.shape[-1] ** -0.5 if leaf.ndim > 1 else 0.3
        return jnp.asarray(size * rng.normal(size=leaf.shape), leaf.dtype)

    return jax.tree.map(draw, eqx.filter_eval_shape(make))


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, an example-wise loss through the model, and the same by hand."""

    model: Any
    loss: Callable[[Any, Any], Any]
    forward: Callable[[Any, Any, Callable[[str, Any], Any]], Any]
    x: Any  # (batch, ...)


def by_hand(case: Case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Path to (outputs, gradients), over the batch, in the order of computation."""
    seen, grads = _outputs_and_gradients(case.forward, case.model, case.x)
    return {p: (_wide(seen[p]), _wide(grads[p])) for p in seen}


def outputs_by_hand(case: Case) -> dict[str, np.ndarray]:
    """The outputs alone."""

    @jax.jit
    @jax.vmap
    def run(x: Any) -> Any:
        seen: dict[str, Any] = {}
        case.forward(case.model, x, lambda p, h: seen.setdefault(p, h))
        return seen

    return {p: _wide(h) for p, h in run(case.x).items()}


# Cases that differ in numbers alone are compiled once.
@eqx.filter_jit
def _outputs_and_gradients(forward: Any, model: Any, x: Any) -> Any:
    def run(nudges: Any, x: Any) -> tuple[Any, Any]:
        # A plain dict would come out of `jit` sorted by path.
        seen: Any = collections.OrderedDict()

        def nudge(path: str, h: Any) -> Any:
            seen[path] = h
            return h + nudges[path] if path in nudges else h

        return forward(model, x, nudge), seen

    def total(nudges: Any) -> tuple[Any, Any]:
        losses, seen = jax.vmap(run)(nudges, x)
        return jnp.mean(losses), seen

    shapes = jax.eval_shape(jax.vmap(lambda one: run({}, one)[1]), x)
    zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    grads, seen = jax.grad(total, has_aux=True)(zeros)
    return seen, grads


def _wide(a: Any) -> np.ndarray:
    return np.asarray(a, np.complex128 if jnp.iscomplexobj(a) else np.float64)


def member_of(stacked: Any, i: int) -> Any:
    """One member of an ensemble, one slice of a stack."""
    return jax.tree.map(lambda a: a[i] if eqx.is_array(a) else a, stacked)


def mean_loss(model: Any, case_loss: Callable[[Any, Any], Any], x: Any) -> Any:
    return jnp.mean(jax.vmap(case_loss, in_axes=(None, 0))(model, x))


def _square(out: Any) -> Any:
    return jnp.sum(jnp.square(out))


def _loss(m: Any, x: Any) -> Any:
    return _square(m(x))


def linear(layer: Any, x: Any) -> Any:
    return layer.weight @ x + layer.bias


def _layer_norm(layer: Any, x: Any) -> Any:
    centred = x - jnp.mean(x)
    scale = jax.lax.rsqrt(jnp.mean(jnp.square(centred)) + layer.eps)
    return centred * scale * layer.weight + layer.bias


def mlp(depth: int = 3) -> Case:
    model = filled(lambda: eqx.nn.MLP(6, 3, 16, depth, key=KEY))

    def forward(m: Any, x: Any, nudge: Any) -> Any:
        for i, layer in enumerate(m.layers):
            x = nudge(f"layers.{i}", linear(layer, x))
            x = jax.nn.relu(x) if i < len(m.layers) - 1 else x
        return _square(x)

    return Case(model, _loss, forward, normal(32, 6))


class CNN(eqx.Module):
    convs: list[eqx.nn.Conv2d]
    head: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        for conv in self.convs:
            x = jnp.tanh(conv(x))
        return self.head(jnp.mean(x, axis=(1, 2)))


def cnn() -> Case:
    def make():
        first = eqx.nn.Conv2d(2, 8, 3, padding=1, key=KEY)
        second = eqx.nn.Conv2d(8, 6, 3, stride=2, key=KEY)
        return CNN([first, second], eqx.nn.Linear(6, 3, key=KEY))

    model = filled(make)

    def forward(m: Any, x: Any, nudge: Any) -> Any:
        for i, (stride, padding) in enumerate(((1, "SAME"), (2, "VALID"))):
            conv = m.convs[i]
            x = jax.lax.conv(x[None], conv.weight, (stride, stride), padding)[0]
            x = jnp.tanh(nudge(f"convs.{i}", x + conv.bias))
        return _square(nudge("head", linear(m.head, jnp.mean(x, axis=(1, 2)))))

    return Case(model, _loss, forward, normal(5, 2, 8, 8))


class Block(eqx.Module):
    norm1: eqx.nn.LayerNorm
    attn: eqx.nn.MultiheadAttention
    norm2: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, size: int, heads: int, key: Any):
        keys = jax.random.split(key, 3)
        self.norm1 = eqx.nn.LayerNorm(size)
        self.attn = eqx.nn.MultiheadAttention(
            heads,
            size,
            use_query_bias=True,
            use_key_bias=True,
            use_value_bias=True,
            use_output_bias=True,
            key=keys[0],
        )
        self.norm2 = eqx.nn.LayerNorm(size)
        self.up = eqx.nn.Linear(size, 2 * size, key=keys[1])
        self.down = eqx.nn.Linear(2 * size, size, key=keys[2])

    def __call__(self, x: Any) -> Any:
        h = jax.vmap(self.norm1)(x)
        x = x + self.attn(h, h, h)
        h = jax.vmap(self.norm2)(x)
        return x + jax.vmap(lambda t: self.down(jax.nn.gelu(self.up(t))))(h)


def block_by_hand(b: Block, x: Any, path: str, nudge: Any) -> Any:
    """One pre-norm block; `x` is (tokens, size)."""

    def each(fn, name, layer, h):
        return nudge(f"{path}.{name}", jax.vmap(fn, in_axes=(None, 0))(layer, h))

    h = each(_layer_norm, "norm1", b.norm1, x)
    q, k, v = (
        each(linear, f"attn.{n}_proj", getattr(b.attn, f"{n}_proj"), h)
        for n in ("query", "key", "value")
    )
    heads = b.attn.num_heads
    q, k, v = (a.reshape(len(a), heads, -1) for a in (q, k, v))
    logits = jnp.einsum("shd,Shd->hsS", q, k) / np.sqrt(q.shape[-1]).astype(np.float32)
    mixed = jnp.einsum("hsS,Shd->shd", jax.nn.softmax(logits, axis=-1), v)
    out = mixed.reshape(len(mixed), -1)
    x = x + each(linear, "attn.output_proj", b.attn.output_proj, out)
    h = each(_layer_norm, "norm2", b.norm2, x)
    h = jax.nn.gelu(each(linear, "up", b.up, h))
    return x + each(linear, "down", b.down, h)


class Transformer(eqx.Module):
    embed: eqx.nn.Embedding
    blocks: list[Block]
    head: eqx.nn.Linear

    def __call__(self, tokens: Any) -> Any:
        x = jax.vmap(self.embed)(tokens)
        for block in self.blocks:
            x = block(x)
        return jax.vmap(self.head)(x)


def transformer(depth: int = 1) -> Case:
    def make():
        embed = eqx.nn.Embedding(11, 8, key=KEY)
        blocks = [Block(8, 2, KEY) for _ in range(depth)]
        return Transformer(embed, blocks, eqx.nn.Linear(8, 11, key=KEY))

    model = filled(make)

    def forward(m: Any, tokens: Any, nudge: Any) -> Any:
        x = nudge("embed", m.embed.weight[tokens])
        for i, block in enumerate(m.blocks):
            x = block_by_hand(block, x, f"blocks.{i}", nudge)
        logits = jax.vmap(linear, in_axes=(None, 0))(m.head, x)
        return _square(nudge("head", logits))

    tokens = np.random.default_rng(0).integers(0, 11, (4, 7))
    return Case(model, _loss, forward, jnp.asarray(tokens))


class Residual(eqx.Module):
    norm: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        return x + self.down(jnp.tanh(self.up(self.norm(x))))


class Scanned(eqx.Module):
    """Blocks stacked along a leading axis and scanned, each one rematerialised."""

    blocks: Residual
    head: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        @jax.checkpoint
        def body(h: Any, layer: Any) -> tuple[Any, None]:
            return eqx.combine(layer, static)(h), None

        x, _ = jax.lax.scan(body, x, arrays)
        return self.head(x)


def scanned() -> Case:
    def block(key: Any) -> Residual:
        up, down = (eqx.nn.Linear(*s, key=key) for s in ((8, 16), (16, 8)))
        return Residual(eqx.nn.LayerNorm(8), up, down)

    def make():
        blocks = eqx.filter_vmap(block)(jax.random.split(KEY, 3))
        return Scanned(blocks, eqx.nn.Linear(8, 4, key=KEY))

    def forward(m: Any, x: Any, nudge: Any) -> Any:
        for i in range(3):
            b = member_of(m.blocks, i)
            h = nudge(f"blocks.norm[{i}]", _layer_norm(b.norm, x))
            h = jnp.tanh(nudge(f"blocks.up[{i}]", linear(b.up, h)))
            x = x + nudge(f"blocks.down[{i}]", linear(b.down, h))
        return _square(nudge("head", linear(m.head, x)))

    return Case(filled(make), _loss, forward, normal(8, 8))


CASES: dict[str, Callable[[], Case]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": transformer,
    "scanned": scanned,
}
