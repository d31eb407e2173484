"""A GPT of 24 layers that learns to write, from GPT-2's weights and from Equinox's.

The text is Python's own documentation, which ships with Python, letter by letter. Both
nets are the same, see the same text in the same order, and are trained by Adam at the
same rates without a warm-up; all that differs is where they start. `recipes.gpt2` finds
the ends of the residual branches in a trace of the computation: the blocks are stacked
and scanned, and none of their layers has a name that it could know.

It does not win here. GPT-2's std of 0.02 is that of a width of 768; at 64 it is 3.5
times too small, and the recipe takes another one. With that it is as good as Equinox's
default at a rate of 1e-3 (2.34 and 2.32 held out after 300 steps), and behind it at
3e-3 (2.50 and 2.31). A norm in front of every branch forgives both: what the recipe
keeps is the size of the stream, which `examples/science/gpt2_residual.py` measures.

    python examples/gpt_text.py

Takes about six minutes on two CPU cores; saves `gpt_text.png` beside this file.

Radford et al., Language models are unsupervised multitask learners, 2019.
"""

import argparse
import pathlib
import time
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


matplotlib.use("Agg")
import matplotlib.pyplot as plt


LAYERS, WIDTH, HEADS, LENGTH, BATCH, STEPS = 24, 64, 4, 64, 8, 300
RATES = (1e-3, 3e-3)
COLOURS = ("#4f8fd9", "#2f9e62", "#e8a33d")


class Block(eqx.Module):
    norm1: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    norm2: eqx.nn.LayerNorm
    mlp: eqx.nn.MLP

    def __init__(self, key: PRNGKeyArray) -> None:
        a, b = jax.random.split(key)
        self.norm1, self.norm2 = eqx.nn.LayerNorm(WIDTH), eqx.nn.LayerNorm(WIDTH)
        self.attention = eqx.nn.MultiheadAttention(HEADS, WIDTH, key=a)
        self.mlp = eqx.nn.MLP(WIDTH, WIDTH, 4 * WIDTH, 1, jax.nn.gelu, key=b)

    def __call__(self, x: Float[Array, "time width"]) -> Float[Array, "time width"]:
        y = jax.vmap(self.norm1)(x)
        x = x + self.attention(y, y, y, mask=jnp.tril(jnp.ones((len(x),) * 2, bool)))
        return x + jax.vmap(lambda one: self.mlp(self.norm2(one)))(x)


class GPT(eqx.Module):
    letters: eqx.nn.Embedding
    positions: eqx.nn.Embedding
    blocks: Block  # LAYERS of them, stacked
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self, letters: int, key: PRNGKeyArray) -> None:
        a, b, c, d = jax.random.split(key, 4)
        self.letters = eqx.nn.Embedding(letters, WIDTH, key=a)
        self.positions = eqx.nn.Embedding(LENGTH, WIDTH, key=b)
        self.blocks = eqx.filter_vmap(Block)(jax.random.split(c, LAYERS))
        self.norm = eqx.nn.LayerNorm(WIDTH)
        self.head = eqx.nn.Linear(WIDTH, letters, use_bias=False, key=d)

    def __call__(self, text: Int[Array, " time"]) -> Float[Array, "time letters"]:
        x = jax.vmap(self.letters)(text)
        x = x + jax.vmap(self.positions)(jnp.arange(len(text)))
        arrays, static = eqx.partition(self.blocks, eqx.is_array)

        def step(x: Array, block: Any) -> tuple[Array, None]:
            return eqx.combine(block, static)(x), None

        x, _ = jax.lax.scan(step, x, arrays)
        return jax.vmap(lambda one: self.head(self.norm(one)))(x)


def documentation() -> tuple[str, np.ndarray]:
    """The letters of the text, and the text as their numbers."""
    text = "\n".join(topics.topics[name] for name in sorted(topics.topics))
    letters = sorted(set(text))
    numbers = {letter: i for i, letter in enumerate(letters)}
    return "".join(letters), np.asarray([numbers[letter] for letter in text], np.int32)


def batches(text: np.ndarray, steps: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    starts = rng.integers(0, len(text) - LENGTH - 1, (steps, BATCH, 1))
    return list(text[starts + np.arange(LENGTH + 1)])


def loss_of(model: GPT, texts: Int[Array, "batch more"]) -> Float[Array, ""]:
    logits = jax.vmap(model)(texts[:, :-1])
    wrong = optax.softmax_cross_entropy_with_integer_labels(logits, texts[:, 1:])
    return wrong.mean()


def trained(
    model: GPT, optimizer: optax.GradientTransformation, data: list[np.ndarray]
) -> tuple[GPT, np.ndarray]:
    """The model after one pass over the batches, and the loss of each."""

    @eqx.filter_jit(donate="all")
    def step(model: GPT, state: Any, texts: Array) -> Any:
        loss, grads = eqx.filter_value_and_grad(loss_of)(model, texts)
        updates, state = optimizer.update(grads, state)
        return eqx.apply_updates(model, updates), state, loss

    model = jax.tree.map(lambda x: x.copy() if eqx.is_array(x) else x, model)
    state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
    losses: list[Array] = []
    for texts in data:
        model, state, loss = step(model, state, jnp.asarray(texts))
        losses.append(loss)
    return model, np.asarray(losses)


def smooth(losses: np.ndarray, span: int = 15) -> np.ndarray:
    return np.convolve(losses, np.ones(span) / span, "valid")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--picture", type=pathlib.Path)
    options = parser.parse_args()
    letters, text = documentation()
    cut = len(text) * 9 // 10
    data, held_out = batches(text[:cut], options.steps), batches(text[cut:], 16)
    held_out = jnp.asarray(np.concatenate(held_out))
    default = GPT(len(letters), jax.random.key(0))
    call, one = jax.vmap, jnp.asarray(data[0][:, :-1])
    seen = ei.trace_layouts(default, lambda m, x: call(m)(x), one)
    starts = {}
    for name, std in (("gpt2, 0.02", 0.02), ("gpt2, as wide", 0.02 * 12**0.5)):
        plan = ei.plan(default, ei.recipes.gpt2(std=std), layouts=seen)
        starts[name] = plan.apply(default, jax.random.key(1))
    print(plan)
    starts["Equinox's default"] = default
    figure, axes = plt.subplots(
        1, len(RATES), figsize=(10, 4), sharey=True, layout="constrained"
    )
    evaluate, guess = eqx.filter_jit(loss_of), float(np.log(len(letters)))
    for axis, rate in zip(axes, RATES, strict=True):
        for (name, start), colour in zip(starts.items(), COLOURS, strict=True):
            began = time.perf_counter()
            model, losses = trained(start, optax.adam(rate), data)
            took = time.perf_counter() - began
            end = float(evaluate(model, held_out))
            print(
                f"rate {rate:g}, {name:18} loss at the start {losses[0]:.3f}, "
                f"held out at the end {end:.3f}   ({took:.0f} s)"
            )
            label = f"{name}: {end:.2f} held out"
            axis.plot(smooth(losses), color=colour, label=label)
        axis.axhline(guess, color="grey", linestyle=":", label="guessing")
        axis.set(xlabel="step", title=f"Adam, rate {rate:g}")
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("cross-entropy of the next letter")
    path = options.picture or pathlib.Path(__file__).with_suffix(".png")
    figure.savefig(path, dpi=100)
    print(f"saved {path.name}")


if __name__ == "__main__":
    main()
