"""Models of Equinox that compute what those of `references/torch_models.py` do.

Written as one would write them in Equinox: with names of their own, lists of blocks,
Equinox's attention and cells. `rename` is what `load_weights` has to be told.
"""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp


nn = eqx.nn
KEY = jax.random.key(0)
BIASED = {f"use_{part}_bias": True for part in ("query", "key", "value", "output")}


def attention() -> nn.MultiheadAttention:
    return nn.MultiheadAttention(2, 8, **BIASED, key=KEY)


class Recurrent(eqx.Module):
    """Two layers in two directions."""

    forward: list[Any]
    backward: list[Any]

    def __init__(self, cell: Any):
        self.forward = [cell(size, 4, key=KEY) for size in (3, 8)]
        self.backward = [cell(size, 4, key=KEY) for size in (3, 8)]

    def __call__(self, x: jax.Array) -> jax.Array:
        for forward, backward in zip(self.forward, self.backward, strict=True):
            there, back = run(forward, x), run(backward, x[::-1])[::-1]
            x = jnp.concatenate([there, back], 1)
        return x


def run(cell: Any, x: jax.Array) -> jax.Array:
    zero = jnp.zeros(4)
    twice = isinstance(cell, nn.LSTMCell)

    def step(state: Any, one: jax.Array) -> Any:
        state = cell(one, state)
        return state, state[0] if twice else state

    return jax.lax.scan(step, (zero, zero) if twice else zero, x)[1]


class Block(eqx.Module):
    """One block of a transformer, with its norms in front of the branches or behind."""

    norm1: nn.LayerNorm
    attn: nn.MultiheadAttention
    norm2: nn.LayerNorm
    up: nn.Linear
    down: nn.Linear
    behind: bool = eqx.field(static=True)
    activation: Any = eqx.field(static=True)

    def __init__(self, hidden: int, eps: float, activation: Any, behind: bool):
        self.norm1, self.norm2 = nn.LayerNorm(8, eps), nn.LayerNorm(8, eps)
        self.attn = attention()
        self.up = nn.Linear(8, hidden, key=KEY)
        self.down = nn.Linear(hidden, 8, key=KEY)
        self.behind, self.activation = behind, activation

    def mlp(self, x: jax.Array) -> jax.Array:
        return jax.vmap(self.down)(self.activation(jax.vmap(self.up)(x)))

    def __call__(self, x: jax.Array, mask: Any = None) -> jax.Array:
        norm1, norm2 = jax.vmap(self.norm1), jax.vmap(self.norm2)
        if self.behind:
            x = norm1(x + self.attn(x, x, x, mask))
            return norm2(x + self.mlp(x))
        y = norm1(x)
        x = x + self.attn(y, y, y, mask)
        return x + self.mlp(norm2(x))


exact_gelu = functools.partial(jax.nn.gelu, approximate=False)


class Encoder(eqx.Module):
    blocks: list[Block]

    def __init__(self):
        self.blocks = [Block(12, 1e-5, jax.nn.relu, True) for _ in range(2)]

    def __call__(self, x: jax.Array) -> jax.Array:
        for block in self.blocks:
            x = block(x)
        return x


class Vit(eqx.Module):
    patch: nn.Conv2d
    cls_token: jax.Array
    pos_embed: jax.Array
    blocks: list[Block]
    norm: nn.LayerNorm
    head: nn.Linear

    def __init__(self):
        self.patch = nn.Conv2d(3, 8, 4, 4, key=KEY)
        self.cls_token, self.pos_embed = jnp.zeros(8), jnp.zeros((5, 8))
        self.blocks = [Block(32, 1e-6, exact_gelu, False) for _ in range(2)]
        self.norm, self.head = nn.LayerNorm(8, 1e-6), nn.Linear(8, 5, key=KEY)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.patch(x).reshape(8, -1).T
        x = jnp.concatenate([self.cls_token[None], x]) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[0]))


