"""An ensemble on a mesh: every device draws, trains and asks the members it holds.

Eight host devices stand in for eight accelerators, and hold two of sixteen networks
each. `eqx.filter_vmap` over keys gives the ensemble; member `i` has the very numbers
that `eqinit.apply` gives with key `i` alone. Trained on a few handwritten digits, the
members together are right as often as the best of them, which nobody can pick before.

    python examples/ensemble.py

Takes half a minute on two CPU cores; saves `ensemble.png`.
"""

import os


os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, PRNGKeyArray
from sklearn.datasets import load_digits

import eqinit as ei


matplotlib.use("Agg")
import matplotlib.pyplot as plt


MEMBERS, STEPS, TRAINED_ON = 16, 60, 500
RULES = [
    ei.Rule("layers.2", weight=ei.Zeros(), bias=ei.Zeros()),
    ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Zeros()),
]
SKELETON = eqx.filter_eval_shape(
    lambda key: eqx.nn.MLP(64, 10, 64, 2, key=key), jax.random.key(0)
)


def member(key: PRNGKeyArray) -> eqx.nn.MLP:
    return ei.apply(SKELETON, key, RULES)


def loss(model: eqx.nn.MLP, x: Float[Array, "n 64"], y: Int[Array, " n"]) -> Array:
    logits = jax.vmap(model)(x)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def main() -> None:
    mesh = jax.make_mesh((8,), ("ensemble",), axis_types=(AxisType.Auto,))
    by_member = NamedSharding(mesh, PartitionSpec("ensemble"))
    keys = jax.random.split(jax.random.key(0), MEMBERS)

    @eqx.filter_jit
    def born(keys: PRNGKeyArray) -> eqx.nn.MLP:
        return eqx.filter_shard(eqx.filter_vmap(member)(keys), by_member)

    models = born(jax.device_put(keys, by_member))
    first = models.layers[0].weight
    print(f"{first.shape} over {len(first.sharding.device_set)} devices")
    alone = member(keys[5])
    assert (np.asarray(first[5]) == np.asarray(alone.layers[0].weight)).all()
    print("member 5 has the numbers of its key alone, to the last bit")

    digits = load_digits()
    x, y = jnp.asarray(digits.data / 16, jnp.float32), jnp.asarray(digits.target)
    models = trained(models, x[:TRAINED_ON], y[:TRAINED_ON])
    logits = eqx.filter_vmap(lambda m: jax.vmap(m)(x[TRAINED_ON:]))(models)
    probabilities = np.asarray(jax.nn.softmax(logits))  # (members, images, classes)
    truth = np.asarray(y[TRAINED_ON:])
    single = (probabilities.argmax(-1) == truth).mean(1)
    growing = [
        (probabilities[: n + 1].mean(0).argmax(-1) == truth).mean()
        for n in range(MEMBERS)
    ]
    print(f"members {single.min():.3f} to {single.max():.3f}, all: {growing[-1]:.3f}")
    plot(single, growing)


@eqx.filter_jit
def trained(
    models: eqx.nn.MLP, x: Float[Array, "n 64"], y: Int[Array, " n"]
) -> eqx.nn.MLP:
    """All members at once; no device needs another's."""
    optimizer = optax.adam(3e-3)

    def one(model: eqx.nn.MLP) -> eqx.nn.MLP:
        params, static = eqx.partition(model, eqx.is_inexact_array)

        def step(carry: tuple, _: None) -> tuple[tuple, None]:
            params, state = carry
            model = eqx.combine(params, static)
            gradient = eqx.filter_grad(loss)(model, x, y)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), None

        start = (params, optimizer.init(params))
        (params, _), _ = jax.lax.scan(step, start, None, STEPS)
        return eqx.combine(params, static)

    return eqx.filter_vmap(one)(models)


def plot(single: np.ndarray, growing: list[float]) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    numbers = np.arange(1, MEMBERS + 1)
    axes.plot(numbers, growing, color="#c0392b", label="the first n members together")
    axes.scatter(numbers, single, color="0.5", s=14, label="each by itself")
    axes.set_xlabel("member")
    axes.set_ylabel("accuracy on held-out digits")
    axes.legend()
    path = pathlib.Path(__file__).with_name("ensemble.png")
    figure.savefig(path, dpi=120)
    print(f"saved {path.name}")


if __name__ == "__main__":
    main()
