"""What a probe costs, against one plain backward pass of the same transformer.

    python benchmarks/probe_cost.py [--depth 6] [--size 256] [--tokens 128] [--batch 8]

The baseline is the gradient of the same loss with respect to all parameters. Compile
time is the first call; steady state the median of `--repeats` calls, interleaved so
that what else the machine does falls on both alike. A call of the probe includes its
dry run (the model is traced anew each time) and the wait for its numbers. Processor
time is reported beside the time on the clock: it does not count what other programs do.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

import eqinit as ei


class Block(eqx.Module):
    """A pre-norm block."""

    norms: list[eqx.nn.LayerNorm]
    attention: eqx.nn.MultiheadAttention
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, size: int, key: Any):
        keys = jax.random.split(key, 3)
        self.norms = [eqx.nn.LayerNorm(size), eqx.nn.LayerNorm(size)]
        self.attention = eqx.nn.MultiheadAttention(8, size, key=keys[0])
        self.up = eqx.nn.Linear(size, 4 * size, key=keys[1])
        self.down = eqx.nn.Linear(4 * size, size, key=keys[2])

    def __call__(self, x: Any) -> Any:
        h = jax.vmap(self.norms[0])(x)
        x = x + self.attention(h, h, h)
        h = jax.vmap(self.norms[1])(x)
        return x + jax.vmap(lambda t: self.down(jax.nn.gelu(self.up(t))))(h)


class Transformer(eqx.Module):
    """Embedding, blocks, head."""

    embed: eqx.nn.Embedding
    blocks: list[Block]
    head: eqx.nn.Linear

    def __init__(self, depth: int, size: int, vocab: int, key: Any):
        keys = jax.random.split(key, depth + 2)
        self.embed = eqx.nn.Embedding(vocab, size, key=keys[0])
        self.blocks = [Block(size, k) for k in keys[1:-1]]
        self.head = eqx.nn.Linear(size, vocab, key=keys[-1])

    def __call__(self, tokens: Any) -> Any:
        x = jax.vmap(self.embed)(tokens)
        for block in self.blocks:
            x = block(x)
        return jax.vmap(self.head)(x)


def loss(model: Transformer, tokens: Any) -> Any:
    logits = jax.vmap(model)(tokens)
    log_p = jax.nn.log_softmax(logits[:, :-1])
    return -jnp.mean(jnp.take_along_axis(log_p, tokens[:, 1:, None], axis=-1))


def timed(fn: Callable[[], Any]) -> tuple[float, float]:
    """Seconds on the clock, and of processor time, all cores together."""
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(fn())
    return time.perf_counter() - wall, time.process_time() - cpu


def median(runs: list[tuple[float, float]]) -> tuple[float, float]:
    wall, cpu = zip(*runs, strict=True)
    return statistics.median(wall), statistics.median(cpu)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (
        ("depth", 6),
        ("size", 256),
        ("tokens", 128),
        ("batch", 8),
        ("vocab", 1000),
        ("repeats", 9),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    key = jax.random.key(0)
    model = Transformer(args.depth, args.size, args.vocab, key)
    tokens = jax.random.randint(key, (args.batch, args.tokens), 0, args.vocab)
    grad = eqx.filter_jit(eqx.filter_grad(loss))
    variants: dict[str, Callable[[], Any]] = {
        "gradient": lambda: grad(model, tokens),
        "probe": lambda: ei.probe(model, loss, tokens),
    }
    first = {name: timed(fn) for name, fn in variants.items()}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(args.repeats):
        for name, fn in variants.items():
            runs[name].append(timed(fn))
    steady = {name: median(times) for name, times in runs.items()}
    rows = len(ei.probe(model, loss, tokens))
    print(f"transformer: {vars(args)}, {rows} rows, {jax.devices()[0].device_kind}")
    print("          first call (s)      steady state (s)")
    print("          clock  processor   clock  processor")
    for name in variants:
        numbers = (*first[name], *steady[name])
        print(f"{name:9s}{'{:6.2f} {:10.2f} {:8.4f} {:9.4f}'.format(*numbers)}")
    for i, what in enumerate(("clock", "processor")):
        ratio = steady["probe"][i] / steady["gradient"][i]
        print(f"probe / gradient, by {what}: {ratio:.2f}")


if __name__ == "__main__":
    main()
