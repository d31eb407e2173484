"""What every row of the page about ivy has to do."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from helpers import follows, has_std, normal_cdf, uniform_cdf

import eqinit as ei

from .page import draw


# fan_in 32, fan_out 64.
FANS = {"fan_in": 32.0, "fan_out": 64.0, "fan_sum": 96.0, "fan_avg": 48.0}


def uniform(limit: float) -> Callable[[Any], None]:
    def check(init: Any) -> None:
        w = draw(init)
        assert follows(w, uniform_cdf(-limit, limit))
        # The variance as it is, and not as ivy documents it.
        assert has_std(w, limit / math.sqrt(3))

    return check


def normal(std: float, mean: float = 0.0) -> Callable[[Any], None]:
    return lambda init: _is(follows((draw(init) - mean) / std, normal_cdf))


def filled(number: float) -> Callable[[Any], None]:
    return lambda init: _is(np.array_equal(draw(init), np.full((64, 32), number)))


def _is(condition: bool) -> None:
    assert condition


def array(dtype: Any) -> Callable[[Any], None]:
    return lambda w: _is((w.shape, w.dtype) == ((64, 32), jnp.dtype(dtype)))


CHECKS: dict[str, Callable[[Any], None]] = {
    "`Initializer`": lambda cls: _is(issubclass(ei.HeNormal, cls)),
    "`Initializer.create_variables`": array("float32"),
    "`create_variables(var_shape=)`": array("float32"),
    "`create_variables(device=)`": lambda w: _is(
        {d.platform for d in w.devices()} == {"cpu"}
    ),
    "`create_variables(fan_out=, fan_in=)`": lambda w: _is(
        follows(w, uniform_cdf(-0.25, 0.25))
    ),
    "`create_variables(dtype=)`": array("bfloat16"),
    "`Constant(constant)`": filled(float(np.float32(0.3))),
    "`Zeros()`": filled(0.0),
    "`Ones()`": filled(1.0),
    **{
        f'`Uniform(numerator, "{mode}", power, gain)`': uniform(1.5 * (3 / fan) ** 0.7)
        for mode, fan in FANS.items()
    },
    "`GlorotUniform()`": uniform(math.sqrt(6 / 96)),
    "`FirstLayerSiren()`": uniform(1 / 32),
    "`Siren(w0)`": uniform(math.sqrt(6 / 32) / 30),
    **{
        f'`KaimingNormal(mean, "{mode}")`': normal(math.sqrt(2 / fan), 0.5)
        for mode, fan in FANS.items()
    },
    "`KaimingNormal.create_variables(negative_slope=)`": normal(
        math.sqrt(2 / (1.04 * 32))
    ),
    "`RandomNormal(mean, stddev)`": normal(0.05, 0.2),
}
