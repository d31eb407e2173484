"""A small transformer that is operated on while it trains, and does not notice.

It learns to write Python's documentation, letter by letter. On the way its residual
stream, its heads and its layers are doubled, a block is put in, and half of the hidden
units are left out again; Adam's moments follow every time. At last it learns to write
Python itself, through adapters alone.

    python examples/surgery.py

Takes under three minutes on two CPU cores; saves `surgery.png` beside this file.
"""

import argparse as source_of_code
import inspect
import pathlib
import time
from collections.abc import Callable
from pydoc_data import topics
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

import eqinit as ei
from eqinit import surgery


matplotlib.use("Agg")
import matplotlib.pyplot as plt


LENGTH, BATCH, WIDTH, HEADS, RATE = 64, 16, 48, 2, 2e-3


class Block(eqx.Module):
    norm1: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    norm2: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, key: PRNGKeyArray) -> None:
        keys = jax.random.split(key, 3)
        self.norm1, self.norm2 = eqx.nn.LayerNorm(WIDTH), eqx.nn.LayerNorm(WIDTH)
        self.attention = eqx.nn.MultiheadAttention(HEADS, WIDTH, key=keys[0])
        self.up = eqx.nn.Linear(WIDTH, 2 * WIDTH, key=keys[1])
        self.down = eqx.nn.Linear(2 * WIDTH, WIDTH, key=keys[2])

    def __call__(self, x: Float[Array, "time width"]) -> Float[Array, "time width"]:
        y = jax.vmap(self.norm1)(x)
        x = x + self.attention(y, y, y, mask=jnp.tril(jnp.ones((len(x),) * 2, bool)))
        y = jax.vmap(self.norm2)(x)
        return x + jax.vmap(lambda one: self.down(jax.nn.gelu(self.up(one))))(y)


class Transformer(eqx.Module):
    embed: eqx.nn.Embedding
    positions: Float[Array, "time width"]
    blocks: list[Block]
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self, letters: int, key: PRNGKeyArray) -> None:
        keys = jax.random.split(key, 4)
        self.embed = eqx.nn.Embedding(letters, WIDTH, key=keys[0])
        self.positions = jnp.zeros((LENGTH, WIDTH))
        self.blocks = [Block(k) for k in keys[2:]]
        self.norm = eqx.nn.LayerNorm(WIDTH)
        self.head = eqx.nn.Linear(WIDTH, letters, key=keys[1])

    def __call__(self, text: Int[Array, " time"]) -> Float[Array, "time letters"]:
        x = jax.vmap(self.embed)(text) + self.positions[: len(text)]
        for block in self.blocks:
            x = block(x)
        return jax.vmap(lambda one: self.head(self.norm(one)))(x)


def outputs(model: Transformer, texts: Int[Array, "batch time"]) -> Array:
    return jax.vmap(model)(texts)


def loss_of(model: Transformer, texts: Int[Array, "batch more"]) -> Array:
    wrong = optax.softmax_cross_entropy_with_integer_labels
    return wrong(outputs(model, texts[:, :-1]), texts[:, 1:]).mean()


class Run:
    """A model and its optimiser's state, on one text: trained, and operated on."""

    def __init__(self, model: Transformer, trained: Any = True) -> None:
        self.model, self.trained = model, trained
        self.adam = optax.adam(RATE)
        self.state = self.adam.init(eqx.filter(model, self._mask()))
        self.losses: list[float] = []
        self.operations: list[tuple[int, str]] = []

    def _mask(self) -> Any:
        return eqx.is_inexact_array if self.trained is True else self.trained

    def train(self, text: np.ndarray, steps: int, seed: int) -> None:
        @eqx.filter_jit
        def step(params: Any, rest: Any, state: Any, texts: Array) -> Any:
            def loss(params: Any) -> Array:
                return loss_of(eqx.combine(params, rest), texts)

            value, grads = jax.value_and_grad(loss)(params)
            updates, state = self.adam.update(grads, state)
            return optax.apply_updates(params, updates), state, value

        params, rest = eqx.partition(self.model, self._mask())
        losses: list[Array] = []
        for texts in batches(text, steps, seed):
            params, self.state, value = step(params, rest, self.state, texts)
            losses.append(value)
        self.losses += [float(value) for value in losses]
        self.model = eqx.combine(params, rest)

    def operate(
        self, name: str, held_out: Array, operation: Callable[..., Any]
    ) -> None:
        """Another model, and a state that follows it."""
        before = float(loss_of(self.model, held_out))
        self.model, record = operation(self.model)
        self.state = record.apply_to(self.state)
        after = float(loss_of(self.model, held_out))
        size = sum(
            x.size for x in jax.tree.leaves(eqx.filter(self.model, eqx.is_array))
        )
        print(f"{name:28} loss {before:.4f} -> {after:.4f}   {size:7,} numbers")
        self.operations.append((len(self.losses), name))


