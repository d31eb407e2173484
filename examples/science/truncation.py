"""A wide truncated normal in float32 puts stray weights at its bounds; not eqinit's.

timm's and torch's `trunc_normal_(std=0.02, a=-2, b=2)` has bounds 100 sigma away. jax
draws a uniform number of 23 bits between the bounds' probabilities, and one in 2^23 is
the lower bound itself, -100 sigma. No normal number of float32 drawn so lies beyond 5.5
sigma, and of 2^27 true ones 5.1 would.

    python examples/science/truncation.py

The std of what is left of a normal between two sigma, 0.8796, is the other claim: jax's
`truncated_normal` has it, eqinit's has the std that was asked for.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


BLOCK, BLOCKS, BOUND = 1 << 23, 64, 100.0
FAR = 6.0


def census(draw: ei.AbstractInitializer | None) -> tuple[list[int], list[float]]:
    """After every block: how many lie beyond FAR, and how far the furthest is."""

    @jax.jit
    def block(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        if draw is None:
            z = jax.random.truncated_normal(key, -BOUND, BOUND, (BLOCK,))
        else:
            z = draw(key, (BLOCK,))
        size = jnp.abs(z)
        return jnp.sum(size > FAR), jnp.max(size)

    counts, furthest = [], []
    for key in jax.random.split(jax.random.key(0), BLOCKS):
        count, most = block(key)
        counts.append(int(count) + (counts[-1] if counts else 0))
        furthest.append(max(float(most), furthest[-1] if furthest else 0.0))
    return counts, furthest


def main() -> None:
    wide = ei.TruncatedNormal(1.0, lower=-BOUND, upper=BOUND)
    theirs, ours = census(None), census(wide)
    drawn = np.arange(1, BLOCKS + 1) * BLOCK
    with figure("truncation") as [axis]:
        axis.loglog(drawn, theirs[1], color=ORANGE, label="jax.random.truncated_normal")
        axis.loglog(drawn, ours[1], color=BLUE, label="TruncatedNormal")
        axis.plot(drawn, np.sqrt(2 * np.log(drawn)), label="normal", **THEORY)
        axis.set(xlabel="draws", ylabel="largest, in sigma", ylim=(3, 200))
        axis.legend(fontsize=8)
    expected = BLOCKS * BLOCK / 2**23
    shape = (1 << 20,)
    two = ei.TruncatedNormal(1.0)(jax.random.key(1), shape)
    short = jax.random.truncated_normal(jax.random.key(1), -2.0, 2.0, shape)
    inside = math.erf(math.sqrt(2))
    density = math.exp(-2) / math.sqrt(2 * math.pi)
    std = math.sqrt(1 - 4 * density / inside)
    # The kurtosis is 2.37: a sample's std is off by sqrt(1.37 / 4 n), relatively.
    error = 5 * math.sqrt(1.37 / 4 / shape[0])
    report(
        # A count has Poisson's spread.
        Claim("jax: beyond 6 sigma", expected, theirs[0][-1], 5 * math.sqrt(expected)),
        Claim("eqinit: beyond 6 sigma", 0, ours[0][-1], 0),
        Claim("jax: std between two sigma", std, float(short.std()), std * error),
        Claim("eqinit: std between two sigma", 1, float(two.std()), error),
    )


if __name__ == "__main__":
    main()
