"""Orthogonal matrices are drawn uniformly, which QR alone does not do.

Of a uniform (Haar) orthogonal matrix the trace has mean 0, variance 1 and fourth
moment 3, exactly as a standard normal. A QR decomposition without fixed signs has
LAPACK's: its first entry is never positive, and -E|u_1| = -Gamma(n/2) / (sqrt(pi)
Gamma((n + 1)/2)) on average, where u is uniform on the sphere.

    python examples/science/haar.py

Mezzadri, arXiv:math-ph/0609050; moments: Diaconis and Shahshahani, On the eigenvalues
of random matrices, 1994.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


SIZE, DRAWS = 8, 40_000


def main() -> None:
    keys = jax.random.split(jax.random.key(0), DRAWS)
    init = ei.Orthogonal()

    def uniform(key: jax.Array) -> jax.Array:
        return init(key, (SIZE, SIZE), axes="out in")

    def lapack(key: jax.Array) -> jax.Array:
        return jnp.linalg.qr(jax.random.normal(key, (SIZE, SIZE)))[0]

    haar = np.asarray(jax.jit(jax.vmap(uniform))(keys), np.float64)
    plain = np.asarray(jax.jit(jax.vmap(lapack))(keys), np.float64)
    trace, other = np.trace(haar, axis1=1, axis2=2), np.trace(plain, axis1=1, axis2=2)
    with figure("haar") as [axis]:
        bins = np.linspace(-6, 4, 81)
        for values, colour, name in (
            (other, ORANGE, "QR alone"),
            (trace, BLUE, "Orthogonal()"),
        ):
            axis.hist(values, bins, density=True, color=colour, alpha=0.7, label=name)
        normal = np.exp(-(bins**2) / 2) / math.sqrt(2 * math.pi)
        axis.plot(bins, normal, **THEORY, label="normal")
        axis.set(xlabel=f"trace of a {SIZE} x {SIZE} matrix", ylabel="density")
        axis.legend(fontsize=8)
    corner = math.gamma(SIZE / 2) / math.sqrt(math.pi) / math.gamma((SIZE + 1) / 2)
    # Five sigmas, with the moments of a normal: those up to the eighth are equal here.
    error = 5 / math.sqrt(DRAWS)
    # The corner's square is 1/n on average, so that its variance is less than that.
    corner_error = error * math.sqrt(1 / SIZE - corner**2)
    report(
        Claim("mean of the trace", 0, trace.mean(), error),
        Claim("its mean square", 1, (trace**2).mean(), error * math.sqrt(2)),
        Claim("its fourth moment", 3, (trace**4).mean(), error * math.sqrt(96)),
        Claim("first entry", 0, haar[:, 0, 0].mean(), error / math.sqrt(SIZE)),
        Claim("QR alone: first entry", -corner, plain[:, 0, 0].mean(), corner_error),
    )


if __name__ == "__main__":
    main()
