"""Plain distributions: the whole law, by Kolmogorov and Smirnov."""

import math

import numpy as np
from helpers import follows, ks, normal_cdf, truncated_cdf, uniform_cdf

from eqinit import (
    Cauchy,
    Laplace,
    Logistic,
    Normal,
    ParamSpec,
    StudentT,
    TruncatedNormal,
    Uniform,
)

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


def laplace_cdf(x):
    return np.where(x < 0, np.exp(np.minimum(x, 0)) / 2, 1 - np.exp(-np.abs(x)) / 2)


def logistic_cdf(x):
    return 1 / (1 + np.exp(-x))


def cauchy_cdf(x):
    return 0.5 + np.arctan(x) / math.pi


def t2_cdf(x):
    """Student's t with two degrees of freedom, the one with an elementary cdf."""
    return 0.5 + x / (2 * np.sqrt(2 + x * x))


def t4_cdf(x):
    u = x / np.sqrt(4 + x * x)
    return 0.5 + 0.75 * (u - u**3 / 3)


def not_cauchy(draw: np.ndarray, spec: ParamSpec) -> None:
    # Heavy-tailed, but the same law with a scale ten percent off is told apart: the
    # largest gap between the two cdfs is 1.5 %.
    law(cauchy_cdf, 1.0, 0.5)(draw, spec)
    assert ks((draw - 1.0) / 0.4, cauchy_cdf) > 1.5


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
        "Laplace",
        Laplace(2.0, 1.0),
        _SHAPE,
        law(laplace_cdf, 1.0, math.sqrt(2)),
        dtypes=FLOATS,
        zero=(0, 2),
    ),
    Case(
        "Logistic",
        Logistic(2.0, -1.0),
        _SHAPE,
        law(logistic_cdf, -1.0, 2.0 * math.sqrt(3) / math.pi),
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "StudentT",
        StudentT(4.0, std=2.0, mean=1.0),
        _SHAPE,
        law(t4_cdf, 1.0, math.sqrt(2)),
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "StudentT-scale",
        StudentT(2, scale=0.5),
        _SHAPE,
        law(t2_cdf, 0.0, 0.5),
        dtypes=("float32",),
    ),
    Case("Cauchy", Cauchy(0.5, 1.0), _SHAPE, not_cauchy, dtypes=("float32",)),
]
