"""Which gain? Sweep it over an ensemble, or let the gradient find one for each layer.

An initializer is a PyTree, so its gain may be a traced number. `jax.vmap` over the gain
trains a whole ensemble at once: 13 gains x 3 seeds, one compilation. The result is a
valley: a 12-layer tanh net learns fast for gains around 1.3, and is as good as dead a
factor of three away from that on either side.

`jax.grad` through the gain needs no sweep. GradInit (Zhu et al. 2021) asks that the
loss be small *after one optimiser step* and that the gradient not be too large, and
descends in one gain per layer. From a start that is three times too small, and from one
that is three times too large, it finds gains that train.

    python examples/sweep_gain.py

Takes about a minute on two CPU cores; saves `sweep_gain.png`.

Zhu, Ni, Xu, Kong, Huang and Goldstein, "GradInit: Learning to Initialize Neural
Networks for Stable and Efficient Training", NeurIPS 2021, arXiv:2102.08098.
"""

import pathlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from sklearn.datasets import load_digits
from tqdm import tqdm

import eqinit as ei


matplotlib.use("Agg")
import matplotlib.pyplot as plt


DEPTH, WIDTH, BATCH, RATE = 12, 64, 128, 1e-3
TRAIN_STEPS, CHUNK = 60, 10
# GradInit: steps in the gains, how fast, and the largest L1 norm of the gradient.
GAIN_STEPS, GAIN_RATE, GRADIENT_LIMIT = 150, 3e-2, 1000.0
LAYERS = DEPTH + 1


def load() -> tuple[Array, Array]:
    x, y = load_digits(return_X_y=True)
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-3)
    return jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.int32)


X, Y = load()


def skeleton() -> eqx.nn.MLP:
    """The model's shapes: there is no need to draw weights that will be replaced."""

    def build(key: PRNGKeyArray) -> eqx.nn.MLP:
        return eqx.nn.MLP(64, 10, WIDTH, DEPTH, jnp.tanh, key=key)

    return eqx.filter_eval_shape(build, jax.random.key(0))


def make(gains: Float[Array, " layers"], key: PRNGKeyArray) -> eqx.nn.MLP:
    """The model with one gain per layer; differentiable in the gains."""
    rules = [
        ei.Rule(f"layers.{i}", weight=ei.LecunNormal(gain=gains[i]), bias=ei.Zeros())
        for i in range(LAYERS)
    ]
    return ei.apply(skeleton(), key, rules)


def loss_fn(model: eqx.nn.MLP, x: Array, y: Array) -> Float[Array, ""]:
    logits = jax.vmap(model)(x)
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, y))


OPTIM = optax.adam(RATE)


def train_chunk(state: Any, key: PRNGKeyArray) -> tuple[Any, Float[Array, " steps"]]:
    """A few steps of Adam; `state` is the model and what the optimiser remembers."""

    def step(state: Any, key: PRNGKeyArray) -> tuple[Any, Array]:
        model, memory = state
        rows = jax.random.randint(key, (BATCH,), 0, len(X))
        loss, grads = eqx.filter_value_and_grad(loss_fn)(model, X[rows], Y[rows])
        updates, memory = OPTIM.update(grads, memory)
        return (eqx.apply_updates(model, updates), memory), loss

    arrays, static = eqx.partition(state, eqx.is_array)

    def scanned(arrays: Any, key: PRNGKeyArray) -> tuple[Any, Array]:
        new, loss = step(eqx.combine(arrays, static), key)
        return eqx.filter(new, eqx.is_array), loss

    arrays, losses = jax.lax.scan(scanned, arrays, jax.random.split(key, CHUNK))
    return eqx.combine(arrays, static), losses


def start(gains: Float[Array, " layers"], key: PRNGKeyArray) -> Any:
    model = make(gains, key)
    return model, OPTIM.init(eqx.filter(model, eqx.is_array))


