"""The edge of chaos, and random walks: against tables and against simulation."""

import math

import jax
import numpy as np
import pytest
import scipy.special
import scipy.stats

import eqinit as ei
from eqinit._laws.gains import expectation, product_expectation


@pytest.mark.parametrize(
    "bias_var, weight_var, q",
    [
        # Mean-field theory of tanh, as published and as measured by simulation.
        (2e-5, 1.04991, 0.02587),
        (0.0025, 1.26009, 0.15369),
        (0.05, 1.76095, 0.57005),
        (0.3, 2.50513, 1.46117),
    ],
)
def test_tanh(bias_var: float, weight_var: float, q: float):
    point = ei.depth.edge_of_chaos("tanh", bias_var)
    # To the last digit of the table.
    assert abs(point.weight_var - weight_var) < 6e-6
    assert abs(point.q - q) < 6e-6


@pytest.mark.parametrize(
    "activation, weight_var",
    [("relu", 2.0), ("tanh", 1.0), ("gelu", 4.0), ("silu", 4.0), ("elu", 1.0)],
)
def test_without_bias(activation: str, weight_var: float):
    # 1 / phi'(0)^2, or for a ReLU the mean of the two sides. float32 slopes.
    point = ei.depth.edge_of_chaos(activation)
    assert point.q == 0
    assert point.weight_var == pytest.approx(weight_var, rel=2e-6)


@pytest.mark.parametrize("activation", ["tanh", "sin", "gelu", "silu", "sigmoid"])
def test_fixed_point_and_slope(activation: str):
    point = ei.depth.edge_of_chaos(activation, 0.05)
    fn = getattr(jax.nn, activation, None) or getattr(jax.numpy, activation)
    square = expectation(lambda z: fn(z) ** 2, math.sqrt(point.q))
    assert point.weight_var * square + 0.05 == pytest.approx(point.q, rel=1e-5)
    # The derivative of the correlation map at 1 is one: by a difference quotient of
    # E phi phi' itself rather than by the formula with phi'. Its error is of the order
    # of the step.
    step = 1e-3
    less = product_expectation(fn, 1 - step, math.sqrt(point.q))
    chi = point.weight_var * (square - less) / (step * point.q)
    assert chi == pytest.approx(1.0, abs=5e-3)


def test_none():
    with pytest.raises(ValueError, match="homogeneous activations"):
        ei.depth.edge_of_chaos("relu", 0.1)


def test_critical_pair_goes_into_a_rule():
    import equinox as eqx

    model = eqx.nn.Linear(30, 50, key=jax.random.key(0))
    plan = ei.plan(model, ei.Rule(eqx.nn.Linear, **ei.depth.critical("tanh", 0.0025)))
    assert plan["weight"].std == pytest.approx(math.sqrt(1.26009 / 30), rel=1e-5)
    assert plan["bias"].std == pytest.approx(0.05)


@pytest.mark.parametrize("relu", [True, False])
def test_random_walk_does_not_drift(relu: bool):
    width, walks = 16, 4000
    gain = ei.depth.RandomWalk("relu" if relu else "linear").gain(width)
    rng = np.random.default_rng(0)
    # The length after one layer, for walks * 1 independent matrices: only W x matters,
    # which is normal.
    z = rng.normal(size=(walks, width)) * gain / math.sqrt(width)
    squares = np.maximum(z, 0) ** 2 if relu else z**2
    logs = np.log(squares.sum(1))
    error = logs.std() / math.sqrt(walks)
    assert abs(logs.mean()) < 5 * error
    # He's gain, which keeps the mean square, loses 5/(2N) per layer in the log square,
    # and at 16 units another 4/N^2: a binomial number of units is on, and the log of a
    # chi-square of k has mean psi(k/2) + log 2.
    if relu:
        on = np.arange(1, width + 1)
        share = scipy.stats.binom.pmf(on, width, 0.5)
        log_squares = scipy.special.digamma(on / 2) + math.log(2)
        loss = share @ log_squares / share.sum() + math.log(2 / width)
        assert loss == pytest.approx(-5 / (2 * width), abs=6 / width**2)
        he = logs.mean() + 2 * math.log(math.sqrt(2) / gain)
        assert abs(he - loss) < 5 * error


def test_random_walk_against_the_fit_of_the_paper():
    for width in (16, 32, 64, 128, 512):
        fit = math.sqrt(2) * math.exp(1.2 / (max(width, 6) - 2.4))
        assert ei.depth.RandomWalk().gain(width) == pytest.approx(fit, rel=1e-3)
        linear = math.exp(1 / (2 * width))
        assert ei.depth.RandomWalk("linear").gain(width) == pytest.approx(
            linear, rel=1e-3
        )