def batches(text: np.ndarray, steps: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        starts = rng.integers(0, len(text) - LENGTH - 1, BATCH)
        yield jnp.asarray(np.stack([text[s : s + LENGTH + 1] for s in starts]))


def texts() -> tuple[np.ndarray, np.ndarray, int]:
    """The documentation and a module of Python, as numbers of letters."""
    prose, code = "".join(topics.topics.values()), inspect.getsource(source_of_code)
    letters = sorted({c for c in prose + code if c.isascii()})
    number = {c: i for i, c in enumerate(letters)}
    one, other = (
        np.array([number[c] for c in text if c in number], np.int32)
        for text in (prose, code)
    )
    return one, other, len(letters)


def grown(run: Run, prose: np.ndarray, held_out: Array, key: PRNGKeyArray) -> None:
    """Wider, deeper, and thinner again."""
    shown = held_out[:, :-1]

    def wider(layer: str, units: int) -> Callable[[Any], Any]:
        return lambda model: surgery.widen(
            model, layer, units, key, outputs, shown, record=True
        )

    run.operate("residual stream, 48 to 96", held_out, wider("embed", 2 * WIDTH))
    for i in range(2):
        run.operate(
            f"block {i}, 2 to 4 heads", held_out, wider(f"blocks.{i}.attention", 4)
        )
        run.operate(
            f"block {i}, 96 to 192 units", held_out, wider(f"blocks.{i}.up", 192)
        )
    run.train(prose, 250, 1)
    zero = ["attention.output_proj", "down"]
    run.operate(
        "a third block",
        held_out,
        lambda model: surgery.insert(
            model, "blocks", 2, zero=zero, call=outputs, args=(shown,), record=True
        ),
    )
    run.train(prose, 250, 2)
    for i in range(3):
        run.operate(f"block {i}, 192 to 96 units", held_out, pruned(i, held_out))
    run.train(prose, 150, 3)


def pruned(block: int, held_out: Array) -> Callable[[Any], Any]:
    """Leave out those hidden units without which the loss would change least."""

    def operation(model: Any) -> Any:
        layer, shown = f"blocks.{block}.up", held_out[:, :-1]
        slopes = eqx.filter_grad(loss_of)(model, held_out)
        scores = surgery.unit_scores(model, layer, outputs, shown, gradient=slopes)
        best = jnp.argsort(scores)[-96:]
        return surgery.prune(model, layer, best, outputs, shown, record=True)

    return operation


def adapted(run: Run, code: np.ndarray, key: PRNGKeyArray) -> Run:
    """Another language, learned by adapters of rank 4; everything else is frozen."""
    held_out = next(batches(code, 1, 5))
    model = surgery.lora(run.model, "blocks.**", 4, key)
    after = Run(model, surgery.lora_parameters(model).mask())
    before = float(loss_of(model, held_out))
    after.train(code, 200, 6)
    learned = float(loss_of(surgery.merge_lora(after.model), held_out))
    print(f"{'Python, by adapters':28} loss {before:.4f} -> {learned:.4f}")
    return after


def draw(run: Run, after: Run, path: pathlib.Path) -> None:
    _, axes = plt.subplots(figsize=(8, 4))
    start = len(run.losses)
    axes.plot(smooth(run.losses), label="documentation, all parameters", lw=1)
    steps = np.arange(start, start + len(after.losses))
    axes.plot(steps, smooth(after.losses), label="Python, LoRA alone", lw=1)
    names: dict[int, str] = {start: "another text,\nadapters"}
    labels = ("twice as wide", "a third block", "half of the\nhidden units")
    places = dict.fromkeys(place for place, _ in run.operations)
    names |= dict(zip(places, labels, strict=True))
    for place, name in names.items():
        axes.axvline(place, color="0.6", lw=0.8, ls=":")
        axes.text(place + 5, axes.get_ylim()[1] * 0.97, name, va="top", fontsize=8)
    axes.set(xlabel="step", ylabel="loss per letter")
    axes.legend(loc="lower left", frameon=False)
    plt.savefig(path, dpi=120, bbox_inches="tight")


def smooth(losses: list[float], steps: int = 8) -> np.ndarray:
    """Means over the last few steps, fewer at the start."""
    total = np.cumsum([0.0, *losses])
    ends = np.arange(1, len(losses) + 1)
    starts = np.maximum(ends - steps, 0)
    return (total[ends] - total[starts]) / (ends - starts)


def main() -> None:
    began, key = time.perf_counter(), jax.random.key(0)
    prose, code, letters = texts()
    held_out = next(batches(prose, 1, 99))
    ends = ei.Path("**.output_proj") | ei.Path("**.down")
    rules = [("positions", ei.Normal(0.02)), *ei.recipes.gpt2(2, ends)]
    run = Run(ei.apply(Transformer(letters, key), key, rules))
    run.train(prose, 300, 0)
    grown(run, prose, held_out, key)
    after = adapted(run, code, key)
    path = pathlib.Path(__file__).with_suffix(".png")
    draw(run, after, path)
    print(f"{time.perf_counter() - began:.0f} s, {path.name}")


if __name__ == "__main__":
    main()
