"""Models that can be called, for recipes that read a trace."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp


KEY = jax.random.key(0)


class Block(eqx.Module):
    """A block whose MLP's last layer has no name of its own."""

    norm1: eqx.nn.LayerNorm
    attn: eqx.nn.MultiheadAttention
    norm2: eqx.nn.LayerNorm
    mlp: eqx.nn.MLP

    def __init__(self, width: int, key: Any = KEY):
        a, b = jax.random.split(key)
        self.norm1, self.norm2 = eqx.nn.LayerNorm(width), eqx.nn.LayerNorm(width)
        self.attn = eqx.nn.MultiheadAttention(4, width, key=a)
        self.mlp = eqx.nn.MLP(width, width, 4 * width, 1, jax.nn.gelu, key=b)

    def __call__(self, x: jax.Array) -> jax.Array:
        h = jax.vmap(self.norm1)(x)
        x = x + self.attn(h, h, h, mask=jnp.tri(len(x), dtype=bool))
        return x + jax.vmap(lambda row: self.mlp(self.norm2(row)))(x)


class Gpt(eqx.Module):
    embed: eqx.nn.Embedding
    blocks: list[Block]
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self, layers: int, width: int = 16, key: Any = KEY):
        keys = iter(jax.random.split(key, layers + 2))
        self.embed = eqx.nn.Embedding(20, width, key=next(keys))
        self.blocks = [Block(width, next(keys)) for _ in range(layers)]
        self.norm = eqx.nn.LayerNorm(width)
        self.head = eqx.nn.Linear(width, 20, use_bias=False, key=next(keys))

    def __call__(self, tokens: jax.Array) -> jax.Array:
        x = jax.vmap(self.embed)(tokens)
        for block in self.blocks:
            x = block(x)
        return jax.vmap(lambda row: self.head(self.norm(row)))(x)


class Scanned(eqx.Module):
    """The same with its blocks in one stack."""

    embed: eqx.nn.Embedding
    blocks: Block
    head: eqx.nn.Linear

    def __init__(self, layers: int, width: int = 16):
        self.embed = eqx.nn.Embedding(20, width, key=KEY)
        keys = jax.random.split(KEY, layers)
        self.blocks = eqx.filter_vmap(lambda key: Block(width, key))(keys)
        self.head = eqx.nn.Linear(width, 20, key=KEY)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        x = jax.vmap(self.embed)(tokens)
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        def body(x: jax.Array, block: Any) -> tuple[jax.Array, None]:
            return eqx.combine(block, static)(x), None

        return jax.vmap(self.head)(jax.lax.scan(body, x, arrays)[0])


class Strange(eqx.Module):
    """Raw arrays, names that say nothing, and no list: a trace or nothing."""

    e: jax.Array
    a: dict[str, jax.Array]
    b: dict[str, jax.Array]
    o: jax.Array

    def __init__(self, width: int = 16):
        def block() -> dict[str, jax.Array]:
            return {
                "g": jnp.ones(width),
                "p": jnp.zeros((width, 3, 4, width // 4)),
                "q": jnp.zeros((4, width // 4, width)),
                "h": jnp.ones(width),
                "r": jnp.zeros((width, 4 * width)),
                "s": jnp.zeros(4 * width),
                "t": jnp.zeros((4 * width, width)),
            }

        self.e, self.o = jnp.zeros((20, width)), jnp.zeros((width, 20))
        self.a, self.b = block(), block()

    def __call__(self, tokens: jax.Array) -> jax.Array:
        x = self.e[tokens]
        for w in (self.a, self.b):
            q, k, v = jnp.einsum("td,dcnk->ctnk", _norm(x) * w["g"][None], w["p"])
            scores = jax.nn.softmax(jnp.einsum("tnk,snk->nts", q, k))
            x = x + jnp.einsum("nts,snk,nkd->td", scores, v, w["q"])
            x = (
                x
                + jax.nn.gelu((_norm(x) * w["h"][None]) @ w["r"] + w["s"][None])
                @ w["t"]
            )
        return _norm(x) @ self.o


def _norm(x: jax.Array) -> jax.Array:
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)


class ResBlock(eqx.Module):
    conv1: eqx.nn.Conv2d
    conv2: eqx.nn.Conv2d

    def __init__(self):
        self.conv1 = eqx.nn.Conv2d(8, 16, 3, padding=1, key=KEY)
        self.conv2 = eqx.nn.Conv2d(16, 8, 3, padding=1, key=KEY)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.conv2(jax.nn.relu(self.conv1(jax.nn.relu(x))))


class Resnet(eqx.Module):
    stem: eqx.nn.Conv2d
    blocks: list[ResBlock]
    head: eqx.nn.Linear

    def __init__(self, layers: int):
        self.stem = eqx.nn.Conv2d(3, 8, 3, padding=1, key=KEY)
        self.blocks = [ResBlock() for _ in range(layers)]
        self.head = eqx.nn.Linear(8, 10, key=KEY)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((1, 2)))


TOKENS = jax.ShapeDtypeStruct((2, 8), jnp.int32)
IMAGES = jax.ShapeDtypeStruct((2, 3, 8, 8), jnp.float32)


def call(model: Any, inputs: jax.Array) -> jax.Array:
    return jax.vmap(model)(inputs)
