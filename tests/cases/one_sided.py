"""Positive distributions: cdfs in closed form."""

import math

import numpy as np
from helpers import normal_cdf

import eqinit as ei

from ._case import FLOATS, Case
from .distributions import law


_SHAPE = (64, 32)


def half_normal_cdf(x):
    return 2 * normal_cdf(x) - 1


def exponential_cdf(x):
    return 1 - np.exp(-x)


def erlang2_cdf(x):
    return 1 - np.exp(-x) * (1 + x)


def positive(gold):
    def both(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        assert draw.min() >= 0
        gold(draw, spec)

    return both


# A log-normal of mean 1 and std 0.5 has a log of variance ln(1 + 0.25).
_LOG2 = math.log1p(0.25)

CASES = [
    Case(
        "Exponential",
        ei.Exponential(0.5),
        _SHAPE,
        positive(law(exponential_cdf, 0.0, 0.5)),
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "Gamma",
        ei.Gamma(2, 3.0),
        (32, 16),
        positive(law(erlang2_cdf, 0.0, 1.5)),
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "HalfNormal",
        ei.HalfNormal(0.5),
        _SHAPE,
        positive(law(half_normal_cdf, 0.0, 0.5)),
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "LogNormal",
        ei.LogNormal(0.5, 1.0),
        _SHAPE,
        law(normal_cdf, -_LOG2 / 2, math.sqrt(_LOG2), np.log),
        dtypes=FLOATS,
        zero=(0,),
    ),
]
