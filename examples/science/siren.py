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
from claims import Claim, report

import eqinit as ei


WIDTH, LAYERS, W0, NETS = 256, 8, 30.0, 16


def last_of(key: jax.Array) -> tuple[float, float]:
    """Std of the last layer's pre-activations, and of what the sine makes of them."""
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
    for layer in net.layers:
        before = W0 * jax.vmap(layer)(x)
        x = jnp.sin(before)
    return float(before.std()), float(x.std())


def main() -> None:
    stds = np.asarray(
        [last_of(key) for key in jax.random.split(jax.random.key(0), NETS)]
    )
    variance = 1.0
    for _ in range(100):
        variance = 1 - math.exp(-2 * variance)
    means, errors = stds.mean(0), 5 * stds.std(0) / math.sqrt(NETS)
    # Five sigmas, and 1 / N: the fixed point is that of infinitely many units.
    report(
        Claim("pre-activations", math.sqrt(variance), means[0], errors[0] + 1 / WIDTH),
        Claim("activations", math.sqrt(variance / 2), means[1], errors[1] + 1 / WIDTH),
    )
    if abs(means[0] - 1) < 0.05:
        raise SystemExit("the paper's 1 would have been measured as well")


if __name__ == "__main__":
    main()
