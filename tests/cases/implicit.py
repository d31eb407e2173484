"""Sinusoidal layers and random Fourier features."""

import math

import numpy as np
from helpers import SIGMAS, follows, normal_cdf, uniform_cdf

from eqinit import FourierFeatures, ParamSpec, Siren
from eqinit._parameters.views import matrices

from ._case import FLOATS, Case


def bound(b: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        assert follows(draw, uniform_cdf(-b, b))

    return gold


def approximates(kernel, turns: float = 1.0):
    """The mean of cos(B (x - y)) over the rows is k(x - y), five errors wide."""

    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        b = matrices(spec).slices(draw.astype(np.float64))[0]
        for step in np.array([[0.5, 0, 0], [0.3, -0.8, 0.4], [1.0, 1.0, 1.0]]):
            cosines = np.cos(turns * b @ step)
            wanted = kernel(step)
            # The variance of cos(u) is (1 + k(2 step)) / 2 - k(step)^2.
            error = math.sqrt((1 + kernel(2 * step)) / 2 - wanted**2)
            assert abs(cosines.mean() - wanted) < SIGMAS * error / math.sqrt(len(b))

    return gold


def rbf(step: np.ndarray) -> float:
    return math.exp(-(step @ step) / (2 * 0.7**2))


def tancik(step: np.ndarray) -> float:
    return math.exp(-2 * math.pi**2 * 0.3**2 * (step @ step))


def laplace(step: np.ndarray) -> float:
    return math.exp(-np.abs(step).sum())


def exponential(step: np.ndarray) -> float:
    return math.exp(-math.sqrt(step @ step))


def matern(step: np.ndarray) -> float:
    r = math.sqrt(3 * (step @ step))
    return (1 + r) * math.exp(-r)


def gaussian(draw: np.ndarray, spec: ParamSpec) -> None:
    assert follows(draw / 0.3, normal_cdf)
    approximates(tancik, 2 * math.pi)(draw, spec)


def blocks_are_orthogonal(draw: np.ndarray, spec: ParamSpec) -> None:
    wide = draw.astype(np.float64)
    for start in range(0, 900, 3):
        block = wide[start : start + 3]
        lengths = np.linalg.norm(block, axis=1)
        gram = block @ block.T / np.outer(lengths, lengths)
        assert np.abs(gram - np.eye(3)).max() < 40 * 2**-24  # QR of 3 x 3 in float32
    approximates(rbf)(draw, spec)


CASES = [
    Case(
        "Siren-first",
        Siren(first=True),
        (256, 3),
        bound(1 / 3),
        axes="out in",
        zero=(256, 0),
    ),
    Case("Siren", Siren(20.0), (30, 24), bound(0.5 / 20), axes="out in"),
    Case(
        "FourierFeatures-rbf",
        FourierFeatures(lengthscale=0.7),
        (900, 3),
        approximates(rbf),
        axes="out in",
        dtypes=FLOATS,
        zero=(900, 0),
    ),
    Case(
        "FourierFeatures-tancik",
        FourierFeatures.gaussian(0.3),
        (900, 3),
        gaussian,
        axes="out in",
        dtypes=FLOATS,
    ),
    Case(
        "FourierFeatures-orthogonal",
        FourierFeatures(lengthscale=0.7, orthogonal=True),
        (900, 3),
        blocks_are_orthogonal,
        axes="out in",
        dtypes=FLOATS,
    ),
    Case(
        "FourierFeatures-laplace",
        FourierFeatures("laplace"),
        (900, 3),
        approximates(laplace),
        axes="out in",
        dtypes=FLOATS,
    ),
    Case(
        "FourierFeatures-matern",
        FourierFeatures("matern", nu=1.5),
        (900, 3),
        approximates(matern),
        axes="out in",
        dtypes=FLOATS,
    ),
    Case(
        "FourierFeatures-exponential",
        FourierFeatures("matern", nu=0.5),
        (900, 3),
        approximates(exponential),
        axes="out in",
        dtypes=FLOATS,
    ),
]
