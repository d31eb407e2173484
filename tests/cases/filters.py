"""Kernels that are filters: what they do to an image."""

import math

import numpy as np
import scipy.signal

from eqinit import ParamSpec
from eqinit.filters import STFT, Bilinear, DownsamplingFilter

from ._case import FLOATS, Case


def keeps_constants(draw: np.ndarray, spec: ParamSpec) -> None:
    """Upsampling a constant with stride f = (k + 1) // 2 gives it back, inside."""
    del spec
    channels = np.eye(*draw.shape[:2], dtype=bool)
    assert not np.any(draw[~channels])
    for own in draw[channels]:
        taps = np.array(own.shape)
        factors = (taps + 1) // 2
        large = np.zeros(taps + 4 * factors)
        for place in np.ndindex(*[5] * own.ndim):  # a constant image of five a side
            starts = np.array(place) * factors
            corner = [slice(s, s + k) for s, k in zip(starts, taps, strict=True)]
            large[tuple(corner)] += own
        inside = tuple(slice(k, -k) for k in own.shape)
        assert large[inside].size
        # At most four taps meet, each rounded to float32 once.
        assert np.abs(large[inside] - 1).max() < 4 * 2**-24


def known(values: list[float]):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        keeps_constants(draw, spec)
        # Rounded to float32 once.
        assert np.abs(draw[0, 0] - values).max() < 2**-24

    return gold


def averages(draw: np.ndarray, spec: ParamSpec) -> None:
    del spec
    # Nine taps, each rounded to float32 once.
    assert np.abs(draw[0, 0].astype(np.float64).sum() - 1) < 9 * 2**-26
    assert np.array_equal(draw[0, 0], draw[1, 1])
    assert not np.any(draw[0, 1])


def binomial(draw: np.ndarray, spec: ParamSpec) -> None:
    averages(draw, spec)
    row = np.array([1, 2, 1]) / 4
    assert np.array_equal(draw[0, 0], np.outer(row, row))


_HANN = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(16) / 15)
_PERIODIC = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(16) / 16)
_TUKEY, _KAISER = scipy.signal.windows.tukey(16, 0.3), np.kaiser(16, 8.0)


def fourier(part, window, scale):
    """The kernel applied to a frame is numpy's transform of the windowed frame."""

    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        frame = np.random.default_rng(0).normal(size=16)
        made = draw[:, 0].astype(np.float64) @ frame
        wanted = part(np.fft.rfft(frame * window)) / scale
        # Sixteen products with weights that were rounded to float32 once.
        assert np.abs(made - wanted).max() < 16 * 2**-24

    return gold


_FRAME = {
    "shape": (9, 1, 16),
    "axes": "out in *kernel",
    "sizes": {"kernel": 1},
    "dtypes": FLOATS,
}
_CONV1 = {"axes": "out in *kernel", "sizes": {"kernel": 1}, "dtypes": FLOATS}
_CONV2 = {"axes": "out in *kernel", "sizes": {"kernel": 2}, "dtypes": FLOATS}

CASES = [
    # By hand; Caffe, mxnet and Paddle have [.25 .75 .75] for three taps.
    Case("Bilinear-3", Bilinear(), (1, 1, 3), known([0.5, 1, 0.5]), **_CONV1),
    Case(
        "Bilinear-4", Bilinear(), (2, 2, 4), known([0.25, 0.75, 0.75, 0.25]), **_CONV1
    ),
    Case(
        "Bilinear-6",
        Bilinear(),
        (1, 1, 6),
        known([1 / 6, 1 / 2, 5 / 6, 5 / 6, 1 / 2, 1 / 6]),
        zero=(0, 1, 6),
        **_CONV1,
    ),
    Case("Bilinear-2d", Bilinear(), (2, 2, 4, 3), keeps_constants, **_CONV2),
    Case("DownsamplingFilter", DownsamplingFilter(), (2, 2, 3, 3), averages, **_CONV2),
    Case(
        "DownsamplingFilter-box",
        DownsamplingFilter("box"),
        (2, 2, 3, 3),
        averages,
        **_CONV2,
    ),
    Case(
        "DownsamplingFilter-binomial",
        DownsamplingFilter("binomial"),
        (2, 2, 3, 3),
        binomial,
        **_CONV2,
    ),
    Case(
        "STFT",
        STFT(),
        gold=fourier(np.real, _HANN, math.sqrt((_HANN**2).sum())),
        zero=(9, 1, 0),
        **_FRAME,
    ),
    Case(
        "STFT-imag",
        STFT("imag", scaling="spectrum", periodic=True),
        gold=fourier(np.imag, _PERIODIC, _PERIODIC.sum()),
        **_FRAME,
    ),
    Case(
        "STFT-plain",
        STFT(window="rectangular", scaling="none"),
        gold=fourier(np.real, np.ones(16), 1.0),
        **_FRAME,
    ),
    Case(
        "STFT-tukey",
        STFT(window=("tukey", 0.3)),
        gold=fourier(np.real, _TUKEY, math.sqrt((_TUKEY**2).sum())),
        **_FRAME,
    ),
    Case(
        "STFT-values",
        STFT(window=_KAISER, scaling="none"),
        gold=fourier(np.real, _KAISER, 1.0),
        **_FRAME,
    ),
]
