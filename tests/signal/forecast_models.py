"""Models for the forecast to agree with a probe on, skeletons with rules and inputs.

Narrow, so that a probe of a few draws is cheap; the forecast is of any width.
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from by_hand import KEY, normal

import eqinit as ei


LECUN = ei.Rule(eqx.nn.Linear, weight=ei.LecunNormal(), bias=ei.Zeros())
HE = ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Zeros())


@dataclasses.dataclass(frozen=True)
class Case:
    """A skeleton, its rules, and a batch.

    - `no_gradient`: rows of which the gradient is not known.
    """

    make: Callable[[], Any]
    rules: list[Any]
    x: Any
    no_gradient: tuple[int, ...] = ()


def mlp(activation: Any, rule: Any) -> Case:
    def make() -> Any:
        return eqx.nn.MLP(16, 64, 128, 8, activation, key=KEY)

    return Case(make, [rule], normal(64, 16))


class CNN(eqx.Module):
    """Padded convolutions, and a mean over positions in front of the head."""

    convs: list[eqx.nn.Conv2d]
    head: eqx.nn.Linear

    def __init__(self) -> None:
        widths = [3] + [48] * 6
        pairs = itertools.pairwise(widths)
        self.convs = [eqx.nn.Conv2d(i, o, 3, padding=1, key=KEY) for i, o in pairs]
        self.head = eqx.nn.Linear(48, 64, key=KEY)

    def __call__(self, x: Any) -> Any:
        for conv in self.convs:
            x = jax.nn.relu(conv(x))
        return self.head(jnp.mean(x, (1, 2)))


def cnn() -> Case:
    rules = [ei.Rule(eqx.nn.Conv, weight=ei.HeNormal(), bias=ei.Zeros()), LECUN]
    return Case(CNN, rules, normal(8, 3, 8, 8))


class Block(eqx.Module):
    """Attention and an MLP, with norms in front of them or behind."""

    norms: list[eqx.nn.LayerNorm]
    attn: eqx.nn.MultiheadAttention
    up: eqx.nn.Linear
    down: eqx.nn.Linear
    post: bool = eqx.field(static=True)
    causal: bool = eqx.field(static=True)

    def __init__(self, size: int, post: bool, causal: bool):
        self.norms = [eqx.nn.LayerNorm(size), eqx.nn.LayerNorm(size)]
        self.attn = eqx.nn.MultiheadAttention(4, size, key=KEY)
        self.up = eqx.nn.Linear(size, 4 * size, key=KEY)
        self.down = eqx.nn.Linear(4 * size, size, key=KEY)
        self.post, self.causal = post, causal

    def mlp(self, x: Any) -> Any:
        return jax.vmap(lambda t: self.down(jax.nn.gelu(self.up(t))))(x)

    def attend(self, x: Any) -> Any:
        mask = jnp.tril(jnp.ones((len(x), len(x)), bool)) if self.causal else None
        return self.attn(x, x, x, mask)

    def __call__(self, x: Any) -> Any:
        first, second = (jax.vmap(norm) for norm in self.norms)
        if self.post:
            x = first(x + self.attend(x))
            return second(x + self.mlp(x))
        x = x + self.attend(first(x))
        return x + self.mlp(second(x))


class Transformer(eqx.Module):
    embed: eqx.nn.Embedding
    position: jax.Array
    blocks: list[Block]
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self, depth: int, post: bool, causal: bool):
        self.embed = eqx.nn.Embedding(100, 64, key=KEY)
        self.position = jnp.zeros((16, 64))
        self.blocks = [Block(64, post, causal) for _ in range(depth)]
        self.norm = eqx.nn.LayerNorm(64)
        self.head = eqx.nn.Linear(64, 100, key=KEY)

    def __call__(self, tokens: Any) -> Any:
        x = jax.vmap(self.embed)(tokens) + self.position[: len(tokens)]
        for block in self.blocks:
            x = block(x)
        return jax.vmap(self.head)(jax.vmap(self.norm)(x))


def transformer(*, post: bool = False, causal: bool = False) -> Case:
    embed = ei.Rule(eqx.nn.Embedding, weight=ei.Normal(1.0))
    norms = ei.Rule(eqx.nn.LayerNorm, weight=ei.Ones(), bias=ei.Zeros())
    tokens = jnp.asarray(np.random.default_rng(0).integers(0, 100, (8, 16)))
    rules = [embed, LECUN, ("position", ei.Normal(0.5)), norms]
    return Case(lambda: Transformer(3, post, causal), rules, tokens)


class ResidualBlock(eqx.Module):
    first: eqx.nn.Conv2d
    second: eqx.nn.Conv2d
    norms: list[eqx.nn.GroupNorm]
    short: eqx.nn.Conv2d | None

    def __init__(self, width: int, out: int, stride: int):
        self.first = conv(width, out, stride)
        self.second = conv(out, out, 1)
        self.norms = [eqx.nn.GroupNorm(8, out), eqx.nn.GroupNorm(8, out)]
        plain = stride == 1 and width == out
        self.short = None if plain else conv(width, out, stride, 1)

    def __call__(self, x: Any) -> Any:
        h = jax.nn.relu(self.norms[0](self.first(x)))
        h = self.norms[1](self.second(h))
        return jax.nn.relu(h + (x if self.short is None else self.short(x)))


def conv(width: int, out: int, stride: int, taps: int = 3) -> eqx.nn.Conv2d:
    options = {"stride": stride, "padding": taps // 2, "use_bias": False}
    return eqx.nn.Conv2d(width, out, taps, **options, key=KEY)


class ResNet(eqx.Module):
    """A stem with a pool, blocks of two widths, a mean over positions."""

    stem: eqx.nn.Conv2d
    norm: eqx.nn.GroupNorm
    pool: eqx.nn.MaxPool2d
    blocks: list[ResidualBlock]
    head: eqx.nn.Linear

    def __init__(self) -> None:
        self.stem, self.norm = conv(3, 32, 1), eqx.nn.GroupNorm(8, 32)
        self.pool = eqx.nn.MaxPool2d(3, 2, padding=1)
        sizes = [(32, 32, 1), (32, 64, 2), (64, 64, 1)]
        self.blocks = [ResidualBlock(*each) for each in sizes]
        self.head = eqx.nn.Linear(64, 64, key=KEY)

    def __call__(self, x: Any) -> Any:
        x = self.pool(jax.nn.relu(self.norm(self.stem(x))))
        for block in self.blocks:
            x = block(x)
        return self.head(jnp.mean(x, (1, 2)))


def resnet() -> Case:
    norms = ei.Rule(eqx.nn.GroupNorm, weight=ei.Ones(), bias=ei.Zeros())
    rules = [ei.Rule(eqx.nn.Conv, weight=ei.HeNormal()), norms, LECUN]
    return Case(ResNet, rules, normal(8, 3, 12, 12), no_gradient=(0, 1))


class LSTM(eqx.Module):
    cell: eqx.nn.LSTMCell
    head: eqx.nn.Linear

    def __init__(self) -> None:
        self.cell = eqx.nn.LSTMCell(16, 128, key=KEY)
        self.head = eqx.nn.Linear(128, 64, key=KEY)

    def __call__(self, xs: Any) -> Any:
        def step(state: Any, x: Any) -> tuple[Any, None]:
            return self.cell(x, state), None

        zeros = jnp.zeros(128)
        (h, _), _ = jax.lax.scan(step, (zeros, zeros), xs)
        return self.head(h)


def lstm() -> Case:
    cell = ei.Rule(
        eqx.nn.LSTMCell,
        weight_ih=ei.LecunNormal(),
        weight_hh=ei.Orthogonal(),
        bias=ei.ForgetGateBias(1.0),
    )
    return Case(LSTM, [cell, LECUN], normal(32, 10, 16))


class Residual(eqx.Module):
    norm: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, key: Any):
        self.norm = eqx.nn.LayerNorm(64)
        self.up = eqx.nn.Linear(64, 128, key=key)
        self.down = eqx.nn.Linear(128, 64, key=key)

    def __call__(self, x: Any) -> Any:
        return x + self.down(jnp.tanh(self.up(self.norm(x))))


class Scanned(eqx.Module):
    """Six blocks stacked along a leading axis, each one rematerialised."""

    blocks: Residual

    def __init__(self) -> None:
        self.blocks = eqx.filter_vmap(Residual)(jax.random.split(KEY, 6))

    def __call__(self, x: Any) -> Any:
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        @jax.checkpoint
        def body(h: Any, layer: Any) -> tuple[Any, None]:
            return eqx.combine(layer, static)(h), None

        return jax.lax.scan(body, x, arrays)[0]


def scanned() -> Case:
    norms = ei.Rule(eqx.nn.LayerNorm, weight=ei.Ones(), bias=ei.Zeros())
    return Case(Scanned, [LECUN, norms], normal(64, 64))


CASES: dict[str, Callable[[], Case]] = {
    "relu": lambda: mlp(jax.nn.relu, HE),
    "tanh": lambda: mlp(jnp.tanh, LECUN),
    "selu": lambda: mlp(jax.nn.selu, LECUN),
    # He's gain is for relu. Here it amplifies what is large and not what is small, so
    # that the scales of samples and of draws part.
    "gelu": lambda: mlp(jax.nn.gelu, HE),
    "silu": lambda: mlp(jax.nn.silu, HE),
    "cnn": cnn,
    "pre-norm": transformer,
    "post-norm": lambda: transformer(post=True),
    "causal": lambda: transformer(causal=True),
    "resnet": resnet,
    "lstm": lstm,
    "scanned": scanned,
}
