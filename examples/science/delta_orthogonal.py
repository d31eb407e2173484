"""Delta-orthogonal convolutions keep every singular value at one, at any depth.

On a torus a convolution is one matrix per frequency, and its singular values are those
of these matrices. Of a delta-orthogonal kernel they are all 1. Those of a Gaussian
kernel of variance 1/(9 N) lie on (0, 2), with a mean square of 1 and a mean fourth
power of 2 + |p|^2 / N, where p is how far from circular a frequency's entries are.

    python examples/science/delta_orthogonal.py

Xiao et al., Dynamical isometry and a mean field theory of CNNs, arXiv:1806.05393.
"""

import math

import equinox as eqx
import jax
import numpy as np
from claims import BLUE, ORANGE, Claim, figure, report

import eqinit as ei


CHANNELS, SIDE, LAYERS = 32, 8, 50


def convolutions(init: ei.AbstractInitializer, key: jax.Array) -> list[eqx.nn.Conv2d]:
    conv = eqx.filter_eval_shape(
        lambda: eqx.nn.Conv2d(
            *(CHANNELS, CHANNELS, 3),
            padding="SAME",
            padding_mode="CIRCULAR",
            use_bias=False,
            key=jax.random.key(0),
        )
    )
    plan = ei.plan(conv, [ei.Rule(eqx.nn.Conv, weight=init)])
    return [plan.apply(conv, k) for k in jax.random.split(key, LAYERS)]


def by_frequency(conv: eqx.nn.Conv2d) -> np.ndarray:
    """The matrices of all frequencies: (SIDE * SIDE, out, in)."""
    spectrum = np.fft.fft2(np.asarray(conv.weight, np.float64), (SIDE, SIDE))
    return spectrum.reshape(CHANNELS, CHANNELS, -1).transpose(2, 0, 1)


def singular(matrices: np.ndarray) -> np.ndarray:
    return np.linalg.svd(matrices, compute_uv=False)


def through(matrices: list[np.ndarray]) -> np.ndarray:
    """Singular values of all layers one after the other."""
    product = matrices[0]
    for matrix in matrices[1:]:
        product = matrix @ product
    return np.sort(singular(product).ravel())[::-1]


def non_circular() -> float:
    """Mean over frequencies of |E z^2|^2 / (E |z|^2)^2, for an entry z of a matrix."""
    angle = 2 * np.pi * np.arange(SIDE) / SIDE
    taps = np.abs(1 + 2 * np.cos(2 * angle)) / 3
    return float(np.mean(np.outer(taps, taps) ** 2))


def main() -> None:
    delta = convolutions(ei.DeltaOrthogonal(), jax.random.key(0))
    gauss = convolutions(ei.LecunNormal(distribution="normal"), jax.random.key(1))
    x = jax.random.normal(jax.random.key(2), (CHANNELS, SIDE, SIDE))
    y = x
    for conv in delta:
        y = conv(y)
    ratio = float(np.linalg.norm(y) / np.linalg.norm(x))
    matrices = [by_frequency(conv) for conv in delta]
    ones = singular(np.stack(matrices))
    normal = [by_frequency(conv) for conv in gauss]
    values = np.stack([singular(matrix) for matrix in normal])
    with figure("delta_orthogonal") as [axis]:
        for layers, colour, name in (
            (matrices, BLUE, "delta-orthogonal"),
            (normal, ORANGE, "Gaussian"),
        ):
            one, all_of_them = np.sort(singular(layers[0]).ravel())[::-1], layers
            axis.semilogy(one, color=colour, linestyle=":", label=f"{name}, 1 layer")
            deep = through(all_of_them)
            axis.semilogy(deep, color=colour, label=f"{name}, {LAYERS} layers")
        axis.set(xlabel="index", ylabel="singular value", ylim=(1e-20, 1e4))
        axis.legend(fontsize=8)
    # An orthogonal matrix of float32 is one to a rounding error for each of N terms.
    rounding = CHANNELS * 2.0**-24
    squares, fourths = (values**2).mean((1, 2)), (values**4).mean((1, 2))
    error = 5 / math.sqrt(LAYERS)
    report(
        Claim("delta-orthogonal: largest singular value", 1, ones.max(), rounding),
        Claim("delta-orthogonal: smallest", 1, ones.min(), rounding),
        Claim(f"|y| / |x| after {LAYERS} layers", 1, ratio, LAYERS * rounding),
        # Five sigmas over the layers, which are independent.
        Claim("Gaussian: mean square", 1, squares.mean(), error * squares.std()),
        Claim(
            "Gaussian: mean fourth power",
            2 + non_circular() / CHANNELS,
            fourths.mean(),
            error * fourths.std(),
        ),
    )


if __name__ == "__main__":
    main()