class Gpt2(eqx.Module):
    tokens: nn.Embedding
    positions: nn.Embedding
    blocks: list[Block]
    norm: nn.LayerNorm

    def __init__(self):
        self.tokens = nn.Embedding(20, 8, key=KEY)
        self.positions = nn.Embedding(8, 8, key=KEY)
        self.blocks = [Block(32, 1e-5, jax.nn.gelu, False) for _ in range(2)]
        self.norm = nn.LayerNorm(8)

    def __call__(self, ids: jax.Array) -> jax.Array:
        x = jax.vmap(self.tokens)(ids) + self.positions.weight[: len(ids)]
        mask = jnp.tril(jnp.ones((len(ids), len(ids)), bool))
        for block in self.blocks:
            x = block(x, mask)
        return jax.vmap(self.norm)(x) @ self.tokens.weight.T


class Bert(eqx.Module):
    words: nn.Embedding
    positions: nn.Embedding
    segments: nn.Embedding
    norm: nn.LayerNorm
    blocks: list[Block]

    def __init__(self):
        self.words, self.positions, self.segments = (
            nn.Embedding(size, 8, key=KEY) for size in (20, 8, 2)
        )
        self.norm = nn.LayerNorm(8, 1e-12)
        self.blocks = [Block(12, 1e-12, exact_gelu, True) for _ in range(2)]

    def __call__(self, ids: jax.Array) -> jax.Array:
        x = jax.vmap(self.words)(ids) + self.positions.weight[: len(ids)]
        x = jax.vmap(self.norm)(x + self.segments.weight[:1])
        for block in self.blocks:
            x = block(x)
        return x


def conv(ins: int, out: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(ins, out, size, stride, padding=size // 2, use_bias=False, key=KEY)


def norm(channels: int) -> nn.BatchNorm:
    return nn.BatchNorm(channels, "batch", mode="batch")


class Residual(eqx.Module):
    conv1: nn.Conv2d
    norm1: nn.BatchNorm
    conv2: nn.Conv2d
    norm2: nn.BatchNorm
    shortcut: nn.Sequential | None

    def __init__(self, ins: int, out: int, stride: int):
        self.conv1, self.norm1 = conv(ins, out, 3, stride), norm(out)
        self.conv2, self.norm2 = conv(out, out, 3), norm(out)
        same = ins == out and stride == 1
        parts = [conv(ins, out, 1, stride), norm(out)]
        self.shortcut = None if same else nn.Sequential(parts)

    def __call__(self, x: jax.Array, state: Any) -> Any:
        y, state = self.norm1(self.conv1(x), state)
        y, state = self.norm2(self.conv2(jax.nn.relu(y)), state)
        if self.shortcut is not None:
            x, state = self.shortcut(x, state)
        return jax.nn.relu(x + y), state


class Resnet(eqx.Module):
    stem: nn.Sequential
    stem_norm: nn.BatchNorm
    blocks: list[Residual]
    head: nn.Linear

    def __init__(self):
        first = [conv(3, 2, 3, 2), norm(2), nn.Lambda(jax.nn.relu)]
        second = [conv(2, 2, 3), norm(2), nn.Lambda(jax.nn.relu)]
        self.stem = nn.Sequential([*first, *second, conv(2, 4, 3)])
        self.stem_norm = norm(4)
        sizes = [(4, 4, 1), (4, 4, 2), (4, 8, 2), (8, 8, 2)]
        self.blocks = [Residual(*size) for size in sizes]
        self.head = nn.Linear(8, 5, key=KEY)

    def __call__(self, x: jax.Array, state: Any) -> jax.Array:
        x, state = self.stem(x, state)
        x, state = self.stem_norm(x, state)
        x = nn.MaxPool2d(3, 2, padding=1)(jax.nn.relu(x))
        for block in self.blocks:
            x, state = block(x, state)
        return self.head(x.mean((1, 2)))
