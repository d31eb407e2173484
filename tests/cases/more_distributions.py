"""Distributions beyond normal and uniform: cdfs in closed form."""

import math

import numpy as np
from helpers import SIGMAS, follows, ks, normal_cdf, z_of_std

import eqinit as ei

from ._case import COMPLEX, FLOATS, Case
from .distributions import law


_SHAPE = (64, 32)


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


def signs(std: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        assert np.all(np.abs(draw) == np.float32(std))
        plus = (draw > 0).mean()
        assert abs(plus - 0.5) < SIGMAS * 0.5 / math.sqrt(draw.size)

    return gold


def ternary(std: float, density: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        level = np.float32(std / math.sqrt(density))
        assert set(np.unique(np.abs(draw))) == {np.float32(0), level}
        share = (draw != 0).mean()
        error = math.sqrt(density * (1 - density) / draw.size)
        assert abs(share - density) < SIGMAS * error
        assert abs(z_of_std(draw, std, kurtosis=1 / density)) < SIGMAS

    return gold


def on_a_circle(modulus: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        # cos^2 + sin^2 in float32, and one product.
        assert np.abs(np.abs(draw) / modulus - 1).max() < 4 * 2**-23
        turn = (np.angle(draw) + math.pi) / (2 * math.pi)
        assert follows(turn, lambda x: np.clip(x, 0, 1))

    return gold


def not_cauchy(draw: np.ndarray, spec: ei.ParamSpec) -> None:
    # Heavy-tailed, but the same law with a scale ten percent off is told apart: the
    # largest gap between the two cdfs is 1.5 %.
    law(cauchy_cdf, 1.0, 0.5)(draw, spec)
    assert ks((draw - 1.0) / 0.4, cauchy_cdf) > 1.5


# Unit-variance bases inside of a fan-based scheme: the variance is He's, 2 / 90.
_STD = math.sqrt(2 / 90)
_FAN = {"shape": (60, 90), "axes": "out in", "dtypes": FLOATS}


def he(base: ei.bases.AbstractBase) -> ei.HeNormal:
    return ei.HeNormal(distribution=base)


CASES = [
    Case(
        "Laplace",
        ei.Laplace(2.0, 1.0),
        _SHAPE,
        law(laplace_cdf, 1.0, math.sqrt(2)),
        dtypes=FLOATS,
        zero=(0, 2),
    ),
    Case(
        "Logistic",
        ei.Logistic(2.0, -1.0),
        _SHAPE,
        law(logistic_cdf, -1.0, 2.0 * math.sqrt(3) / math.pi),
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "StudentT",
        ei.StudentT(4.0, std=2.0, mean=1.0),
        _SHAPE,
        law(t4_cdf, 1.0, math.sqrt(2)),
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "StudentT-scale",
        ei.StudentT(2, scale=0.5),
        _SHAPE,
        law(t2_cdf, 0.0, 0.5),
        dtypes=("float32",),
    ),
    Case("Cauchy", ei.Cauchy(0.5, 1.0), _SHAPE, not_cauchy, dtypes=("float32",)),
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
    Case("Rademacher", ei.Rademacher(0.3), _SHAPE, signs(0.3), zero=(0,)),
    Case("Ternary", ei.Ternary(0.3, 0.25), _SHAPE, ternary(0.3, 0.25), zero=(0,)),
    Case("Phase", ei.Phase(2.0), _SHAPE, on_a_circle(2.0), dtypes=COMPLEX, zero=(0,)),
    Case(
        "He-Laplace",
        he(ei.bases.StandardLaplace()),
        gold=law(laplace_cdf, 0.0, _STD / math.sqrt(2)),
        **_FAN,
    ),
    Case(
        "He-Logistic",
        he(ei.bases.StandardLogistic()),
        gold=law(logistic_cdf, 0.0, _STD * math.sqrt(3) / math.pi),
        **_FAN,
    ),
    Case(
        "He-StudentT",
        he(ei.bases.StandardStudentT(4)),
        gold=law(t4_cdf, 0.0, _STD / math.sqrt(2)),
        **_FAN,
    ),
    Case(
        "He-Exponential",
        he(ei.bases.UnitExponential()),
        gold=law(exponential_cdf, -_STD, _STD),
        **_FAN,
    ),
    Case(
        "He-HalfNormal",
        he(ei.bases.StandardHalfNormal()),
        gold=law(
            half_normal_cdf,
            -_STD * math.sqrt(2 / math.pi) / math.sqrt(1 - 2 / math.pi),
            _STD / math.sqrt(1 - 2 / math.pi),
        ),
        **_FAN,
    ),
    Case(
        "He-Rademacher",
        he(ei.bases.RandomSign()),
        gold=signs(_STD),
        shape=(60, 90),
        axes="out in",
    ),
]
