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
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


WIDTH, LAYERS, NETS, BATCH = 256, 30, 12, 64


def moments(key: jax.Array, std: float) -> np.ndarray:
    """Mean and variance over units and data of each layer's activations."""
    a, b = jax.random.split(key)
    net = eqx.filter_eval_shape(
        lambda: eqx.nn.MLP(
            WIDTH, WIDTH, WIDTH, LAYERS, jax.nn.selu, jax.nn.selu, key=key
        )
    )
    net = ei.apply(net, a, ei.recipes.selu_net())
    x = std * jax.random.normal(b, (BATCH, WIDTH))
    seen = []
    for layer in net.layers:
        x = jax.nn.selu(jax.vmap(layer)(x))
        seen.append((float(x.mean()), float(x.var())))
    return np.asarray(seen)


def main() -> None:
    claims: list[Claim] = []
    by_std: dict[float, np.ndarray] = {}
    for std in (0.5, 1.5):
        keys = jax.random.split(jax.random.key(0), NETS)
        by_std[std] = np.asarray([moments(key, std) for key in keys])
        last = by_std[std][:, -1]
        # Five sigmas over nets, and 1 / N: the fixed point is that of infinite width.
        errors = 5 * last.std(0) / math.sqrt(NETS) + 1 / WIDTH
        mean, variance = last.mean(0)
        claims += [
            Claim(f"data of std {std}: mean", 0, mean, errors[0]),
            Claim(f"data of std {std}: variance", 1, variance, errors[1]),
        ]
    with figure("selu", 2) as axes:
        for axis, i, name in zip(axes, (0, 1), ("mean", "variance"), strict=True):
            for std, colour in ((0.5, BLUE), (1.5, ORANGE)):
                label, values = f"data of std {std}", by_std[std]
                axis.plot(values[:, :, i].mean(0), color=colour, label=label)
            axis.axhline(i, **THEORY, label="fixed point")
            axis.set(xlabel="layer", ylabel=name)
        axes[1].legend(fontsize=8)
    report(*claims)


if __name__ == "__main__":
    main()
