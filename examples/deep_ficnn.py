"""A 40-layer input-convex network: He, Hoedt, calibrated, and without passthrough.

Hoedt's scheme keeps mean 0 and variance 1 through *one* layer with non-negative weights
and is unstable beyond it; at depth 40 it explodes. `eqinit.calibrate` measures
instead: one scale per layer and one shift per unit, in call order, on the data.

That is enough where every layer also sees the input (passthrough). Without passthrough
it is not: with mean 0 and variance 1 in every layer the net still learns nothing. The
probe says why. A matrix of positive entries sends every input close to one direction
(its Perron vector), so that after a few layers all units are copies of each other
(feature correlation 1), and a chain of such layers is a function of one number. No
scale or shift changes that, for they act on the copies alike. The only non-negative
matrices that do not mix are (scaled) permutations: starting the positive weights at the
identity cures it, with passthrough or without.

    python examples/deep_ficnn.py

Takes under two minutes on two CPU cores; saves `deep_ficnn.png`.
"""

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from sklearn.datasets import load_diabetes, load_digits
from tqdm import tqdm

import eqinit as ei
from eqinit.signal import LayerSignal, ScaleShift


matplotlib.use("Agg")
import matplotlib.pyplot as plt


WIDTH, DEPTH, STEPS, RATE = 64, 40, 400, 1e-3


class ConvexLayer(eqx.Module):
    """P z + S x + b, with P kept non-negative; returns the pre-activation."""

    positive: Float[Array, "out in"]
    skip: Float[Array, "out x"] | None
    bias: Float[Array, " out"]

    def __init__(self, n_in: int, n_out: int, n_x: int | None) -> None:
        self.positive = jnp.zeros((n_out, n_in))
        self.skip = None if n_x is None else jnp.zeros((n_out, n_x))
        self.bias = jnp.zeros(n_out)

    def __call__(self, z: Float[Array, " in"], x: Float[Array, " x"]) -> Array:
        out = self.positive @ z + self.bias
        return out if self.skip is None else out + self.skip @ x


ei.register_layout(
    ConvexLayer, positive="out in", skip="out in", bias="out <- positive"
)


class FICNN(eqx.Module):
    """Forty layers, the hidden ones stacked and scanned: they compile as one."""

    first: eqx.nn.Linear
    hidden: ConvexLayer
    last: ConvexLayer

    def __init__(self, n_in: int, n_out: int, *, passthrough: bool) -> None:
        n_x = n_in if passthrough else None
        self.first = eqx.nn.Linear(n_in, WIDTH, key=jax.random.key(0))
        one = ConvexLayer(WIDTH, WIDTH, n_x)

        def stack(a):
            return jnp.broadcast_to(a, (DEPTH - 1, *a.shape))

        self.hidden = jax.tree.map(stack, one)
        self.last = ConvexLayer(WIDTH, n_out, n_x)

    def __call__(self, x: Float[Array, " in"]) -> Float[Array, " out"]:
        def step(z: Array, layer: ConvexLayer) -> tuple[Array, None]:
            return layer(jax.nn.relu(z), x), None

        z, _ = jax.lax.scan(step, self.first(x), self.hidden)
        return self.last(jax.nn.relu(z), x)


def rules(positive: Any, bias: Any = ei.Zeros()) -> list[ei.Rule]:
    return [
        ei.Rule(ei.Path("**.positive"), positive),
        ei.Rule(ei.Path("**.skip"), ei.LecunNormal(), optional=True),
        ei.Rule("first.weight", ei.LecunNormal()),
        ei.Rule(ei.Layer(ConvexLayer) & ei.Role("bias"), bias),
        ei.Rule("first.bias", ei.Zeros()),
    ]


# Weights on [0, 2 / fan_in): positive, with rows that sum to about one.
AVERAGING = ei.Uniform(0.0, 2 / WIDTH)


class Variant(NamedTuple):
    """One way to start: rules, with passthrough or not, calibrated or not."""

    rules: list[ei.Rule]
    passthrough: bool
    calibrated: bool


HOEDT = ei.hoedt()
VARIANTS = {
    "He": Variant(rules(ei.HeNormal()), True, False),
    "Hoedt": Variant(rules(HOEDT["weight"], HOEDT["bias"]), True, False),
    "calibrated": Variant(rules(AVERAGING), True, True),
    "calibrated, no passthrough": Variant(rules(AVERAGING), False, True),
    "identity, calibrated, no passthrough": Variant(
        # The last layer has one output: an identity would look at one unit alone.
        [ei.Rule("last.positive", AVERAGING), *rules(ei.Identity())],
        False,
        True,
    ),
    "identity, calibrated": Variant(
        [ei.Rule("last.positive", AVERAGING), *rules(ei.Identity())], True, True
    ),
}

Loss = Callable[[Array, Array], Array]


class Task(NamedTuple):
    """Data, its loss, and the loss of the best constant."""

    x: np.ndarray
    y: np.ndarray
    outputs: int
    batch: int
    loss: Loss
    constant: float
    variants: tuple[str, ...]


def standardised(v: np.ndarray) -> np.ndarray:
    return ((v - v.mean(0)) / np.maximum(v.std(0), 1e-3)).astype(np.float32)


def squared(out: Array, y: Array) -> Array:
    return jnp.mean(jnp.square(out[..., 0] - y))


def cross_entropy(out: Array, y: Array) -> Array:
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(out, y))


