"""Bounds that are a power of a fan (ivy's generic scheme)."""

import math

import numpy as np
from helpers import follows, uniform_cdf

from eqinit import FanUniform, ParamSpec

from ._case import Case


def bound(b: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        assert follows(draw, uniform_cdf(-b, b))
        assert np.abs(draw).max() <= np.float32(b)

    return gold


# fan_in 20, fan_out 30.
_BOUNDS = {
    "fan_in": math.sqrt(6 / 20),
    "fan_out": math.sqrt(6 / 30),
    "fan_avg": math.sqrt(6 / 25),
    "fan_sum": math.sqrt(6 / 50),
}

CASES = [
    *(
        Case(
            f"FanUniform-{mode}",
            FanUniform(6.0, mode),
            (30, 20),
            bound(wanted),
            axes="out in",
            zero=(30, 0),
        )
        for mode, wanted in _BOUNDS.items()
    ),
    Case(
        "FanUniform-power",
        FanUniform(3.0, "fan_in", 1.5, 2.0),
        (30, 20),
        bound(2 * (3 / 20) ** 1.5),
        axes="out in",
    ),
    Case("FanUniform-bias", FanUniform(), (900,), bound(0.5), "out", fan_in=4),
]
