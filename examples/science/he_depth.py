"""He's weights keep a ReLU net's signal through 50 layers, Glorot's halve it in each.

For width N and L layers the log of |x_L|^2 / |x_0|^2 is normal of variance
s^2 = 5 L / N and mean -s^2 / 2 with He's weights (so that the *mean* ratio is 1), and
that less L ln 2 with Glorot's.

    python examples/science/he_depth.py

He et al., arXiv:1502.01852; Hanin and Rolnick, arXiv:1803.01719.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


WIDTH, LAYERS, NETS = 256, 50, 60


def log_ratios(init: ei.AbstractInitializer, key: jax.Array) -> np.ndarray:
    """Of NETS nets, the log of how much the mean square has changed, by layer."""

    def layer(x: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = jax.nn.relu(init(key, (WIDTH, WIDTH), axes="out in") @ x)
        return x, jnp.log(jnp.sum(x**2))

    @jax.jit
    def net(key: jax.Array) -> jax.Array:
        start, weights = jax.random.split(key)
        # After a ReLU, as what a layer within a net sees.
        x = jax.nn.relu(jax.random.normal(start, (WIDTH,)))
        _, logs = jax.lax.scan(layer, x, jax.random.split(weights, LAYERS))
        return logs - jnp.log(jnp.sum(x**2))

    return np.asarray([net(k) for k in jax.random.split(key, NETS)], np.float64)


def main() -> None:
    by_he = log_ratios(ei.HeNormal(distribution="normal"), jax.random.key(0))
    by_glorot = log_ratios(ei.GlorotNormal(distribution="normal"), jax.random.key(1))
    he, glorot = by_he[:, -1], by_glorot[:, -1]
    layer = np.arange(1, LAYERS + 1)
    with figure("he_depth") as [axis]:
        for logs, colour, lost in ((by_he, BLUE, 0.0), (by_glorot, ORANGE, 1.0)):
            axis.plot(layer, logs.T / math.log(2), color=colour, alpha=0.2)
            axis.plot([], color=colour, label="Glorot" if lost else "He")
            mean = -lost * layer - 5 * layer / WIDTH / 2 / math.log(2)
            axis.plot(layer, mean, **THEORY)
        axis.lines[-1].set_label("expected on average")
        axis.set(xlabel="layer", ylabel="log2 of the mean square")
        axis.legend(fontsize=8, loc="lower left")
    variance = 5 * LAYERS / WIDTH
    # Five sigmas of a mean and of a variance of normals.
    mean_error = 5 * math.sqrt(variance / NETS)
    variance_error = 5 * variance * math.sqrt(2 / NETS)
    report(
        Claim("He: mean log ratio", -variance / 2, he.mean(), mean_error),
        Claim("He: variance of the log ratio", variance, he.var(), variance_error),
        Claim(
            "Glorot: mean log2 ratio",
            -LAYERS - variance / 2 / math.log(2),
            glorot.mean() / math.log(2),
            mean_error / math.log(2),
        ),
    )


if __name__ == "__main__":
    main()
