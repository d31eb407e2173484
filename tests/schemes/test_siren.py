"""SIREN: the spread that its hidden layers settle at."""

import math

import jax
import numpy as np
import pytest

import eqinit as ei


def fixed_point() -> float:
    """v = 1 - exp(-2 v): w0^2 n Var w is 2, and E sin^2 of a normal (1 - e^-2v) / 2."""
    v = 1.0
    for _ in range(100):
        v = 1 - math.exp(-2 * v)
    return v


def test_the_fixed_point_is_0_7968():
    assert fixed_point() == pytest.approx(0.796812, abs=1e-6)


def spreads(seed: int) -> tuple[float, float]:
    """Mean squares in front of and behind the sine of the eighth layer."""
    width, depth, w0 = 256, 8, 30.0
    x = np.random.default_rng(seed).uniform(-1, 1, (64, 2))
    for layer, key in enumerate(jax.random.split(jax.random.key(seed), depth)):
        init = ei.Siren(w0, first=layer == 0)
        w = init(key, (width, x.shape[1]), axes="out in")
        before = w0 * x @ np.asarray(w, np.float64).T
        x = np.sin(before)
    return float((before**2).mean()), float((x**2).mean())


def test_hidden_layers_settle_there():
    nets = np.array([spreads(seed) for seed in range(8)])
    # The spread between nets is measured: Student's t with 7 degrees of freedom is
    # beyond 8 once in 11,000. A layer of 256 units shifts the mean by some 1 / 256.
    errors = 8 * nets.std(0, ddof=1) / math.sqrt(len(nets)) + 1 / 256
    v = fixed_point()
    assert (np.abs(nets.mean(0) - [v, v / 2]) < errors).all()
    # And not the 1 and 1 / 2 of the paper.
    assert (np.abs(nets.mean(0) - [1, 1 / 2]) > errors).all()
