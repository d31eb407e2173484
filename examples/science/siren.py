"""A SIREN's layers are alike at any depth, though not by the paper's arcsine.

With weights of variance 2 / (w0^2 N) a layer's pre-activations have variance
v = 2 E[sin^2] = 1 - exp(-2 v) where they are normal, whose fixed point is 0.7968: a std
of 0.8926, and of 0.6312 behind the sine. The paper's argument gives 1 and 0.7071.

    python examples/science/siren.py

Sitzmann et al., arXiv:2006.09661.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


WIDTH, LAYERS, W0, NETS = 256, 8, 30.0, 16


def stds_of(key: jax.Array) -> np.ndarray:
    """Std of each layer's pre-activations, and of what the sine makes of them."""
    net = eqx.filter_eval_shape(
        lambda: eqx.nn.MLP(2, WIDTH, WIDTH, LAYERS, use_bias=False, key=key)
    )
    a, b = jax.random.split(key)
    net = ei.apply(
        net,
        a,
        [
            ei.Rule("layers.0", weight=ei.Siren(W0, first=True)),
            ei.Rule(eqx.nn.Linear, weight=ei.Siren(W0)),
            ei.Rule(ei.Role("bias"), ei.Zeros(), optional=True),
        ],
    )
    x = jax.random.uniform(b, (512, 2), minval=-1.0, maxval=1.0)
    seen = []
    for layer in net.layers:
        before = W0 * jax.vmap(layer)(x)
        x = jnp.sin(before)
        seen.append((float(before.std()), float(x.std())))
    return np.asarray(seen)


def main() -> None:
    keys = jax.random.split(jax.random.key(0), NETS)
    by_layer = np.asarray([stds_of(key) for key in keys])
    stds = by_layer[:, -1]
    variance = 1.0
    for _ in range(100):
        variance = 1 - math.exp(-2 * variance)
    means, errors = stds.mean(0), 5 * stds.std(0) / math.sqrt(NETS)
    with figure("siren") as [axis]:
        layers, both = range(LAYERS + 1), by_layer.mean(0)
        axis.plot(layers, both[:, 0], "o-", color=BLUE, label="pre-activations")
        axis.plot(layers, both[:, 1], "o-", color=ORANGE, label="activations")
        for value in (variance, variance / 2):
            axis.axhline(math.sqrt(value), **THEORY)
        for value in (1, math.sqrt(0.5)):
            axis.axhline(value, color="black", linestyle=":", linewidth=1)
        axis.set(xlabel="layer", ylabel="std", ylim=(0.5, 1.1))
        axis.set_title("dashed: fixed point, dotted: the paper's", fontsize=9)
        axis.legend(fontsize=8)
    # Five sigmas, and 1 / N: the fixed point is that of infinitely many units.
    report(
        Claim("pre-activations", math.sqrt(variance), means[0], errors[0] + 1 / WIDTH),
        Claim("activations", math.sqrt(variance / 2), means[1], errors[1] + 1 / WIDTH),
    )
    if abs(means[0] - 1) < 0.05:
        raise SystemExit("the paper's 1 would have been measured as well")


if __name__ == "__main__":
    main()
