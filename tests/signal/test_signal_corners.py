"""Single lines of reports and methods, each against what it means."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eqinit as ei
from eqinit.signal._calibration.methods import LSUV, Measurement
from eqinit.signal._probe.drift import Trend
from eqinit.signal._taps.layers import _unit_axis


KEY = jax.random.key(7)


def test_no_layers_are_as_wide_apart_as_one():
    assert Trend("", (), ()).spread == Trend("x", ("x",), (3.0,)).spread == 1.0
    assert Trend("x", ("a", "b"), (3.0, 12.0)).spread == 4.0


class Positive(eqx.Module):
    raw: jax.Array

    def __call__(self, x: jax.Array) -> jax.Array:
        return jax.nn.softplus(self.raw) @ x


def test_units_are_the_last_axis_of_a_layer_that_parametrizes_itself():
    ei.register_parametrization(
        Positive, field="raw", forward=jax.nn.softplus, layer=True
    )
    assert _unit_axis(Positive(jnp.ones((3, 2))), None) == -1


def test_two_samples_have_a_correlation_and_one_has_none():
    layer = eqx.nn.Linear(3, 4, key=KEY)

    def call(model: Any, x: jax.Array) -> jax.Array:
        return jax.vmap(model)(x)

    two, one = jax.random.normal(KEY, (2, 3)), jnp.ones((1, 3))
    (row,) = ei.probe(layer, call, two).rows
    outputs = np.asarray(call(layer, two), np.float64)
    covariance = np.cov(outputs.T, bias=True)
    off = (covariance.sum() - np.trace(covariance)) / 12
    assert row.feature_corr == pytest.approx(off / (np.trace(covariance) / 4), abs=1e-4)
    assert np.isnan(ei.probe(layer, call, one).rows[0].feature_corr)


def test_lsuv_counts_a_bias_that_goes_with_the_means():
    rng = np.random.default_rng(0)
    mean, var = rng.normal(1.0, 0.5, 6), rng.uniform(0.5, 1.5, 6)
    bias = 0.3 * mean + rng.normal(0.0, 0.2, 6)
    told = [jnp.asarray(x, jnp.float32) for x in (mean, var, bias)]
    scale, after = LSUV(var=2.0).change(Measurement(*told))
    assert np.array_equal(after, told[2])
    # Over units and samples: the variance within units, and that of their means.
    s = float(scale[0])
    assert s**2 * var.mean() + (s * mean + bias).var() == pytest.approx(2.0, rel=1e-4)


def test_lsuv_leaves_alone_what_no_scale_can_mend():
    # The biases alone vary by more than the target.
    told = [jnp.asarray(x) for x in ([0.0, 0.0], [1.0, 1.0], [3.0, -3.0])]
    assert (LSUV(var=2.0).change(Measurement(*told)).scale == 1).all()
