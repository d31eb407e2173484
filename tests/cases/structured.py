"""Fixed transforms, and matrices with a given spectrum."""

import math

import numpy as np

from eqinit import Orthogonal, ParamSpec
from eqinit.matrices import DCT, Hadamard, Spectrum

from ._case import FLOATS, Case
from .orthogonal import orthonormal


def hadamard(draw: np.ndarray, spec: ParamSpec) -> None:
    orthonormal(2.0)(draw, spec)
    assert np.all(np.abs(draw) == np.float32(2.0) * np.float32(1 / math.sqrt(16)))


def cosine(draw: np.ndarray, spec: ParamSpec) -> None:
    from scipy.fft import dct

    orthonormal()(draw, spec)
    wanted = dct(np.eye(max(spec.shape)), norm="ortho", axis=0)
    wanted = wanted[: min(spec.shape)]
    wanted = wanted if spec.shape[0] <= spec.shape[1] else wanted.T
    # Computed in float64 and rounded once; entries are below 1.
    assert np.abs(draw - wanted).max() < 2**-24


def has_values(*values: float):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        found = np.linalg.svd(draw.astype(np.float64), compute_uv=False)
        # Two orthogonal factors of size at most 8, off by a few roundings a column.
        assert np.abs(found - values).max() < 40 * 2**-24 * max(values)

    return gold


def rotation(draw: np.ndarray, spec: ParamSpec) -> None:
    orthonormal()(draw, spec)
    determinants = np.linalg.det(draw.astype(np.float64))
    assert np.abs(determinants - 1).max() < 40 * 2**-24


def entries_kept(draw: np.ndarray, spec: ParamSpec) -> None:
    # (20, 5): W^T W = 4 I, so that entries of the output have the size of the input's.
    orthonormal(2.0)(draw, spec)


def rms_kept(draw: np.ndarray, spec: ParamSpec) -> None:
    orthonormal(0.5)(draw, spec)


_HARMONIC = tuple(1 / i for i in range(1, 6))

CASES = [
    Case("Hadamard", Hadamard(2.0), (16, 16), hadamard, axes="out in", zero=(0, 16)),
    Case("Hadamard-wide", Hadamard(2.0), (3, 16), hadamard, axes="out in"),
    Case("Hadamard-tall", Hadamard(2.0), (16, 5), hadamard, axes="out in"),
    Case(
        "Hadamard-fixed",
        Hadamard(2.0, random=False),
        (16, 16),
        hadamard,
        axes="out in",
        dtypes=FLOATS,
    ),
    Case("DCT", DCT(), (6, 6), cosine, axes="out in", dtypes=FLOATS, zero=(0, 6)),
    Case("DCT-wide", DCT(), (3, 7), cosine, axes="out in", dtypes=FLOATS),
    Case("DCT-tall", DCT(), (7, 3), cosine, axes="out in", dtypes=FLOATS),
    Case(
        "Spectrum-power",
        Spectrum(1.0),
        (8, 5),
        has_values(*_HARMONIC),
        axes="out in",
        zero=(0, 5),
    ),
    Case(
        "Spectrum-values",
        Spectrum(values=(3.0, 2.0, 0.5)),
        (3, 6),
        has_values(3.0, 2.0, 0.5),
        axes="out in",
    ),
    Case(
        "Orthogonal-special",
        Orthogonal(special=True),
        (3, 4, 4),
        rotation,
        axes="out in",
        dtypes=FLOATS,
    ),
    Case(
        "Orthogonal-entries",
        Orthogonal(keeps="entries"),
        (20, 5),
        entries_kept,
        axes="out in",
    ),
    Case("Orthogonal-rms", Orthogonal(keeps="rms"), (5, 20), rms_kept, axes="out in"),
]
