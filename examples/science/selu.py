"""A SELU net of LeCun weights drives its activations to mean 0 and variance 1.

Whatever the data's variance is, after some layers it is 1: the fixed point of the map
from a layer's moments to the next one's, which is stable.

    python examples/science/selu.py

Klambauer et al., arXiv:1706.02515.
"""

import math

import equinox as eqx
import jax
import numpy as np
from claims import Claim, report

import eqinit as ei


WIDTH, LAYERS, NETS, BATCH = 256, 30, 12, 64


def moments(key: jax.Array, std: float) -> tuple[float, float]:
    """Mean and variance over units and data of the last layer's activations."""
    a, b = jax.random.split(key)
    net = eqx.filter_eval_shape(
        lambda: eqx.nn.MLP(
            WIDTH, WIDTH, WIDTH, LAYERS, jax.nn.selu, jax.nn.selu, key=key
        )
    )
    net = ei.apply(net, a, ei.recipes.selu_net())
    x = std * jax.random.normal(b, (BATCH, WIDTH))
    y = np.asarray(jax.jit(jax.vmap(net))(x), np.float64)
    return float(y.mean()), float(y.var())


def main() -> None:
    claims: list[Claim] = []
    for std in (0.5, 1.5):
        keys = jax.random.split(jax.random.key(0), NETS)
        found = np.asarray([moments(key, std) for key in keys])
        # Five sigmas over nets, and 1 / N: the fixed point is that of infinite width.
        errors = 5 * found.std(0) / math.sqrt(NETS) + 1 / WIDTH
        mean, variance = found.mean(0)
        claims += [
            Claim(f"data of std {std}: mean", 0, mean, errors[0]),
            Claim(f"data of std {std}: variance", 1, variance, errors[1]),
        ]
    report(*claims)


if __name__ == "__main__":
    main()
