"""Whole numbers."""

import numpy as np
from helpers import SIGMAS

from eqinit import DiscreteUniform, ParamSpec

from ._case import FLOATS, Case


def whole_numbers(low: int, high: int):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        values, counts = np.unique(draw, return_counts=True)
        assert list(values) == list(range(low, high))
        share = 1 / (high - low)
        error = np.sqrt(draw.size * share * (1 - share))
        assert np.abs(counts - draw.size * share).max() < SIGMAS * error

    return gold


CASES = [
    Case(
        "DiscreteUniform",
        DiscreteUniform(-2, 5),
        (64, 32),
        whole_numbers(-2, 5),
        dtypes=FLOATS,
        zero=(0, 3),
    ),
    Case(
        "DiscreteUniform-int",
        DiscreteUniform(0, 3),
        (64, 32),
        whole_numbers(0, 3),
        dtypes=("int8",),
    ),
]
