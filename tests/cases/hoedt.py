"""Positive weights: the closed form for ReLU and correlation 1/2 (klax has it)."""

import math

import numpy as np
from helpers import follows, has_std, normal_cdf

from eqinit import HoedtBias, HoedtNormal, ParamSpec

from ._case import FLOATS, Case


_N = 90


def _mean2(n: float) -> float:
    root = 3 * math.sqrt(3) + 2 * math.pi - 6
    return 6 * math.pi / (n * (6 * (math.pi - 1) + (n - 1) * root))


def log_normal(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    mean2, variance = _mean2(_N), 1 / _N
    sigma2 = math.log1p(variance / mean2)
    mu = math.log(mean2) / 2 - sigma2 / 2
    assert draw.min() > 0
    assert follows((np.log(draw) - mu) / math.sqrt(sigma2), normal_cdf)


def shift(n: int):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        root = 3 * math.sqrt(3) + 2 * math.pi - 6
        wanted = -math.sqrt(3 * n / (6 * (math.pi - 1) + (n - 1) * root))
        assert np.all(draw == np.float32(wanted)) or np.allclose(
            draw,
            wanted,
            rtol=2**-23,  # one rounding of the closed form
            atol=0,
        )

    return gold


def noisy(draw: np.ndarray, spec: ParamSpec) -> None:
    # A tenth of the variance, half of which is independent, and twice the var.
    mean = -math.sqrt(2 * _N**2 * _mean2(_N) / (2 * math.pi))
    del spec
    assert has_std(draw - np.float32(mean), math.sqrt(0.1 * 0.5 * 2.0))


CASES = [
    Case(
        "HoedtNormal",
        HoedtNormal(),
        (30, _N),
        log_normal,
        axes="out in",
        dtypes=FLOATS,
        zero=(30, 0),
    ),
    Case("HoedtBias", HoedtBias(), (7,), shift(_N), "out", fan_in=_N, zero=(0,)),
    Case("HoedtBias-1", HoedtBias(), (3,), shift(1), "out", fan_in=1),
    Case(
        "HoedtBias-noise",
        HoedtBias(var=2.0, bias_noise=0.1),
        (900,),
        noisy,
        "out",
        fan_in=_N,
    ),
]
