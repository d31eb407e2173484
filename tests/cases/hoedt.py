"""Positive weights: the closed form for ReLU and correlation 1/2 (klax has it)."""

import math

import numpy as np
from helpers import follows, has_std, normal_cdf

from eqinit import HoedtBias, HoedtMatched, HoedtNormal, ParamSpec

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
        # The closed form in float64, and one rounding to float32.
        assert np.abs(draw / wanted - 1).max() <= 2**-24

    return gold


def noisy(draw: np.ndarray, spec: ParamSpec) -> None:
    # A tenth of the variance, half of which is independent, and twice the var.
    mean = -math.sqrt(2 * _N**2 * _mean2(_N) / (2 * math.pi))
    del spec
    assert has_std(draw - np.float32(mean), math.sqrt(0.1 * 0.5 * 2.0))


def softplus(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    mean, variance, _ = softplus_moments(_N)
    sigma2 = math.log1p(variance / mean**2)
    mu = math.log(mean) - sigma2 / 2
    assert draw.min() > 0
    assert follows((np.log(draw) - mu) / math.sqrt(sigma2), normal_cdf)


def softplus_shift(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    # The trapezoid rule on [-12, 12] with steps of 0.01 is exact to 1e-10 here, and the
    # activation is evaluated in float32.
    assert np.allclose(draw, softplus_moments(_N)[2], 3e-7, 0)


def softplus_moments(n: int, corr: float = 0.5) -> tuple[float, float, float]:
    z = np.linspace(-12, 12, 2401)
    weights = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    phi = np.logaddexp(0, z)
    m1, m2 = weights @ phi, weights @ phi**2
    # E phi(x) phi(y) = E[E[phi(sqrt(corr) a + sqrt(1 - corr) b) | a]^2].
    inner = np.logaddexp(0, math.sqrt(corr) * z[:, None] + math.sqrt(1 - corr) * z)
    mx = weights @ (inner @ weights) ** 2
    mean = math.sqrt(corr / (n * (m2 + (n - 1) * mx - n * m1**2)))
    return mean, (1 - corr) / (n * m2), -n * mean * m1


def matched(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    wide = draw.astype(np.float64)
    mean2, variance = _mean2(_N), 1 / _N
    assert wide.min() > 0
    for matrix in wide:
        # Sums of 2700 float32 terms by pairs, and a bisection to the last bit: the
        # moments are those that were asked for to a few roundings.
        assert abs(matrix.mean() / math.sqrt(mean2) - 1) < 8 * 2**-23
        assert abs((matrix**2).mean() / (mean2 + variance) - 1) < 32 * 2**-23


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
    Case(
        "HoedtNormal-softplus",
        HoedtNormal(var=1, activation="softplus"),
        (30, _N),
        softplus,
        axes="out in",
        dtypes=FLOATS,
    ),
    Case(
        "HoedtBias-softplus",
        HoedtBias(var=1, activation="softplus"),
        (7,),
        softplus_shift,
        "out",
        fan_in=_N,
    ),
    Case(
        "HoedtMatched",
        HoedtMatched(),
        (2, 30, _N),
        matched,
        axes="out in",
        dtypes=FLOATS,
        zero=(30, 0),
    ),
]
