"""Models with a forward pass written out by hand, for the probe to agree with.

A case's `forward(model, x, nudge)` computes one example without calling the model. Each
`nudge(path, h)` is where a layer's output is; adding zeros there and differentiating
with respect to them gives the gradient that reaches it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, an example-wise loss through the model, and the same by hand."""

    model: Any
    loss: Callable[[Any, Any], Any]
    forward: Callable[[Any, Any, Callable[[str, Any], Any]], Any]
    x: Any  # (batch, ...)


def by_hand(case: Case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Path to (outputs, gradients), over the batch, in the order of computation."""

    def run(nudges: dict[str, Any], x: Any) -> tuple[Any, dict[str, Any]]:
        seen: dict[str, Any] = {}

        def nudge(path: str, h: Any) -> Any:
            seen[path] = h
            return h + nudges[path] if path in nudges else h

        return case.forward(case.model, x, nudge), seen

    shapes = jax.eval_shape(lambda x: run({}, x)[1], case.x[0])
    batch = len(case.x)
    zeros = {p: jnp.zeros((batch, *s.shape), s.dtype) for p, s in shapes.items()}

    def total(nudges: dict[str, Any]) -> tuple[Any, Any]:
        losses, seen = jax.vmap(run)(nudges, case.x)
        return jnp.mean(losses), seen

    grads, seen = jax.jit(jax.grad(total, has_aux=True))(zeros)
    wide = np.complex128 if _any_complex(seen) else np.float64
    order: list[str] = []
    case.forward(case.model, case.x[0], lambda p, h: (order.append(p), h)[1])
    return {p: (np.asarray(seen[p], wide), np.asarray(grads[p], wide)) for p in order}


def member_of(stacked: Any, i: int) -> Any:
    """One member of an ensemble, one slice of a stack."""
    return jax.tree.map(lambda a: a[i] if eqx.is_array(a) else a, stacked)


def _any_complex(tree: Any) -> bool:
    return any(jnp.iscomplexobj(x) for x in jax.tree.leaves(tree))


def mean_loss(model: Any, case_loss: Callable[[Any, Any], Any], x: Any) -> Any:
    return jnp.mean(jax.vmap(case_loss, in_axes=(None, 0))(model, x))


def _square(out: Any) -> Any:
    return jnp.sum(jnp.square(out))


def linear(layer: Any, x: Any) -> Any:
    return layer.weight @ x + layer.bias


def _layer_norm(layer: Any, x: Any) -> Any:
    centred = x - jnp.mean(x)
    scale = jax.lax.rsqrt(jnp.mean(jnp.square(centred)) + layer.eps)
    return centred * scale * layer.weight + layer.bias


def mlp(depth: int = 4) -> Case:
    key, data = jax.random.split(jax.random.key(0))
    model = eqx.nn.MLP(6, 3, 16, depth, key=key)

    def forward(m: Any, x: Any, nudge: Any) -> Any:
        for i, layer in enumerate(m.layers):
            x = nudge(f"layers.{i}", linear(layer, x))
            x = jax.nn.relu(x) if i < len(m.layers) - 1 else x
        return _square(x)

    def loss(m, x):
        return _square(m(x))

    return Case(model, loss, forward, jax.random.normal(data, (32, 6)))


class CNN(eqx.Module):
    convs: list[eqx.nn.Conv2d]
    head: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        for conv in self.convs:
            x = jnp.tanh(conv(x))
        return self.head(jnp.mean(x, axis=(1, 2)))


def cnn() -> Case:
    keys = jax.random.split(jax.random.key(1), 4)
    convs = [
        eqx.nn.Conv2d(2, 8, 3, padding=1, key=keys[0]),
        eqx.nn.Conv2d(8, 6, 3, stride=2, key=keys[1]),
    ]
    model = CNN(convs, eqx.nn.Linear(6, 3, key=keys[2]))

    def forward(m: Any, x: Any, nudge: Any) -> Any:
        for i, (stride, padding) in enumerate(((1, "SAME"), (2, "VALID"))):
            conv = m.convs[i]
            x = jax.lax.conv(x[None], conv.weight, (stride, stride), padding)[0]
            x = jnp.tanh(nudge(f"convs.{i}", x + conv.bias))
        return _square(nudge("head", linear(m.head, jnp.mean(x, axis=(1, 2)))))

    def loss(m, x):
        return _square(m(x))

    return Case(model, loss, forward, jax.random.normal(keys[3], (5, 2, 8, 8)))


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


def transformer() -> Case:
    keys = jax.random.split(jax.random.key(2), 5)
    model = Transformer(
        eqx.nn.Embedding(11, 8, key=keys[0]),
        [Block(8, 2, key) for key in keys[1:3]],
        eqx.nn.Linear(8, 11, key=keys[3]),
    )

    def forward(m: Any, tokens: Any, nudge: Any) -> Any:
        x = nudge("embed", m.embed.weight[tokens])
        for i, block in enumerate(m.blocks):
            x = block_by_hand(block, x, f"blocks.{i}", nudge)
        logits = jax.vmap(linear, in_axes=(None, 0))(m.head, x)
        return _square(nudge("head", logits))

    def loss(m, tokens):
        return _square(m(tokens))

    return Case(model, loss, forward, jax.random.randint(keys[4], (4, 7), 0, 11))


class Scanned(eqx.Module):
    """Blocks stacked along a leading axis and scanned, each one rematerialised."""

    blocks: Block
    head: eqx.nn.Linear

    def __call__(self, x: Any) -> Any:
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        @jax.checkpoint
        def body(h: Any, layer: Any) -> tuple[Any, None]:
            return eqx.combine(layer, static)(h), None

        x, _ = jax.lax.scan(body, x, arrays)
        return jax.vmap(self.head)(x)


def scanned() -> Case:
    keys = jax.random.split(jax.random.key(3), 3)
    blocks = eqx.filter_vmap(lambda k: Block(8, 2, k))(jax.random.split(keys[0], 3))
    model = Scanned(blocks, eqx.nn.Linear(8, 4, key=keys[1]))

    def forward(m: Any, x: Any, nudge: Any) -> Any:
        for i in range(3):
            block = member_of(m.blocks, i)

            def indexed(path, h, i=i):
                return nudge(f"{path}[{i}]", h)

            x = block_by_hand(block, x, "blocks", indexed)
        out = jax.vmap(linear, in_axes=(None, 0))(m.head, x)
        return _square(nudge("head", out))

    def loss(m, x):
        return _square(m(x))

    return Case(model, loss, forward, jax.random.normal(keys[2], (4, 5, 8)))


CASES: dict[str, Callable[[], Case]] = {
    "mlp": mlp,
    "cnn": cnn,
    "transformer": transformer,
    "scanned": scanned,
}
