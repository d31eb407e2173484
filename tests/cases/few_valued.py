"""Signs, thirds, whole numbers, a circle."""

import math

import numpy as np
from helpers import SIGMAS, follows, z_of_std

import eqinit as ei

from ._case import COMPLEX, FLOATS, Case


_SHAPE = (64, 32)


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


def whole_numbers(low: int, high: int):
    def gold(draw: np.ndarray, spec: ei.ParamSpec) -> None:
        del spec
        values, counts = np.unique(draw, return_counts=True)
        assert list(values) == list(range(low, high))
        share = 1 / (high - low)
        error = np.sqrt(draw.size * share * (1 - share))
        assert np.abs(counts - draw.size * share).max() < SIGMAS * error

    return gold


CASES = [
    Case("Rademacher", ei.Rademacher(0.3), _SHAPE, signs(0.3), zero=(0,)),
    Case("Ternary", ei.Ternary(0.3, 0.25), _SHAPE, ternary(0.3, 0.25), zero=(0,)),
    Case("Phase", ei.Phase(2.0), _SHAPE, on_a_circle(2.0), dtypes=COMPLEX, zero=(0,)),
    Case(
        "DiscreteUniform",
        ei.DiscreteUniform(-2, 5),
        (64, 32),
        whole_numbers(-2, 5),
        dtypes=FLOATS,
        zero=(0, 3),
    ),
    Case(
        "DiscreteUniform-int",
        ei.DiscreteUniform(0, 3),
        (64, 32),
        whole_numbers(0, 3),
        dtypes=("int8",),
    ),
]
