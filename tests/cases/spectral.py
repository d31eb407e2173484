"""Spectral norms."""

import math

import numpy as np
from helpers import follows, normal_cdf

from eqinit import ParamSpec
from eqinit._parameters.views import matrices
from eqinit.matrices import Spectral, SpectralNormal

from ._case import FLOATS, Case


def norm_is(wanted: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        for w in matrices(spec).slices(draw.astype(np.float64)):
            # A float32 SVD is good to a few roundings of the norm.
            assert abs(np.linalg.norm(w, 2) / wanted - 1) < 32 * 2**-24

    return gold


def std_is(std: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        assert follows(draw / std, normal_cdf)

    return gold


CASES = [
    Case(
        "Spectral",
        Spectral(),
        (2, 36, 9),
        norm_is(2.0),
        axes="out in",
        dtypes=FLOATS,
        zero=(36, 0),
    ),
    Case(
        "Spectral-conv",
        Spectral(3.0),
        (8, 16, 2),
        norm_is(3.0 / 2),
        axes="out in *kernel",
        sizes={"kernel": 1},
        dtypes=FLOATS,
    ),
    Case(
        "SpectralNormal-wide",
        SpectralNormal(),
        (9, 64),
        std_is(math.sqrt(9 / 64) / 8),
        axes="out in",
        zero=(9, 0),
    ),
    Case("SpectralNormal-tall", SpectralNormal(), (64, 9), std_is(1 / 3), "out in"),
]
