"""Draw `images/which.png`: a signal through 30 layers, by activation and scheme.

Run `python docs/which.py` after a change of a scheme or a gain.
"""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import eqinit as ei


PICTURE = Path(__file__).parent / "images" / "which.png"
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "gelu": jax.nn.gelu}
COLOURS = ("#8c8c8c", "#4f8fd9", "#e8a33d", "#2f9e62")


def stds(activation: str, scheme: ei.AbstractInitializer) -> list[float]:
    fn = ACTIVATIONS[activation]
    model = eqx.nn.MLP(64, 64, 64, 30, activation=fn, key=jax.random.key(0))
    rules = [ei.Rule(eqx.nn.Linear, weight=scheme, bias=ei.Zeros())]
    model = ei.apply(model, jax.random.key(0), rules)
    x = jax.random.normal(jax.random.key(1), (256, 64))
    report = ei.probe(model, lambda m, x: jax.vmap(m)(x), x)
    return [float(row.std) for row in report.rows]


def main() -> None:
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
    for axis, activation in zip(axes, ACTIVATIONS, strict=True):
        schemes = {
            "torch's default": ei.TorchDefault(),
            "LecunNormal()": ei.LecunNormal(),
            "HeNormal()": ei.HeNormal(),
            "ForActivation(...)": ei.ForActivation(ei.LecunNormal(), activation),
        }
        for (label, scheme), colour in zip(schemes.items(), COLOURS, strict=True):
            axis.semilogy(stds(activation, scheme), label=label, color=colour)
        axis.set(title=activation, xlabel="layer")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("std of the layer's output")
    axes[0].legend(fontsize=8)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
