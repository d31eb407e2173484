"""He's factor for leaky units: 2 / (1 + a^2), by what a layer of them does."""

import math

import jax
import numpy as np
import pytest
from helpers import SIGMAS

import eqinit as ei


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.3, 0.6])
def test_leaky_layers_keep_the_second_moment(slope: float):
    width = 256
    init = ei.HeNormal(negative_slope=slope, distribution="normal")
    w = init(jax.random.key(3), (width, width), axes="out in")
    x = np.random.default_rng(0).normal(size=(width, 400))
    x /= np.sqrt((x**2).mean())
    z = np.asarray(w, np.float64) @ x
    out = np.where(z > 0, z, slope * z)
    # 256 independent rows, whose outputs of 400 inputs are correlated: their spread is
    # measured. A slope instead of its square would be off by 7 to 15 %.
    rows = (out**2).mean(1)
    error = rows.std(ddof=1) / math.sqrt(width)
    assert abs(rows.mean() - 1) < SIGMAS * error
    assert error < 0.012


@pytest.mark.parametrize(("slope", "std"), [(0.1, 0.140720), (0.3, 0.135458)])
def test_std_of_a_leaky_layer(slope: float, std: float):
    # sqrt(2 / (1.01 * 100)) and sqrt(2 / (1.09 * 100)).
    for scheme in (
        ei.HeNormal(negative_slope=slope),
        ei.HeUniform(negative_slope=slope),
    ):
        plan = ei.plan(
            {"w": jax.numpy.zeros((3, 100))}, [ei.Rule("w", scheme, axes="out in")]
        )
        assert plan["w"].std == pytest.approx(std, rel=1e-5)
