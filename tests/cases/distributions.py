"""Plain distributions: the whole law, by Kolmogorov and Smirnov."""

import math

import numpy as np
from helpers import follows, normal_cdf, truncated_cdf, uniform_cdf

from eqinit import LogNormal, Normal, ParamSpec, TruncatedNormal, Uniform

from ._case import FLOATS, Case


_SHAPE = (64, 32)


def law(cdf, loc=0.0, scale=1.0, of=np.asarray):
    """`(of(w) - loc) / scale` follows `cdf`."""

    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        assert follows((of(draw) - loc) / scale, cdf)

    return gold


def inside(lower, upper, gold):
    def both(draw: np.ndarray, spec: ParamSpec) -> None:
        gold(draw, spec)
        assert lower <= draw.min() <= draw.max() <= upper

    return both


# The std of a normal cut at two sigma (Johnson, Kotz and Balakrishnan): the factor that
# everybody forgets.
_TWO_SIGMA = 0.87962566103423978


def _cut(lower, upper):
    """Mean and std of a standard normal on (lower, upper), in closed form."""
    a, b = (math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in (lower, upper))
    low, high = normal_cdf(np.array([lower, upper]))
    mass = high - low
    mean = (a - b) / mass
    return mean, math.sqrt(1 + (lower * a - upper * b) / mass - mean**2)


_SKEW_MEAN, _SKEW_STD = _cut(-1.0, 3.0)
_SKEW = 0.1 / _SKEW_STD
# A log-normal of mean 1 and std 0.5 has a log of variance ln(1 + 0.25).
_LOG2 = math.log1p(0.25)

CASES = [
    Case("Normal", Normal(0.02), _SHAPE, law(normal_cdf, scale=0.02), zero=(0, 3)),
    Case("Normal-mean", Normal(0.5, mean=2.0), _SHAPE, law(normal_cdf, 2.0, 0.5)),
    Case(
        "TruncatedNormal",
        TruncatedNormal(0.02),
        _SHAPE,
        inside(
            -0.04 / _TWO_SIGMA - 1e-6,
            0.04 / _TWO_SIGMA + 1e-6,
            law(truncated_cdf(-2, 2), scale=0.02 / _TWO_SIGMA),
        ),
        zero=(0,),
    ),
    Case(
        "TruncatedNormal-skew",
        TruncatedNormal(0.1, mean=1.0, lower=-1.0, upper=3.0),
        _SHAPE,
        law(truncated_cdf(-1, 3), 1.0 - _SKEW * _SKEW_MEAN, _SKEW),
        dtypes=FLOATS,
    ),
    Case(
        "TruncatedNormal-raw",
        TruncatedNormal(0.1, corrected=False),
        _SHAPE,
        inside(-0.2, 0.2, law(truncated_cdf(-2, 2), scale=0.1)),
    ),
    Case(
        "Uniform",
        Uniform(0.1),
        _SHAPE,
        inside(-0.1, 0.1, law(uniform_cdf(-0.1, 0.1))),
        zero=(2, 0),
    ),
    Case(
        "Uniform-interval",
        Uniform(-1.0, 3.0),
        _SHAPE,
        inside(-1.0, 3.0, law(uniform_cdf(-1.0, 3.0))),
    ),
    Case(
        "Uniform-std",
        Uniform(std=0.02),
        _SHAPE,
        law(uniform_cdf(-0.02 * math.sqrt(3), 0.02 * math.sqrt(3))),
    ),
    Case(
        "LogNormal",
        LogNormal(1.0, 0.5),
        _SHAPE,
        law(normal_cdf, -_LOG2 / 2, math.sqrt(_LOG2), np.log),
        dtypes=FLOATS,
        zero=(0,),
    ),
]
