"""A GPT born on a mesh: no device ever holds a parameter that is not its own.

Eight host devices stand in for eight accelerators. `eqinit.build` traces the
constructor, so that the whole model exists on no device at any time; each device then
draws its own shards. The values are those of one device, bit for bit.

    python examples/sharded_gpt.py

Takes about a minute on two CPU cores; saves `sharded_gpt.png`.
"""

import os


os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import contextlib
import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, PRNGKeyArray
from tqdm import tqdm

import eqinit as ei


matplotlib.use("Agg")
import matplotlib.pyplot as plt


DEPTH, DIM, HEADS, CONTEXT, BATCH, STEPS, RATE = 4, 128, 4, 64, 16, 60, 2e-3


class Block(eqx.Module):
    norm1: eqx.nn.LayerNorm
    attn: eqx.nn.MultiheadAttention
    norm2: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, key: PRNGKeyArray) -> None:
        attn, up, down = jax.random.split(key, 3)
        self.norm1, self.norm2 = eqx.nn.LayerNorm(DIM), eqx.nn.LayerNorm(DIM)
        self.attn = eqx.nn.MultiheadAttention(HEADS, DIM, key=attn)
        self.up = eqx.nn.Linear(DIM, 4 * DIM, key=up)
        self.down = eqx.nn.Linear(4 * DIM, DIM, key=down)

    def __call__(self, x: Float[Array, "time dim"]) -> Float[Array, "time dim"]:
        y = jax.vmap(self.norm1)(x)
        x = x + self.attn(y, y, y, mask=jnp.tril(jnp.ones((CONTEXT, CONTEXT), bool)))
        y = jax.nn.gelu(jax.vmap(self.up)(jax.vmap(self.norm2)(x)))
        return x + jax.vmap(self.down)(y)


class GPT(eqx.Module):
    """Predicts the next byte."""

    tokens: eqx.nn.Embedding
    positions: eqx.nn.Embedding
    blocks: list[Block]
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self, key: PRNGKeyArray) -> None:
        tokens, positions, head, *blocks = jax.random.split(key, DEPTH + 3)
        self.tokens = eqx.nn.Embedding(256, DIM, key=tokens)
        self.positions = eqx.nn.Embedding(CONTEXT, DIM, key=positions)
        self.blocks = [Block(key) for key in blocks]
        self.norm = eqx.nn.LayerNorm(DIM)
        self.head = eqx.nn.Linear(DIM, 256, use_bias=False, key=head)

    def __call__(self, text: Int[Array, " time"]) -> Float[Array, "time 256"]:
        x = jax.vmap(self.tokens)(text) + self.positions.weight
        for block in self.blocks:
            x = block(x)
        return jax.vmap(self.head)(jax.vmap(self.norm)(x))


# GPT-2: 0.02 everywhere, and less where a block writes to the residual stream.
WRITES = ei.Path("blocks.*.attn.output_proj.weight") | ei.Path("blocks.*.down.weight")
RULES = [
    ei.Rule(WRITES, ei.Normal(0.02 / (2 * DEPTH) ** 0.5)),
    ei.Rule(eqx.nn.Linear, weight=ei.Normal(0.02), bias=ei.Zeros()),
    ei.Rule(eqx.nn.Embedding, weight=ei.Normal(0.02)),
]


def sharding_of(mesh: Mesh, site: ei.Site) -> NamedSharding:
    """Kernels over both axes, everything else on every device."""
    matrix = len(site.shape) == 2
    spec = PartitionSpec("data", "model") if matrix else PartitionSpec()
    return NamedSharding(mesh, spec)


def text() -> np.ndarray:
    """Something to learn that comes with every Python."""
    with contextlib.redirect_stdout(None):  # importing it prints it
        import this

    decoded = "".join(this.d.get(c, c) for c in this.s)
    return np.frombuffer(decoded.encode(), np.uint8).astype(np.int32)


def train(model: GPT, mesh: Mesh) -> list[float]:
    optim = optax.adam(RATE)
    state = optim.init(eqx.filter(model, eqx.is_inexact_array))

    def loss_fn(model: GPT, x: Array) -> Float[Array, ""]:
        logits = jax.vmap(model)(x[:, :-1])
        labels = x[:, 1:]
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean()

    @eqx.filter_jit(donate="all")
    def step(model: GPT, state: optax.OptState, x: Array):
        loss, grads = eqx.filter_value_and_grad(loss_fn)(model, x)
        updates, state = optim.update(grads, state)
        return eqx.apply_updates(model, updates), state, loss

    data, rng, losses = text(), np.random.default_rng(0), []
    rows = NamedSharding(mesh, PartitionSpec("data"))
    for _ in (bar := tqdm(range(STEPS), desc="training on 8 devices")):
        starts = rng.integers(0, len(data) - CONTEXT - 1, BATCH)
        batch = np.stack([data[i : i + CONTEXT + 1] for i in starts])
        model, state, loss = step(model, state, jax.device_put(batch, rows))
        losses.append(float(loss))
        bar.set_postfix(loss=f"{loss:.3f}")
    return losses


def report(model: GPT) -> None:
    arrays = jax.tree.leaves(eqx.filter(model, eqx.is_array))
    total = sum(x.nbytes for x in arrays)
    on_one = sum(x.addressable_shards[0].data.nbytes for x in arrays)
    print(f"{total / 1e6:.2f} MB in all, {on_one / 1e6:.2f} MB on each of 8 devices")


def main() -> None:
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    key = jax.random.key(0)
    model, plan = ei.build(
        GPT, key, RULES, sharding=lambda s: sharding_of(mesh, s), return_plan=True
    )
    print(plan, "\n")
    report(model)
    alone = ei.build(GPT, key, RULES)
    leaves = [jax.tree.leaves(eqx.filter(m, eqx.is_array)) for m in (model, alone)]
    pairs = zip(*leaves, strict=True)
    same = all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)
    print(f"the same values as on one device, bit for bit: {same}\n")
    losses = train(model, mesh)
    path = pathlib.Path(__file__).with_suffix(".png")
    _, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    axis.plot(losses)
    axis.axhline(np.log(256), color="grey", linestyle=":", label="guessing a byte")
    axis.set(xlabel="step", ylabel="loss (nats a byte)", title="GPT on a 4 x 2 mesh")
    axis.legend()
    plt.savefig(path, dpi=120)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; saved {path.name}")


if __name__ == "__main__":
    main()
