"""Hoedt's positive layers keep mean 0, variance 1 and correlation 1/2, for one layer.

On inputs of that mean, variance and correlation the next layer's are exactly that, on
average over weights. But it is not a fixed point: if sums over units were normal, a
data point with a common part a and a variance s of its own would have N mu E[relu] + b
and N v E[relu^2] in the next layer, and the mean square over data would go 1, 1, 1.75,
3.75, ... It is measured to grow as well, somewhat slower: positive weights whose mean
is 1/sqrt(N) of their std are few and large, and no sum of them is normal at any width.
From a usual first layer (no correlation) the differences between data points die out,
and what is left is the bias.

    python examples/science/hoedt.py

Also: a drawn matrix of log-normal entries mostly has but 0.6 of the mean square that it
is meant to have (`HoedtMatched` has all of it, and is what is measured here), and a
bias of the wrong sign leaves twice its size as the mean.

Hoedt and Klambauer, arXiv:2312.12474.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from claims import BLUE, ORANGE, THEORY, Claim, figure, report

import eqinit as ei


WIDTH, LAYERS, NETS, DRAWS = 512, 5, 40, 200
# Data points are the nodes of a quadrature over what units have in common.
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
# The paper's constants for a variance of 1 and a correlation of 1/2, written out.
ROOT = 6 * (math.pi - 1) + (WIDTH - 1) * (3 * math.sqrt(3) + 2 * math.pi - 6)
MEAN, BIAS = math.sqrt(6 * math.pi / (WIDTH * ROOT)), -math.sqrt(3 * WIDTH / ROOT)


def theory(a: np.ndarray, s: np.ndarray) -> np.ndarray:
    """(layers + 1, 2, data): the common part and the own variance behind each layer."""
    states = [np.stack([a, s])]
    for _ in range(LAYERS):
        a, s = states[-1]
        std = np.sqrt(s)
        density = np.exp(-((a / std) ** 2) / 2) / math.sqrt(2 * math.pi)
        # erfc keeps its digits far below zero, where few units are active.
        active = np.asarray([math.erfc(-t / math.sqrt(2)) / 2 for t in a / std])
        first = a * active + std * density
        second = (a**2 + s) * active + a * std * density
        # Where hardly any unit is active the two terms cancel to rounding.
        first, second = np.maximum(first, 0), np.maximum(second, 1e-300)
        states.append(np.stack([WIDTH * MEAN * first + BIAS, second]))
    return np.asarray(states)


def measured(start: float, sign: float = 1.0) -> np.ndarray:
    """The same of drawn nets: (NETS, layers + 1, 2, data)."""
    pair = ei.hoedt(matched=True)
    common = math.sqrt(1 - start) * jnp.asarray(NODES, jnp.float32)

    def state(h: jax.Array) -> jax.Array:
        return jnp.stack([h.mean(1), h.var(1)])

    def layer(h: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        a, b = jax.random.split(key)
        weight = pair["weight"](a, (WIDTH, WIDTH), axes="out in")
        bias = pair["bias"](b, (WIDTH,), fan_in=WIDTH)
        h = jax.nn.relu(h) @ weight.T + sign * bias[None]
        return h, state(h)

    @jax.jit
    def net(key: jax.Array) -> jax.Array:
        a, b = jax.random.split(key)
        own = math.sqrt(start) * jax.random.normal(a, (len(NODES), WIDTH))
        h = common[:, None] + own
        _, states = jax.lax.scan(layer, h, jax.random.split(b, LAYERS))
        return jnp.concatenate([state(h)[None], states])

    keys = jax.random.split(jax.random.key(0), NETS)
    return np.asarray([net(key) for key in keys], np.float64)


def compared(what: str, expected: float, nets: np.ndarray, more: float) -> Claim:
    """Five sigmas over nets, and what a finite width leaves."""
    error = 5 * float(nets.std()) / math.sqrt(NETS) + more
    return Claim(what, float(expected), float(nets.mean()), error)


def share(matrices: np.ndarray) -> np.ndarray:
    """Each drawn matrix's mean square over what it is meant to be."""
    mean, variance = MEAN, 1 / WIDTH
    return (matrices**2).mean((1, 2)) / (mean**2 + variance)


