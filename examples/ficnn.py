"""A fully input-convex network (FICNN) on the diabetes data: Hoedt against He.

The output of a FICNN is convex in its input because every layer after the first has
non-negative weights and a convex, non-decreasing activation. Centred schemes do not fit
such weights: half of what He draws is negative, so that the net is not convex until a
projection has thrown that half away. Hoedt's log-normal weights are positive from the
start, and the negative bias takes away the mean that they add.

    python examples/ficnn.py

Takes under a minute on two CPU cores; saves `ficnn.png`. Where klax is installed, the
same is done to `klax.nn.FICNN`.
"""

import importlib.util
import pathlib
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from sklearn.datasets import load_diabetes
from tqdm import tqdm

import eqinit as ei


matplotlib.use("Agg")
import matplotlib.pyplot as plt


WIDTH, DEPTH, STEPS, RATE = 64, 4, 600, 1e-3


class PositiveLinear(eqx.Module):
    """Linear in `z`, with weights that training keeps non-negative."""

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"]

    def __init__(self, n_in: int, n_out: int) -> None:
        self.weight = jnp.zeros((n_out, n_in))
        self.bias = jnp.zeros(n_out)

    def __call__(self, z: Float[Array, " in"]) -> Float[Array, " out"]:
        return self.weight @ z + self.bias


# The layer is ours, so eqinit has to be told once what its axes are.
ei.register_layout(PositiveLinear, weight="out in", bias="out")


class FICNN(eqx.Module):
    """z' = relu(P z + S x + b) with P >= 0; the skip connections S are free."""

    first: eqx.nn.Linear
    hidden: list[PositiveLinear]
    skips: list[eqx.nn.Linear]
    last: PositiveLinear

    def __init__(self, n_in: int, key: PRNGKeyArray) -> None:
        first, *keys = jax.random.split(key, DEPTH + 1)
        self.first = eqx.nn.Linear(n_in, WIDTH, key=first)
        self.hidden = [PositiveLinear(WIDTH, WIDTH) for _ in range(DEPTH)]
        self.skips = [eqx.nn.Linear(n_in, WIDTH, use_bias=False, key=k) for k in keys]
        self.last = PositiveLinear(WIDTH, 1)

    def __call__(self, x: Float[Array, " in"]) -> Float[Array, ""]:
        z = jax.nn.relu(self.first(x))
        for hidden, skip in zip(self.hidden, self.skips, strict=True):
            z = jax.nn.relu(hidden(z) + skip(x))
        return self.last(z)[0]


POSITIVE = ei.Layer(PositiveLinear) & ei.Path("**.weight")


def project(model: FICNN) -> FICNN:
    """Back to non-negative weights, after a step."""
    return ei.select(model, POSITIVE).map(lambda w: jnp.maximum(w, 0))


def hoedt_rules() -> list[ei.Rule]:
    # A small gain on the skips: Hoedt's fixed point is that of the positive path alone.
    return [
        ei.Rule(PositiveLinear, **ei.hoedt()),
        ei.Rule("skips", ei.LecunNormal(gain=0.3)),
        ei.Rule("first", weight=ei.LecunNormal(), bias=ei.Zeros()),
    ]


def he_rules() -> list[ei.Rule]:
    return [
        ei.Rule(PositiveLinear, weight=ei.HeNormal(), bias=ei.Zeros()),
        ei.Rule("skips", ei.LecunNormal(gain=0.3)),
        ei.Rule("first", weight=ei.LecunNormal(), bias=ei.Zeros()),
    ]


def convexity_gap(f: Callable[[Array], Array], x: np.ndarray) -> float:
    """The worst f(mix) - mix of f, over random segments, in units of f's spread.

    At most rounding (1e-6 or so) where f is convex.
    """
    rng = np.random.default_rng(0)
    ends = rng.choice(len(x), (2, 2000))
    t = rng.uniform(size=(2000, 1)).astype(np.float32)
    a, b = x[ends[0]], x[ends[1]]
    on, at_a, at_b = (np.asarray(jax.vmap(f)(v)) for v in (t * a + (1 - t) * b, a, b))
    chord = t[:, 0] * at_a + (1 - t[:, 0]) * at_b
    spread = np.std(np.concatenate([at_a, at_b])) + 1e-12
    return float(np.max(on - chord) / spread)


