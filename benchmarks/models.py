"""The models that are timed: plain Equinox, written here, each a function of a key.

Every entry of `MODELS` builds at its usual size; `SMALL` has the same shapes of tree at
sizes for tests.
"""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr


class Block(eqx.Module):
    """A pre-norm transformer block."""

    norm1: eqx.nn.LayerNorm
    attn: eqx.nn.MultiheadAttention
    norm2: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, dim: int, heads: int, *, key: Any):
        k1, k2, k3 = jr.split(key, 3)
        self.norm1 = eqx.nn.LayerNorm(dim)
        self.attn = eqx.nn.MultiheadAttention(
            heads,
            dim,
            use_query_bias=True,
            use_key_bias=True,
            use_value_bias=True,
            use_output_bias=True,
            key=k1,
        )
        self.norm2 = eqx.nn.LayerNorm(dim)
        self.up = eqx.nn.Linear(dim, 4 * dim, key=k2)
        self.down = eqx.nn.Linear(4 * dim, dim, key=k3)


class GPT(eqx.Module):
    """GPT-2, its head tied to the token embedding (and so absent here)."""

    tokens: eqx.nn.Embedding
    positions: eqx.nn.Embedding
    blocks: list[Block]
    norm: eqx.nn.LayerNorm

    def __init__(self, vocab: int, context: int, depth: int, dim: int, *, key: Any):
        k1, k2, k3 = jr.split(key, 3)
        self.tokens = eqx.nn.Embedding(vocab, dim, key=k1)
        self.positions = eqx.nn.Embedding(context, dim, key=k2)
        self.blocks = [
            Block(dim, max(dim // 64, 1), key=k) for k in jr.split(k3, depth)
        ]
        self.norm = eqx.nn.LayerNorm(dim)


class ViT(eqx.Module):
    """ViT: patches by a convolution, a class token, learned positions, a head."""

    patches: eqx.nn.Conv2d
    token: Any
    positions: Any
    blocks: list[Block]
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(
        self, image: int, patch: int, depth: int, dim: int, classes: int, *, key: Any
    ):
        k1, k2, k3, k4 = jr.split(key, 4)
        self.patches = eqx.nn.Conv2d(3, dim, patch, patch, key=k1)
        self.token = jnp.zeros((1, dim))
        self.positions = 0.02 * jr.normal(k2, ((image // patch) ** 2 + 1, dim))
        self.blocks = [
            Block(dim, max(dim // 64, 1), key=k) for k in jr.split(k3, depth)
        ]
        self.norm = eqx.nn.LayerNorm(dim)
        self.head = eqx.nn.Linear(dim, classes, key=k4)


def conv(
    inputs: int, outputs: int, size: int, *, key: Any, groups: int = 1, stride: int = 1
) -> eqx.nn.Conv2d:
    return eqx.nn.Conv2d(
        inputs,
        outputs,
        size,
        stride,
        padding=size // 2,
        groups=groups,
        use_bias=False,
        key=key,
    )


def batch_norm(size: int) -> eqx.nn.BatchNorm:
    return eqx.nn.BatchNorm(size, axis_name="batch", mode="ema")


class Bottleneck(eqx.Module):
    """A residual block of ResNet-50 (here at stride 1: strides have no parameters)."""

    convs: list[eqx.nn.Conv2d]
    norms: list[eqx.nn.BatchNorm]
    shortcut: eqx.nn.Conv2d | None
    shortcut_norm: eqx.nn.BatchNorm | None

    def __init__(self, inputs: int, width: int, *, key: Any):
        k1, k2, k3, k4 = jr.split(key, 4)
        self.convs = [
            conv(inputs, width, 1, key=k1),
            conv(width, width, 3, key=k2),
            conv(width, 4 * width, 1, key=k3),
        ]
        self.norms = [batch_norm(n) for n in (width, width, 4 * width)]
        same = inputs == 4 * width
        self.shortcut = None if same else conv(inputs, 4 * width, 1, key=k4)
        self.shortcut_norm = None if same else batch_norm(4 * width)


class ResNet(eqx.Module):
    """ResNet-50, with batch normalisation and so with state."""

    stem: eqx.nn.Conv2d
    norm: eqx.nn.BatchNorm
    stages: list[list[Bottleneck]]
    head: eqx.nn.Linear

    def __init__(self, width: int, depths: tuple[int, ...], classes: int, *, key: Any):
        k1, k2, k3 = jr.split(key, 3)
        self.stem = conv(3, width, 7, key=k1, stride=2)
        self.norm = batch_norm(width)
        self.stages, inputs = [], width
        stage_keys = jr.split(k2, len(depths))
        for i, depth in enumerate(depths):
            stage: list[Bottleneck] = []
            for block_key in jr.split(stage_keys[i], depth):
                stage.append(Bottleneck(inputs, width * 2**i, key=block_key))
                inputs = 4 * width * 2**i
            self.stages.append(stage)
        self.head = eqx.nn.Linear(inputs, classes, key=k3)


class Inverted(eqx.Module):
    """Expand, depthwise, squeeze and excite, project: a block of EfficientNet."""

    expand: eqx.nn.Conv2d
    depthwise: eqx.nn.Conv2d
    squeeze: eqx.nn.Conv2d
    excite: eqx.nn.Conv2d
    project: eqx.nn.Conv2d
    norms: list[eqx.nn.BatchNorm]

    def __init__(self, inputs: int, outputs: int, ratio: int, size: int, *, key: Any):
        k1, k2, k3, k4, k5 = jr.split(key, 5)
        hidden, few = inputs * ratio, max(inputs // 4, 1)
        self.expand = conv(inputs, hidden, 1, key=k1)
        self.depthwise = conv(hidden, hidden, size, key=k2, groups=hidden)
        self.squeeze = eqx.nn.Conv2d(hidden, few, 1, key=k3)
        self.excite = eqx.nn.Conv2d(few, hidden, 1, key=k4)
        self.project = conv(hidden, outputs, 1, key=k5)
        self.norms = [batch_norm(n) for n in (hidden, hidden, outputs)]


# (ratio, channels, repeats, kernel size), as in EfficientNet-B0.
_STAGES = (
    (1, 16, 1, 3),
    (6, 24, 2, 3),
    (6, 40, 2, 5),
    (6, 80, 3, 3),
    (6, 112, 3, 5),
    (6, 192, 4, 5),
    (6, 320, 1, 3),
)


class EfficientNet(eqx.Module):
    """After EfficientNet-B0: over 60 different shapes in 5 M parameters."""

    stem: eqx.nn.Conv2d
    norm: eqx.nn.BatchNorm
    blocks: list[Inverted]
    last: eqx.nn.Conv2d
    last_norm: eqx.nn.BatchNorm
    head: eqx.nn.Linear

    def __init__(self, stages: Any, last: int, classes: int, *, key: Any):
        k1, k2, k3, k4 = jr.split(key, 4)
        self.stem, self.norm = conv(3, 32, 3, key=k1, stride=2), batch_norm(32)
        self.blocks, inputs = [], 32
        stage_keys = jr.split(k2, len(stages))
        for i, (ratio, outputs, repeats, size) in enumerate(stages):
            for block_key in jr.split(stage_keys[i], repeats):
                block = Inverted(inputs, outputs, ratio, size, key=block_key)
                self.blocks.append(block)
                inputs = outputs
        self.last, self.last_norm = conv(inputs, last, 1, key=k3), batch_norm(last)
        self.head = eqx.nn.Linear(last, classes, key=k4)


def _mlp(width: int, depth: int, *, key: Any) -> eqx.nn.MLP:
    return eqx.nn.MLP(width, width, width, depth - 1, key=key)


def many(leaves: int, *, key: Any) -> list[eqx.nn.Linear]:
    keys = jr.split(key, leaves // 2)
    return [eqx.nn.Linear(8, 8, key=k) for k in keys]


def _stateful(cls: Any, *args: Any, key: Any) -> Any:
    return eqx.nn.make_with_state(cls)(*args, key=key)


Make = Callable[..., Any]

MODELS: dict[str, Make] = {
    "gpt2": functools.partial(GPT, 50257, 1024, 12, 768),
    "resnet50": functools.partial(_stateful, ResNet, 64, (3, 4, 6, 3), 1000),
    "vit_b16": functools.partial(ViT, 224, 16, 12, 768, 1000),
    "mlp_100x256": functools.partial(_mlp, 256, 100),
    "gpt_12x64": functools.partial(GPT, 256, 128, 12, 64),
    "efficientnet": functools.partial(_stateful, EfficientNet, _STAGES, 1280, 1000),
    "leaves_10k": functools.partial(many, 10_000),
}

SMALL: dict[str, Make] = {
    "mlp": functools.partial(_mlp, 8, 4),
    "vit": functools.partial(ViT, 8, 4, 1, 12, 5),
    "resnet": functools.partial(_stateful, ResNet, 4, (1,), 5),
}
