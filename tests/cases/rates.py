"""Timescales."""

import math

import numpy as np
from helpers import follows, uniform_cdf

from eqinit import ParamSpec
from eqinit.ssm import LogDt, LruRing, UniformRate

from ._case import FLOATS, Case


def log_step(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert follows(draw, uniform_cdf(math.log(1e-3), math.log(0.1)))


def mamba_step(draw: np.ndarray, spec: ParamSpec) -> None:
    """What softplus makes of the bias is log-uniform, and no less than the floor."""
    del spec
    step = np.logaddexp(0, draw.astype(np.float64))
    # Below the floor lies a share ln 4 / ln 100 of the law.
    share = math.log(4) / math.log(100)
    assert abs((step < 0.0040001).mean() - share) < 5 * math.sqrt(share / step.size)
    above = step[step > 0.0040001]
    assert follows(np.log(above), uniform_cdf(math.log(0.004), math.log(0.1)))
    # ln(e^x - 1) in float32 is off by a rounding of up to 6, seen through a slope of x.
    assert step.min() > 0.004 * (1 - 6e-7)


def mamba2(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert follows(np.exp(draw.astype(np.float64)), uniform_cdf(1, 16))


def ring(low: float, high: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        modulus = np.exp(-np.exp(draw.astype(np.float64)))
        assert follows(modulus**2, uniform_cdf(low**2, high**2))

    return gold


def phase(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    assert follows(np.exp(draw.astype(np.float64)), uniform_cdf(0, 0.5))


def input_scale(draw: np.ndarray, spec: ParamSpec) -> None:
    """gamma^2 = 1 - |lambda|^2 is uniform as well (`test_linked` pairs the two)."""
    del spec
    assert follows(np.exp(2 * draw.astype(np.float64)), uniform_cdf(0.19, 0.75))


CASES = [
    Case("LogDt", LogDt(), (900,), log_step, dtypes=FLOATS, zero=(0,)),
    Case(
        "LogDt-mamba",
        LogDt(1e-3, 0.1, "softplus", floor=4e-3),
        (2000,),
        mamba_step,
        axes="out",
        dtypes=FLOATS,
    ),
    Case("UniformRate", UniformRate(), (900,), mamba2, dtypes=FLOATS, zero=(0,)),
    Case("LruRing-nu", LruRing("nu_log"), (900,), ring(0, 1), dtypes=FLOATS, zero=(0,)),
    Case(
        "LruRing-nu-narrow",
        LruRing("nu_log", 0.5, 0.9),
        (900,),
        ring(0.5, 0.9),
        dtypes=FLOATS,
    ),
    Case(
        "LruRing-theta",
        LruRing("theta_log", max_phase=0.5),
        (900,),
        phase,
        dtypes=FLOATS,
        zero=(0,),
    ),
    Case(
        "LruRing-gamma",
        LruRing("gamma_log", 0.5, 0.9),
        (900,),
        input_scale,
        dtypes=FLOATS,
    ),
]
