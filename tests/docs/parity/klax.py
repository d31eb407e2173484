"""What every row of the page about klax has to do."""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import follows, has_std, normal_cdf

import eqinit as ei

from .page import draw


N = 512
# klax's two constants, for ReLU and a correlation of one half.
MEAN = math.sqrt(3.440115731272907 / (N * (1.3450928843923602 + N)))
SHIFT = math.sqrt(0.5475114234402735 * N / (1.3450928843923602 + N))
SIGMA = math.sqrt(math.log1p(1 / (N * MEAN**2)))


def log_normal(w: Any) -> None:
    z = (np.log(np.asarray(w, np.float64)) - math.log(MEAN) + SIGMA**2 / 2) / SIGMA
    assert follows(z, normal_cdf)


def shifted(w: Any) -> None:
    # Down, where klax goes up; its constants have ten digits, float32 has seven.
    assert np.allclose(np.asarray(w), -SHIFT, rtol=2**-22)
    assert w.shape == (64,)


def pair(rule: Any) -> None:
    plan = ei.plan(eqx.nn.Linear(N, 64, key=jax.random.key(0)), rule)
    assert plan["weight"].mean == pytest.approx(MEAN, rel=1e-7)
    assert plan["bias"].mean == pytest.approx(-SHIFT, rel=1e-7)


def other_constants(said: dict[str, Any]) -> None:
    assert (said["weight"].corr, said["bias"].corr) == (0.3, 0.3)
    assert (said["bias"].var, said["bias"].activation) == (2.0, "softplus")
    assert draw(said["weight"], (64, N)).min() > 0


def matched(said: dict[str, Any]) -> None:
    w = draw(said["weight"], (64, N))
    assert (w**2).mean() == pytest.approx(MEAN**2 + 1 / N, rel=4e-6)


def half(w: jax.Array) -> None:
    assert w.dtype == jnp.float16
    wide = ei.HoedtNormal()(jax.random.key(0), (N, 64), axes="in out")
    assert np.array_equal(w, wide.astype(jnp.float16))


def _is(condition: bool) -> None:
    assert condition


CHECKS: dict[str, Callable[[Any], None]] = {
    "`Initializer`": lambda cls: _is(issubclass(ei.HoedtNormal, cls)),
    "`Initializer.__call__(key, shape, fan_in, dtype)`": shifted,
    "an `Initializer` of one's own": lambda init: _is(
        np.allclose(draw(init, (64,), fan_in=16), -0.25)
    ),
    "any of `jax.nn.initializers`": lambda init: _is(
        has_std(draw(init, (64, N)), math.sqrt(2 / N))
    ),
    "`hoedt_normal()`": lambda init: log_normal(draw(init, (64, N))),
    "`hoedt_normal(in_axis=-2)`": log_normal,
    "`hoedt_normal(in_axis=-1)`": log_normal,
    "`hoedt_normal(dtype=)`": half,
    "`hoedt_bias()`": lambda init: shifted(draw(init, (64,), fan_in=N)),
    "both for a layer": pair,
    "correlation 1/2, variance 1, ReLU (fixed)": other_constants,
    "nominal moments (in expectation)": matched,
}
