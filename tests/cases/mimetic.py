"""Mimetic factors on their own (`test_linked` multiplies the pairs)."""

import numpy as np

from eqinit import ParamSpec
from eqinit.transformer import Mimetic

from ._case import FLOATS, Case


def balanced(draw: np.ndarray, spec: ParamSpec) -> None:
    """Rows of a factor are orthogonal, with the roots of singular values as lengths."""
    del spec
    gram = draw.astype(np.float64) @ draw.T.astype(np.float64)
    squares = np.diag(gram)
    assert np.all(np.diff(squares) <= 0)
    # A float32 SVD of a matrix of norm about 2.
    assert np.abs(gram - np.diag(squares)).max() < 64 * 2**-24


def per_head(draw: np.ndarray, spec: ParamSpec) -> None:
    for head in draw.reshape(3, 4, 12):
        balanced(head, spec)


CASES = [
    Case(
        "Mimetic-query",
        Mimetic("query", heads=3),
        (12, 12),
        per_head,
        axes="out in",
        dtypes=FLOATS,
        zero=(0, 12),
    ),
    Case("Mimetic-value", Mimetic("value"), (8, 12), balanced, "out in", dtypes=FLOATS),
]
