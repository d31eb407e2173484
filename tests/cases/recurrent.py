"""Recurrent kernels: their eigenvalues."""

import math

import numpy as np
from helpers import SIGMAS

from eqinit import ParamSpec
from eqinit.matrices import NPRNN, Reservoir, Unitary

from ._case import FLOATS, Case


def on_the_circle(low: float, high: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        size = spec.shape[0]
        wide = draw.astype(np.float64)
        values = np.linalg.eigvals(wide)
        # A sine and a cosine rounded to float32 once each.
        assert np.abs(np.abs(values) - 1).max() < 4 * 2**-24
        assert np.abs(wide @ wide.T - np.eye(size)).max() < 4 * 2**-24
        angles = np.arctan2(
            np.diagonal(wide, -1)[::2], np.diagonal(wide)[: size - 1 : 2]
        )
        assert low - 1e-6 <= angles.min() <= angles.max() <= high + 1e-6
        # A uniform on (low, high) has a std of (high - low) / sqrt(12).
        error = (high - low) / math.sqrt(12 * angles.size)
        assert abs(angles.mean() - (low + high) / 2) < SIGMAS * error
        assert values.size % 2 == 0 or np.abs(values - 1).min() < 1e-6

    return gold


def skew(transform):
    """`transform(A)` is a rotation, and A is skew-symmetric."""

    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        wide = draw.astype(np.float64)
        assert np.array_equal(wide, -wide.T)
        rotation = transform(wide)
        assert np.abs(rotation @ rotation.T - np.eye(spec.shape[0])).max() < 1e-12
        values = np.linalg.eigvals(rotation)
        assert np.abs(np.abs(values) - 1).max() < 1e-12

    return gold


def exponential(a: np.ndarray) -> np.ndarray:
    from scipy.linalg import expm

    return expm(a)


def cayley(a: np.ndarray) -> np.ndarray:
    one = np.eye(len(a))
    return np.linalg.solve(one + a, one - a)


def positive_definite(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    values = np.linalg.eigvalsh(draw.astype(np.float64))
    # An eigenvalue in float32 is off by a few roundings of the largest, times the size.
    assert abs(values[-1] - 1) < 24 * 2**-23
    assert values[0] > 0


def radius(wanted: float, density: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        found = np.abs(np.linalg.eigvals(draw.astype(np.complex128))).max()
        # 24 squarings: the rest of Gelfand's limit is the condition of the eigenvectors
        # (some 10^3) to the power of 2^-24, and roundings are some 10^-5.
        assert abs(found / wanted - 1) < 1e-4
        share = (draw != 0).mean()
        error = math.sqrt(density * (1 - density) / draw.size)
        assert abs(share - density) <= SIGMAS * error
        del spec

    return gold


_SQUARE = {"shape": (60, 60), "axes": "out in", "dtypes": FLOATS}

CASES = [
    Case(
        "Unitary",
        Unitary(),
        gold=on_the_circle(-math.pi, math.pi),
        zero=(0, 0),
        **_SQUARE,
    ),
    Case(
        "Unitary-odd",
        Unitary(),
        (7, 7),
        on_the_circle(-math.pi, math.pi),
        axes="out in",
        dtypes=FLOATS,
    ),
    Case(
        "Unitary-cayley",
        Unitary("cayley"),
        gold=on_the_circle(0, math.pi / 2),
        **_SQUARE,
    ),
    Case("Unitary-skew", Unitary(stored="skew"), gold=skew(exponential), **_SQUARE),
    Case(
        "Unitary-cayley-skew", Unitary("cayley", "skew"), gold=skew(cayley), **_SQUARE
    ),
    Case(
        "NPRNN",
        NPRNN(),
        (24, 24),
        positive_definite,
        axes="out in",
        dtypes=FLOATS,
        zero=(0, 0),
    ),
    Case(
        "Reservoir",
        Reservoir(0.9, 0.2),
        gold=radius(0.9, 0.2),
        zero=(0, 0),
        **_SQUARE,
    ),
    Case(
        "Reservoir-dense",
        Reservoir(1.25, 1),
        (40, 40),
        radius(1.25, 1.0),
        axes="out in",
        dtypes=FLOATS,
    ),
]