def loss_fn(model: FICNN, x: Array, y: Array) -> Float[Array, ""]:
    return jnp.mean((jax.vmap(model)(x) - y) ** 2)


def train(name: str, model: FICNN, x: np.ndarray, y: np.ndarray):
    optim = optax.adam(RATE)
    state = optim.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model: FICNN, state: optax.OptState):
        loss, grads = eqx.filter_value_and_grad(loss_fn)(model, x, y)
        updates, state = optim.update(grads, state)
        return project(eqx.apply_updates(model, updates)), state, loss

    losses = []
    for _ in (bar := tqdm(range(STEPS), desc=name)):
        model, state, loss = step(model, state)
        losses.append(float(loss))
        bar.set_postfix(loss=f"{loss:.3f}")
    return model, losses


def on_klax(x: np.ndarray) -> None:
    """klax's own FICNN: its Hoedt bias has the wrong sign, so it starts far off."""
    import klax

    # klax's layers end in softplus, for which the moments are worked out as well.
    hoedt = ei.hoedt(activation=jax.nn.softplus)

    model = klax.nn.FICNN(x.shape[1], "scalar", [WIDTH] * DEPTH, key=jax.random.key(0))
    # Through the wrapper: the value that the layer uses gets the law.
    rules = [
        ei.Rule("layers.0", weight=ei.LecunNormal(), bias=ei.Zeros()),
        ei.Rule("**.weights.1", ei.LecunNormal(gain=0.3), fan_in=x.shape[1]),
        ei.Rule(ei.Role("kernel"), hoedt["weight"]),
        ei.Rule(ei.Role("bias"), hoedt["bias"], fan_in=WIDTH),
    ]
    print(ei.plan(model, rules), "\n")
    ours = ei.apply(model, jax.random.key(1), rules)
    for name, candidate in {"klax's own": model, "eqinit": ours}.items():
        f = klax.finalize(candidate)
        out = jax.vmap(f)(x)
        print(
            f"klax.nn.FICNN, {name:10s} output mean {out.mean():9.2f}, std "
            f"{out.std():7.2f}, convexity gap {convexity_gap(f, x):.1e}"
        )


def plot(curves: dict[str, list[float]], path: pathlib.Path) -> None:
    _, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, losses in curves.items():
        axis.semilogy(losses, label=name)
    axis.axhline(1.0, color="grey", linestyle=":", label="predicting the mean")
    axis.set(xlabel="step", ylabel="mean squared error (standardised target)")
    axis.set_title(f"FICNN, {DEPTH} positive layers of {WIDTH}, diabetes")
    axis.legend()
    plt.savefig(path, dpi=120)


def main() -> None:
    x, y = load_diabetes(return_X_y=True)
    x, y = ((v - v.mean(0)) / v.std(0) for v in (x, y))
    x, y = x.astype(np.float32), y.astype(np.float32)
    model_key, init_key = jax.random.split(jax.random.key(0))
    skeleton = FICNN(x.shape[1], model_key)
    print(ei.plan(skeleton, hoedt_rules()), "\n")
    starts: dict[str, Any] = {"Hoedt": hoedt_rules(), "He": he_rules()}
    curves, report = {}, []
    for name, rules in starts.items():
        start = ei.apply(skeleton, init_key, rules)
        start_loss = float(loss_fn(start, x, y))
        trained, curves[name] = train(name, start, x, y)
        report.append(
            f"{name:6s} convexity gap before {convexity_gap(start, x):8.1e}, after "
            f"{convexity_gap(trained, x):8.1e}; loss {start_loss:8.3f} -> "
            f"{float(loss_fn(trained, x, y)):.3f}"
        )
    print("\n".join(["", *report, ""]))
    if importlib.util.find_spec("klax") is not None:
        on_klax(x)
    path = pathlib.Path(__file__).with_suffix(".png")
    plot(curves, path)
    print(f"saved {path.name}")


if __name__ == "__main__":
    main()
