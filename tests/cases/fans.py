"""Variance over a fan: the law with its scale worked out by hand."""

import math

import numpy as np
from helpers import follows, normal_cdf, truncated_cdf, uniform_cdf

import eqinit as ei

from ._case import FLOATS, Case
from .distributions import inside, laplace_cdf, law, logistic_cdf, t4_cdf
from .few_valued import signs
from .one_sided import exponential_cdf, half_normal_cdf


_TWO_SIGMA = 0.87962566103423978

# name: cdf of w / std.
_CDFS = {
    "truncated_normal": (
        lambda z: truncated_cdf(-2, 2)(np.asarray(z, np.float64) * _TWO_SIGMA)
    ),
    "normal": normal_cdf,
    "uniform": uniform_cdf(-math.sqrt(3), math.sqrt(3)),
}


def scaled(variance: float, distribution: str):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        # A uniform law that is off by 1 % in scale would pass the distance alone, so
        # the fans of the cases below are far apart.
        assert follows(draw / math.sqrt(variance), _CDFS[distribution])

    return gold


_TN, _N, _U = "truncated_normal", "normal", "uniform"
# 30 outputs, 90 inputs: fan_in and fan_out differ by a factor of three.
_LINEAR = {"shape": (30, 90), "axes": "out in", "zero": (30, 0)}
# Two groups of 6 outputs, 8 inputs a group, 3 taps: fan_in 24, fan_out 18.
_CONV = {
    "shape": (12, 8, 3),
    "axes": "(group out) in *kernel",
    "sizes": {"group": 2, "kernel": 1},
}
# A bias knows its fan from the kernel that feeds it.
_BIAS = {"shape": (600,), "axes": "out", "fan_in": 90.0, "fan_out": 30.0, "zero": (0,)}

_FANS = {
    "fan_in": 90.0,
    "fan_out": 30.0,
    "fan_avg": 60.0,
    "fan_geo_avg": math.sqrt(2700.0),
    "fan_sum": 120.0,
    "fan_min": 30.0,
    "fan_max": 90.0,
}

CASES = [
    Case("LecunNormal", ei.LecunNormal(), gold=scaled(1 / 90, _TN), **_LINEAR),
    Case("LecunUniform", ei.LecunUniform(), gold=scaled(1 / 90, _U), **_LINEAR),
    Case("GlorotNormal", ei.GlorotNormal(), gold=scaled(1 / 60, _TN), **_LINEAR),
    Case("GlorotUniform", ei.GlorotUniform(), gold=scaled(1 / 60, _U), **_LINEAR),
    Case("HeNormal", ei.HeNormal(), gold=scaled(2 / 90, _TN), **_LINEAR),
    Case("HeUniform", ei.HeUniform(), gold=scaled(2 / 90, _U), **_LINEAR),
    Case(
        "HeNormal-conv",
        ei.HeNormal(gain=3.0, negative_slope=0.5, distribution="normal"),
        gold=scaled(9 * 2 / 1.25 / 24, _N),
        **_CONV,
    ),
    Case(
        "HeUniform-out",
        ei.HeUniform(mode="fan_out", negative_slope=1.0),
        gold=scaled(1 / 18, _U),
        **_CONV,
    ),
    Case("LecunNormal-bias", ei.LecunNormal(), gold=scaled(1 / 90, _TN), **_BIAS),
] + [
    Case(
        f"VarianceScaling-{mode}",
        ei.VarianceScaling(3.0, mode, name),  # pyright: ignore
        gold=scaled(3 / fan, name),
        **_LINEAR,
    )
    for (mode, fan), name in zip(
        _FANS.items(), [_TN, _N, _U, _TN, _N, _U, _TN], strict=True
    )
]


# Other distributions inside of a fan-based scheme: the variance is He's, 2 / 90.
_STD = math.sqrt(2 / 90)
_FAN = {"shape": (60, 90), "axes": "out in", "dtypes": FLOATS}


def he(distribution: ei.AbstractInitializer) -> ei.HeNormal:
    return ei.HeNormal(distribution=distribution)  # pyright: ignore


CASES += [
    Case(
        "He-Laplace",
        he(ei.Laplace()),
        gold=law(laplace_cdf, 0.0, _STD / math.sqrt(2)),
        **_FAN,
    ),
    Case(
        "He-Logistic",
        he(ei.Logistic()),
        gold=law(logistic_cdf, 0.0, _STD * math.sqrt(3) / math.pi),
        **_FAN,
    ),
    Case(
        "He-StudentT",
        he(ei.StudentT(4)),
        gold=law(t4_cdf, 0.0, _STD / math.sqrt(2)),
        **_FAN,
    ),
    Case(
        "He-Exponential",
        he(ei.Exponential()),
        gold=law(exponential_cdf, -_STD, _STD),
        **_FAN,
    ),
    Case(
        "He-HalfNormal",
        he(ei.HalfNormal()),
        gold=law(
            half_normal_cdf,
            -_STD * math.sqrt(2 / math.pi) / math.sqrt(1 - 2 / math.pi),
            _STD / math.sqrt(1 - 2 / math.pi),
        ),
        **_FAN,
    ),
    Case(
        "He-Rademacher",
        he(ei.Rademacher()),
        gold=signs(_STD),
        shape=(60, 90),
        axes="out in",
    ),
]


# Bounds that are a power of a fan (ivy's generic scheme).


def bound(b: float):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
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

CASES += [
    *(
        Case(
            f"FanUniform-{mode}",
            ei.FanUniform(6.0, mode),
            (30, 20),
            bound(wanted),
            axes="out in",
            zero=(30, 0),
        )
        for mode, wanted in _BOUNDS.items()
    ),
    Case(
        "FanUniform-power",
        ei.FanUniform(3.0, "fan_in", 1.5, 2.0),
        (30, 20),
        bound(2 * (3 / 20) ** 1.5),
        axes="out in",
    ),
    Case("FanUniform-bias", ei.FanUniform(), (900,), bound(0.5), "out", fan_in=4),
]


# Uniform within 1/sqrt(fan_in).
_B = 1 / math.sqrt(50)

CASES += [
    Case(
        "TorchDefault",
        ei.TorchDefault(),
        (30, 50),
        inside(-_B, _B, law(uniform_cdf(-_B, _B))),
        axes="out in",
        zero=(30, 0),
    ),
    Case(
        "TorchDefault-bias",
        ei.TorchDefault(),
        (900,),
        inside(-_B, _B, law(uniform_cdf(-_B, _B))),
        axes="out",
        fan_in=50,
        zero=(0,),
    ),
]