def log_normal() -> tuple[np.ndarray, np.ndarray]:
    """The shares of eqinit's matrices, and of numpy's of the same two moments."""
    init, shape = ei.HoedtNormal(), (WIDTH, WIDTH)
    draw = jax.jit(lambda key: init(key, shape, axes="out in"))
    keys = jax.random.split(jax.random.key(1), DRAWS)
    ours = [share(np.asarray(draw(key), np.float64)[None])[0] for key in keys]
    sigma = math.sqrt(math.log1p(1 / WIDTH / MEAN**2))
    rng, location = np.random.default_rng(0), math.log(MEAN) - sigma**2 / 2
    theirs = [share(rng.lognormal(location, sigma, (1, *shape)))[0] for _ in keys]
    return np.asarray(ours), np.asarray(theirs)


def median_error(values: np.ndarray) -> float:
    """The spread of a median: that of medians of resampled values."""
    rng = np.random.default_rng(1)
    again = rng.choice(values, (400, len(values)))
    return float(np.median(again, axis=1).std())


def main() -> None:
    seen = measured(0.5)
    mean, common, own = (part @ WEIGHTS for part in _parts(seen))
    squares = common + own
    grown = theory(math.sqrt(0.5) * NODES, np.full_like(NODES, 0.5))
    gaussian = (grown[:, 0] ** 2 + grown[:, 1]) @ WEIGHTS
    dull, wrong = measured(1.0), measured(0.5, -1.0)
    ours, theirs = log_normal()
    error = math.hypot(median_error(ours), median_error(theirs))
    with figure("hoedt", 2) as [left, right]:
        layers, spread = range(LAYERS + 1), 5 * squares.std(0) / math.sqrt(NETS)
        left.errorbar(layers, squares.mean(0), spread, fmt="o", color=BLUE)
        left.plot(gaussian, label="if sums were normal", **THEORY)
        left.axhline(1, color=ORANGE, label="as it is meant to be")
        left.set(xlabel="layer", ylabel="mean square", yscale="log")
        left.legend(fontsize=8)
        right.hist(ours, np.linspace(0, 2, 41), color=BLUE)
        right.axvline(1, color=ORANGE)
        right.set(
            xlabel="log-normal: drawn over nominal mean square", ylabel="matrices"
        )
    print("mean square by layer:", *(f"{value:.2f}" for value in squares.mean(0)))
    print("if sums were normal: ", *(f"{value:.2f}" for value in gaussian))
    # Sums over units are known to N^(-1/2) of their size.
    more = WIDTH**-0.5 / 2
    report(
        compared("one layer: mean", 0, mean[:, 1], more),
        compared("one layer: mean square", 1, squares[:, 1], more),
        compared("one layer: what units have in common", 0.5, common[:, 1], more),
        compared("from no correlation: variance", 0.5, dull[:, 1, 1] @ WEIGHTS, more),
        compared(
            f"the same after {LAYERS}: mean", BIAS, dull[:, LAYERS, 0] @ WEIGHTS, more
        ),
        compared("wrong sign: mean", -2 * BIAS, wrong[:, 1, 0] @ WEIGHTS, more),
        Claim(
            "log-normal: median share, as numpy's",
            float(np.median(theirs)),
            float(np.median(ours)),
            5 * error,
        ),
    )
    if squares[:, LAYERS].mean() - 5 * squares[:, LAYERS].std() / math.sqrt(NETS) < 2:
        raise SystemExit("a mean square of 1 would have been kept through 5 layers")


def _parts(states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, the square of what units have in common, and the variance of their own."""
    a, s = states[:, :, 0], states[:, :, 1]
    return a, a**2 - s / WIDTH, s * WIDTH / (WIDTH - 1)


if __name__ == "__main__":
    main()
