"""Fifty orthogonal layers are orthogonal; fifty Gaussian ones flatten everything.

The log of |det| of a product of Gaussian matrices of variance 1/N is known exactly: a
sum of logs of chi-squares, of mean L/2 sum_i (psi(i/2) + ln(2/N)).

    python examples/science/deep_linear.py

Saxe, McClelland and Ganguli, arXiv:1312.6120.
"""

import math

import jax
import numpy as np
from claims import BLUE, ORANGE, Claim, figure, report
from jax.scipy.special import digamma, polygamma

import eqinit as ei


WIDTH, LAYERS = 64, 50


def layers(init: ei.AbstractInitializer, key: jax.Array) -> list[np.ndarray]:
    keys = jax.random.split(key, LAYERS)
    draws = [init(k, (WIDTH, WIDTH), axes="out in") for k in keys]
    return [np.asarray(draw, np.float64) for draw in draws]


def main() -> None:
    square = layers(ei.Orthogonal(), jax.random.key(0))
    values = np.linalg.svd(np.linalg.multi_dot(square), compute_uv=False)
    gauss = layers(ei.LecunNormal(distribution="normal"), jax.random.key(1))
    logdet = sum(np.linalg.slogdet(matrix)[1] for matrix in gauss)
    halves = np.arange(1, WIDTH + 1) / 2
    mean = LAYERS / 2 * float(np.sum(np.asarray(digamma(halves)) + math.log(2 / WIDTH)))
    variance = LAYERS / 4 * float(np.sum(np.asarray(polygamma(1, halves))))
    flat = np.linalg.svd(np.linalg.multi_dot(gauss), compute_uv=False)
    with figure("deep_linear") as [axis]:
        axis.semilogy(values, ".-", color=BLUE, label="orthogonal")
        axis.semilogy(flat, ".-", color=ORANGE, label="Gaussian")
        axis.set(xlabel="index", ylabel=f"singular value of {LAYERS} layers")
        axis.legend(fontsize=8)
    report(
        # Each layer is orthogonal to float32's 6e-8, times a few for its size.
        Claim("orthogonal: largest singular value", 1, values.max(), LAYERS * 1e-6),
        Claim("orthogonal: smallest singular value", 1, values.min(), LAYERS * 1e-6),
        Claim("Gaussian: ln |det|", mean, logdet, 5 * math.sqrt(variance)),
    )


if __name__ == "__main__":
    main()