def tasks() -> dict[str, Task]:
    x, y = load_diabetes(return_X_y=True)
    images, digits = load_digits(return_X_y=True)
    return {
        "diabetes": Task(
            standardised(x), standardised(y), 1, 442, squared, 1.0, tuple(VARIANTS)
        ),
        "digits": Task(
            standardised(images),
            digits.astype(np.int32),
            10,
            128,
            cross_entropy,
            float(np.log(10)),
            ("He", "Hoedt", "calibrated", "identity, calibrated, no passthrough"),
        ),
    }


def run(model: FICNN, x: Array) -> Array:
    return jax.vmap(model)(x)


def project(model: FICNN) -> FICNN:
    """Back to non-negative weights, after a step: this is what keeps it convex."""

    def where(m):
        return (m.hidden.positive, m.last.positive)

    return eqx.tree_at(where, model, [jnp.maximum(w, 0) for w in where(model)])


def make(variant: Variant, task: Task, key: PRNGKeyArray) -> FICNN:
    model = FICNN(task.x.shape[1], task.outputs, passthrough=variant.passthrough)
    model = ei.apply(model, key, variant.rules)
    if not variant.calibrated:
        return model
    model, report = ei.calibrate(model, run, task.x, method=ScaleShift())
    print(f"  calibration: {str(report).splitlines()[-1]}")
    return model


def train(name: str, model: FICNN, task: Task) -> list[float]:
    optim = optax.adam(RATE)
    state = optim.init(eqx.filter(model, eqx.is_array))

    @eqx.filter_jit
    def step(model: FICNN, state: Any, x: Array, y: Array) -> Any:
        def fn(m):
            return task.loss(run(m, x), y)

        loss, grads = eqx.filter_value_and_grad(fn)(model)
        updates, state = optim.update(grads, state)
        return project(eqx.apply_updates(model, updates)), state, loss

    rng = np.random.default_rng(0)
    losses: list[float] = []
    for _ in (bar := tqdm(range(STEPS), desc=f"  {name:37s}")):
        rows = rng.choice(len(task.x), task.batch, replace=False)
        model, state, loss = step(model, state, task.x[rows], task.y[rows])
        losses.append(float(loss))
        bar.set_postfix(loss=f"{losses[-1]:.4g}")
    full = float(task.loss(run(model, task.x), task.y))
    print(f"  loss on all data after {STEPS} steps: {full:.4g}")
    return losses


def plot(
    starts: dict[str, tuple[LayerSignal, ...]],
    curves: dict[str, dict[str, list[float]]],
    constants: dict[str, float],
    path: pathlib.Path,
) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    (scale, corr), losses_axes = axes
    colours = dict(zip(VARIANTS, plt.colormaps["tab10"].colors, strict=False))
    # Lines that lie on each other are told apart by their dashes.
    dashes = dict(zip(VARIANTS, ["-", "-", "-", "--", "-.", ":"], strict=True))
    for name, rows in starts.items():
        style = {"color": colours[name], "linestyle": dashes[name], "label": name}
        scale.semilogy([row.std for row in rows], **style)
        corr.plot([row.feature_corr for row in rows[:-1]], **style)
    scale.set(title="diabetes, at the start: std of each layer", xlabel="layer")
    scale.set_ylim(1e-1, 1e4)
    corr.set(title="diabetes, at the start: correlation of units", xlabel="layer")
    figure.legend(
        *scale.get_legend_handles_labels(), loc="outside lower center", ncols=3
    )
    for axis, (task, lines) in zip(losses_axes, curves.items(), strict=True):
        off: list[str] = []
        for name, losses in lines.items():
            smooth = np.convolve(losses, np.ones(10) / 10, "valid")
            axis.plot(smooth, color=colours[name], linestyle=dashes[name])
            # The ends of those that blew up are NaN or huge.
            if not smooth[-1] < 2 * constants[task]:
                off.append(name)
        axis.axhline(constants[task], color="0.5", linewidth=0.8)
        axis.text(STEPS, constants[task], "best constant", ha="right", va="bottom")
        note = f"off the scale: {', '.join(off)}" if off else ""
        axis.text(0.98, 0.95, note, ha="right", transform=axis.transAxes)
        axis.set(title=f"{task}: training loss", xlabel="step")
        axis.set_ylim(0, 2 * constants[task])
    figure.savefig(path, dpi=100)


def main() -> None:
    starts: dict[str, tuple[LayerSignal, ...]] = {}
    curves: dict[str, dict[str, list[float]]] = {}
    all_tasks = tasks()
    for task_name, task in all_tasks.items():
        print(f"\n{task_name}: {task.x.shape[0]} x {task.x.shape[1]}, {DEPTH} layers")
        outline = FICNN(task.x.shape[1], task.outputs, passthrough=True)
        print(ei.plan(outline, VARIANTS["calibrated"].rules))
        curves[task_name] = {}
        for name in task.variants:
            print(f"\n {name}")
            model = make(VARIANTS[name], task, jax.random.key(1))
            rows = ei.probe(model, run, task.x).rows
            mean = max(abs(row.mean) for row in rows)
            std = [row.std for row in rows]
            print(
                f"  start: largest |mean| {mean:.3g}, std {min(std):.3g} to "
                f"{max(std):.3g}, feature correlation of the last hidden layer "
                f"{rows[-2].feature_corr:.4f}"
            )
            if task_name == "diabetes":
                starts[name] = rows
            curves[task_name][name] = train(name, model, task)
    path = pathlib.Path(__file__).with_suffix(".png")
    plot(starts, curves, {n: t.constant for n, t in all_tasks.items()}, path)
    print(f"\nsaved {path.name}")


if __name__ == "__main__":
    main()
