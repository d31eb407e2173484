"""Orthogonal matrices, one per gate, head, group and stacked layer."""

import numpy as np

from eqinit import Orthogonal, ParamSpec
from eqinit._parameters.views import matrices

from ._case import Case


def orthonormal(gain: float = 1.0):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        for w in matrices(spec).slices(draw.astype(np.float64)):
            gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
            # Householder QR in float32: each entry of the Gram matrix is off by a few
            # roundings of 6e-8 a column, at most 20 of them here.
            off = np.abs(gram / gain**2 - np.eye(len(gram))).max()
            assert off < 20 * 20 * 2**-24

    return gold


CASES = [
    Case("Orthogonal-wide", Orthogonal(), (8, 20), orthonormal(), axes="out in"),
    Case(
        "Orthogonal-tall",
        Orthogonal(gain=2.0),
        (20, 8),
        orthonormal(2.0),
        axes="out in",
        zero=(0, 8),
    ),
    Case(
        "Orthogonal-reflections",
        Orthogonal(gain=0.5, algorithm="householder"),
        (12, 7),
        orthonormal(0.5),
        axes="out in",
        adds=7 * 12,
        zero=(0, 8),
    ),
    Case(
        "Orthogonal-conv",
        Orthogonal(),
        (16, 4, 3),
        orthonormal(),
        axes="out in *kernel",
        sizes={"kernel": 1},
    ),
    Case(
        "Orthogonal-gates",
        Orthogonal(),
        (2, 32, 8),
        orthonormal(),
        axes="(gate out) in",
        sizes={"gate": ("i", "f", "g", "o")},
        zero=(2, 32, 0),
    ),
]
