"""Stacks whose slices have scales of their own."""

import numpy as np
from helpers import follows, uniform_cdf

from eqinit import ParamSpec, PerSlice, Uniform

from ._case import Case


def scaled_by(factors):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        for slice_, factor in zip(draw, factors, strict=True):
            assert follows(slice_, uniform_cdf(-factor, factor))

    return gold


CASES = [
    Case(
        "per_slice_function",
        PerSlice(Uniform(-1.0, 1.0), lambda i, n: 2.0**-i),
        (3, 20, 30),
        scaled_by([1.0, 0.5, 0.25]),
        axes="out in",
        zero=(3, 0, 30),
    ),
    Case(
        "per_slice_named_axis",
        PerSlice(Uniform(-1.0, 1.0), [3.0, 1.0], axis="head"),
        (2, 20, 30),
        scaled_by([3.0, 1.0]),
        axes="head out in",
        zero=(2, 20, 0),
    ),
]
