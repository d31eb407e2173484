"""LSUV: thirty layers of unit variance on a batch, whatever they start from.

Layers are rescaled one after the other, each on what those before it return. So the
variance of every layer's output is 1 on that batch, and the result does not depend on
the scale that it started from.

    python examples/science/lsuv.py

Mishkin and Matas, All you need is a good init, arXiv:1511.06422.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, GREEN, GREY, Claim, figure, report

import eqinit as ei


WIDTH, LAYERS, BATCH, TOL = 64, 30, 256, 1e-3


def variances(net: eqx.nn.MLP, x: jax.Array) -> np.ndarray:
    """Of the output of each layer, before its activation."""
    seen = []
    for layer in net.layers:
        h = jax.vmap(layer)(x)
        seen.append(np.var(np.asarray(h, np.float64)))
        x = net.activation(h)
    return np.asarray(seen)


def start(activation: str, gain: float) -> eqx.nn.MLP:
    fn = {"tanh": jnp.tanh, "relu": jax.nn.relu}[activation]
    net = eqx.filter_eval_shape(
        lambda: eqx.nn.MLP(WIDTH, WIDTH, WIDTH, LAYERS, fn, key=jax.random.key(0))
    )
    rule = ei.Rule(eqx.nn.Linear, weight=ei.Orthogonal(gain), bias=ei.Zeros())
    return ei.apply(net, jax.random.key(1), [rule])


def main() -> None:
    x = jax.random.normal(jax.random.key(2), (BATCH, WIDTH))
    fresh = jax.random.normal(jax.random.key(3), (BATCH, WIDTH))
    claims = []
    with figure("lsuv", 2) as axes:
        for axis, activation in zip(axes, ("tanh", "relu"), strict=True):
            nets = [start(activation, gain) for gain in (0.3, 1.0, 3.0)]
            done = [
                ei.calibrate(net, lambda m, x: jax.vmap(m)(x), x, tol=TOL)[0]
                for net in nets
            ]
            for net, style in zip(nets, (":", "-", "--"), strict=True):
                axis.semilogy(variances(net, x), style, color=GREY)
            # Wide, so that it shows on both sides of what is drawn over it.
            seen, other = variances(done[0], x), variances(done[0], fresh)
            axis.semilogy(seen, color=BLUE, linewidth=4, label="calibrated")
            axis.semilogy(other, "--", color=GREEN, label="on other data")
            axis.set(title=activation, xlabel="layer", ylabel="variance")
            for style, gain in ((":", 0.3), ("-", 1), ("--", 3)):
                axis.plot([], [], style, color=GREY, label=f"orthogonal, gain {gain}")
            axis.legend(fontsize=8, loc="lower left")
            worst = max(np.abs(variances(net, x) - 1).max() for net in done)
            weights = [
                np.concatenate([np.ravel(layer.weight) for layer in net.layers])
                for net in (done[0], done[2])
            ]
            apart = np.abs(weights[0] - weights[1]).max() / np.abs(weights[0]).max()
            claims += [
                Claim(f"{activation}: worst |variance - 1|", 0, worst, TOL),
                # Rounding of a sum of N terms, through L layers.
                Claim(
                    f"{activation}: weights from 0.3 and from 3",
                    0,
                    apart,
                    LAYERS * math.sqrt(WIDTH) * 2.0**-24,
                ),
            ]
    report(*claims)


if __name__ == "__main__":
    main()
