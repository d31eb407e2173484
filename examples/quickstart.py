"""The axis trap on real data: handwritten digits, one conv net, two initialisations.

Both runs ask for "He". One hands `jax.nn.initializers.he_normal()` the shapes that
Equinox stores, as the usual recipe does: its default axes are `(..., in, out)`, while
Equinox's are `(out, in, ...)`, and nothing complains. The other asks eqinit.

    python examples/quickstart.py

Takes under a minute on two CPU cores; saves `quickstart.png` beside this file.
"""

import pathlib
from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import eqinit as ei


matplotlib.use("Agg")
import matplotlib.pyplot as plt


STEPS, BATCH, RATE, WIDTH, DEPTH = 400, 64, 0.02, 32, 8


class ConvNet(eqx.Module):
    """Plain 3x3 convolutions, without norms or shortcuts that would repair a scale."""

    convs: list[eqx.nn.Conv2d]
    head: eqx.nn.Linear

    def __init__(self, key: PRNGKeyArray) -> None:
        *keys, head = jax.random.split(key, DEPTH + 1)
        widths = [1] + [WIDTH] * DEPTH
        self.convs = [
            eqx.nn.Conv2d(i, o, 3, padding=1, key=k)
            for i, o, k in zip(widths, widths[1:], keys, strict=False)
        ]
        self.head = eqx.nn.Linear(WIDTH * 4 * 4, 10, key=head)

    def __call__(self, image: Float[Array, "1 8 8"]) -> Float[Array, "10"]:
        for conv in self.convs:
            image = jax.nn.relu(conv(image))
        pooled = image.reshape(WIDTH, 4, 2, 4, 2).mean(axis=(2, 4))
        return self.head(pooled.ravel())


def with_eqinit(model: ConvNet, key: PRNGKeyArray) -> ConvNet:
    rules = [
        ei.Rule(eqx.nn.Conv, weight=ei.HeNormal(), bias=ei.Zeros()),
        ei.Rule("head", weight=ei.LecunNormal(), bias=ei.Zeros()),
    ]
    plan = ei.plan(model, rules)
    print(plan, "\n")
    model = plan.apply(model, key)
    print(plan.check(model), "\n")
    return model


def misused(model: ConvNet, key: PRNGKeyArray) -> ConvNet:
    """The recipe that is passed around, with jax's default axes."""
    he = jax.nn.initializers.he_normal()

    def where(m: ConvNet) -> list[Array]:
        return [conv.weight for conv in m.convs]

    keys = jax.random.split(key, DEPTH)
    weights = [he(k, w.shape) for k, w in zip(keys, where(model), strict=True)]
    model = eqx.tree_at(where, model, weights)
    model = ei.select(model, ei.Role("bias")).set(0.0)
    # The head is right in both, so that the convolutions alone differ.
    return ei.apply(model, key, [("head.weight", ei.LecunNormal())])


def batches(
    images: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    while True:
        picked = rng.choice(len(images), BATCH, replace=False)
        yield images[picked], labels[picked]


def loss_fn(
    model: ConvNet, x: Float[Array, "batch 1 8 8"], y: Int[Array, " batch"]
) -> Float[Array, ""]:
    logits = jax.vmap(model)(x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


@eqx.filter_jit
def accuracy(model: ConvNet, x: Array, y: Array) -> Float[Array, ""]:
    return jnp.mean(jnp.argmax(jax.vmap(model)(x), axis=1) == y)


def train(name: str, model: ConvNet, data: list[np.ndarray]) -> dict[str, list[float]]:
    x_train, x_test, y_train, y_test = data
    optim = optax.sgd(RATE, momentum=0.9)
    state = optim.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model: ConvNet, state: optax.OptState, x: Array, y: Array):
        loss, grads = eqx.filter_value_and_grad(loss_fn)(model, x, y)
        updates, state = optim.update(grads, state)
        return eqx.apply_updates(model, updates), state, loss

    curves: dict[str, list[float]] = {"loss": [], "step": [], "accuracy": []}
    stream = batches(x_train, y_train)
    for i in (bar := tqdm(range(STEPS), desc=name)):
        model, state, loss = step(model, state, *next(stream))
        curves["loss"].append(float(loss))
        if i % 10 == 0 or i == STEPS - 1:
            curves["step"].append(i)
            curves["accuracy"].append(float(accuracy(model, x_test, y_test)))
            bar.set_postfix(loss=f"{loss:.3f}", test=f"{curves['accuracy'][-1]:.1%}")
    return curves


def plot(curves: dict[str, dict[str, list[float]]], path: pathlib.Path) -> None:
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for (name, curve), colour in zip(curves.items(), ("C0", "C3"), strict=True):
        left.plot(curve["loss"], colour, label=name)
        right.plot(curve["step"], curve["accuracy"], colour, label=name)
    left.axhline(np.log(10), color="grey", linestyle=":", label="guessing")
    left.set(xlabel="step", ylabel="training loss", title="Loss")
    right.set(xlabel="step", ylabel="test accuracy", title="Accuracy", ylim=(0, 1))
    left.legend()
    right.legend()
    plt.savefig(path, dpi=120)


def main() -> None:
    images, labels = load_digits(return_X_y=True)
    images = (images / 8 - 1).reshape(-1, 1, 8, 8).astype(np.float32)
    data = train_test_split(images, labels, test_size=0.25, random_state=0)
    model_key, init_key = jax.random.split(jax.random.key(0))
    model = ConvNet(model_key)
    starts = {
        "eqinit HeNormal": with_eqinit(model, init_key),
        "he_normal(), default axes": misused(model, init_key),
    }
    stds = {name: float(jnp.std(m.convs[1].weight)) for name, m in starts.items()}
    print(f"std of convs.1.weight (0.0833 is right): {stds}\n")
    curves = {name: train(name, start, data) for name, start in starts.items()}
    for name, curve in curves.items():
        final = f"loss {np.mean(curve['loss'][-20:]):.3f}"
        print(f"{name:28s} {final}, test accuracy {curve['accuracy'][-1]:.1%}")
    path = pathlib.Path(__file__).with_suffix(".png")
    plot(curves, path)
    print(f"saved {path.name}")


if __name__ == "__main__":
    main()
