"""The edge of chaos, by the table of Schoenholz et al. and of Xiao et al."""

import math

import numpy as np
from helpers import has_std

from eqinit import ParamSpec
from eqinit.depth import EdgeOfChaos, RandomWalk

from ._case import Case


def has_variance(variance: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        assert has_std(draw, math.sqrt(variance / spec.fan("fan_in")))

    return gold


def keeps_log_length(draw: np.ndarray, spec: ParamSpec) -> None:
    # The fit of the paper, which differs by 6e-6 at this width; `test_chaos` measures
    # the drift itself.
    del spec
    gain = math.sqrt(2) * math.exp(1.2 / (16 - 2.4))
    assert has_std(draw, gain / 4)


CASES = [
    Case(
        "EdgeOfChaos-tanh",
        EdgeOfChaos("tanh", 0.05),
        (60, 30),
        has_variance(1.76095),
        axes="out in",
        zero=(60, 0),
    ),
    Case(
        "EdgeOfChaos-relu",
        EdgeOfChaos("relu", distribution="truncated_normal"),
        (60, 30),
        has_variance(2.0),
        axes="out in",
    ),
    Case(
        "RandomWalk", RandomWalk(), (80, 16), keeps_log_length, "out in", zero=(80, 0)
    ),
    Case(
        "RandomWalk-linear",
        RandomWalk("linear"),
        (80, 16),
        has_variance(math.exp(1 / 16)),
        axes="out in",
    ),
]
