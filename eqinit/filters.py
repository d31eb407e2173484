"""Kernels that are filters: interpolation, decimation, short-time Fourier."""

from ._schemes.filters import (
    STFT as STFT,
    Bilinear as Bilinear,
    DownsamplingFilter as DownsamplingFilter,
)