def train_all(
    gains: Float[Array, "members layers"], seeds: int, name: str
) -> np.ndarray:
    """Losses of shape (members, seeds, steps): every net of the ensemble at once."""
    keys = jax.random.split(jax.random.key(1), seeds)
    begin = eqx.filter_vmap(start, in_axes=(None, 0))
    begin = eqx.filter_jit(eqx.filter_vmap(begin, in_axes=(0, None)))
    states = begin(gains, keys)
    # All members see the same data in the same order.
    chunk = train_chunk
    for _ in range(2):
        chunk = eqx.filter_vmap(chunk, in_axes=(eqx.if_array(0), None))
    chunk = eqx.filter_jit(chunk)
    losses = []
    for i in tqdm(range(TRAIN_STEPS // CHUNK), desc=name, unit="chunk"):
        states, found = chunk(states, jax.random.fold_in(jax.random.key(2), i))
        losses.append(np.asarray(found))
    return np.concatenate(losses, axis=-1)


def look_ahead(
    log_gains: Float[Array, " layers"], key: PRNGKeyArray, rows: Array
) -> Float[Array, ""]:
    """GradInit's objective: the loss after one (sign) step, or a gradient too large."""
    model = make(jnp.exp(log_gains), key)
    grads = eqx.filter_grad(loss_fn)(model, X[rows[0]], Y[rows[0]])
    leaves = jax.tree.leaves(grads)
    norm = jnp.sum(jnp.stack([jnp.sum(jnp.abs(g)) for g in leaves]))
    # Adam's first step is RATE times the sign of the gradient.
    moved = eqx.apply_updates(model, jax.tree.map(lambda g: -RATE * jnp.sign(g), grads))
    # Half of the batch that the gradient is from, and half that it has not seen.
    mixed = jnp.concatenate([rows[0][: BATCH // 2], rows[1][: BATCH // 2]])
    loss = loss_fn(moved, X[mixed], Y[mixed])
    return jnp.where(norm > GRADIENT_LIMIT, norm / GRADIENT_LIMIT, loss)


def learn_gains(first: float, key: PRNGKeyArray) -> Float[Array, " layers"]:
    """Descend in the logarithms, so that gains stay positive."""
    optim = optax.adam(GAIN_RATE)
    log_gains = jnp.full(LAYERS, np.log(first), jnp.float32)
    state = optim.init(log_gains)

    @jax.jit
    def step(log_gains: Array, state: Any, rows: Array) -> Any:
        value, grad = jax.value_and_grad(look_ahead)(log_gains, key, rows)
        updates, state = optim.update(grad, state)
        return optax.apply_updates(log_gains, updates), state, value

    data = jax.random.key(3)
    for i in (bar := tqdm(range(GAIN_STEPS), desc=f"GradInit from {first:g}")):
        rows = jax.random.randint(jax.random.fold_in(data, i), (2, BATCH), 0, len(X))
        log_gains, state, value = step(log_gains, state, rows)
        bar.set_postfix(objective=f"{value:.3f}")
    return jnp.exp(log_gains)


def ticks(axis: Any, at: tuple[float, ...]) -> None:
    """A few plain numbers on a log axis."""
    axis.set_ticks(at, [f"{v:g}" for v in at])
    axis.set_ticks([], minor=True)


def plot(
    gains: np.ndarray,
    final: Float[np.ndarray, "gains seeds"],
    learned: dict[float, np.ndarray],
    improved: dict[float, tuple[float, float]],
    path: pathlib.Path,
) -> None:
    figure, (sweep, layers) = plt.subplots(
        1, 2, figsize=(11, 4.2), layout="constrained"
    )
    sweep.loglog(gains, final.mean(1), "o-", color="#0072B2", label="one gain for all")
    sweep.fill_between(gains, final.min(1), final.max(1), color="#0072B2", alpha=0.2)
    sweep.axvline(float(ei.gain(jnp.tanh)), color="0.5", linestyle=":")
    sweep.text(float(ei.gain(jnp.tanh)) * 1.03, 0.12, "gain(tanh)", color="0.4")
    for (first, (before, after)), colour in zip(
        improved.items(), ("#D55E00", "#009E73"), strict=True
    ):
        arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.5}
        sweep.annotate("", (first, after), (first, before), arrowprops=arrow)
        sweep.plot(first, after, "s", color=colour, label=f"GradInit from {first:g}")
        layers.plot(learned[first], "s-", color=colour, label=f"from {first:g}")
        layers.axhline(first, color=colour, linestyle=":", linewidth=1)
    sweep.set(
        title=f"{DEPTH} tanh layers on digits: loss after {TRAIN_STEPS} steps",
        xlabel="gain (band: 3 seeds)",
        ylabel="cross-entropy",
    )
    ticks(sweep.xaxis, (0.25, 0.5, 1, 2, 4))
    ticks(sweep.yaxis, (0.1, 0.2, 0.5, 1, 2, 5))
    sweep.legend(loc="upper center", fontsize="small")
    layers.set(title="gains that GradInit finds (dotted: start)", xlabel="layer")
    layers.set_yscale("log")
    ticks(layers.yaxis, (0.3, 0.5, 1, 2, 3))
    layers.legend(fontsize="small")
    figure.savefig(path, dpi=100)


def main() -> None:
    gains = np.geomspace(0.25, 4.0, 13).astype(np.float32)
    table = np.repeat(gains[:, None], LAYERS, axis=1)
    losses = train_all(jnp.asarray(table), 3, "sweep: 13 gains x 3 seeds")
    final = losses[..., -CHUNK:].mean(-1)
    print("\n  gain   loss at the start   after training (3 seeds)")
    for gain, first, last in zip(gains, losses[..., 0], final, strict=True):
        print(
            f"{gain:6.2f}   {first.mean():17.2f}   "
            f"{last.mean():6.3f} ± {last.std():.3f}"
        )

    key = jax.random.split(jax.random.key(1), 3)[0]
    learned, improved = {}, {}
    print()
    for first in (0.3, 3.0):
        found = learn_gains(first, key)
        pair = jnp.stack([jnp.full(LAYERS, first), found])
        ends = train_all(pair, 1, f"training from {first:g}")[..., -CHUNK:].mean((1, 2))
        learned[first], improved[first] = np.asarray(found), tuple(map(float, ends))
    for first, (before, after) in improved.items():
        print(f"\nall gains {first:g}: loss {before:.3f}; learned gains: {after:.3f}")
        print(f"  by layer: {' '.join(f'{g:.2f}' for g in learned[first])}")
        for name, g in (("before", jnp.full(LAYERS, first)), ("after", learned[first])):
            report = ei.probe(make(jnp.asarray(g), key), loss_fn, X[:256], Y[:256])
            print(f"  {name:6s} {report.summary().splitlines()[0]}")
            print(f"         {report.summary().splitlines()[1]}")
    best = final.mean(1).min()
    print(f"\nbest single gain: {gains[final.mean(1).argmin()]:.2f}, loss {best:.3f}")
    path = pathlib.Path(__file__).with_suffix(".png")
    plot(gains, final, learned, improved, path)
    print(f"saved {path.name}")


if __name__ == "__main__":
    main()
