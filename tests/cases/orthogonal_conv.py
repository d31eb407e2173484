"""Convolutions that keep lengths: their singular values, in the Fourier domain."""

import numpy as np

from eqinit import ConvolutionOrthogonal, DeltaOrthogonal, ParamSpec
from eqinit._schemes.kernels import kernel_shape

from ._case import Case


def kernels(draw: np.ndarray, spec: ParamSpec) -> np.ndarray:
    """(slices, out, in, *taps) of a draw with axes `[...] out in *kernel`."""
    out, inputs, taps = kernel_shape(spec)
    wide = draw.astype(np.promote_types(draw.dtype, np.float64))
    return wide.reshape(-1, out, inputs, *taps)


def singular_values(kernel: np.ndarray, size: int = 6) -> np.ndarray:
    """Of the circular convolution on `size` places: a matrix a frequency."""
    axes = tuple(range(2, kernel.ndim))
    spectrum = np.fft.fftn(kernel, s=(size,) * len(axes), axes=axes)
    matrices = np.moveaxis(spectrum, (0, 1), (-2, -1)).reshape(-1, *kernel.shape[:2])
    return np.linalg.svd(matrices, compute_uv=False)


def isometric(gain: float, delta: bool):
    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        for kernel in kernels(draw, spec):
            off = np.abs(singular_values(kernel) / gain - 1).max()
            # At most seven products of orthogonal matrices of size 6 in float32, each
            # off by a few roundings a column.
            assert off < 7 * 20 * 2**-24
            used = np.abs(kernel).max((0, 1)) > 1e-6
            assert used.sum() == 1 if delta else used.all()
            centre = tuple((k - 1) // 2 for k in used.shape)
            assert used[centre]

    return gold


_TALL = {"shape": (6, 4, 3), "axes": "out in *kernel", "sizes": {"kernel": 1}}
_WIDE = {"shape": (3, 6, 3), "axes": "out in *kernel", "sizes": {"kernel": 1}}
_PLANE = {"shape": (4, 4, 3, 2), "axes": "out in *kernel", "sizes": {"kernel": 2}}
_SPACE = {"shape": (3, 2, 2, 3, 2), "axes": "out in *kernel", "sizes": {"kernel": 3}}
_GROUPS = {
    "shape": (2, 6, 3, 3),
    "axes": "(group out) in *kernel",
    "sizes": {"group": 2, "kernel": 1},
    "zero": (2, 6, 0, 3),
}
_ROUND = {  # flax's order
    "shape": (3, 4, 4),
    "axes": "*kernel in out",
    "sizes": {"kernel": 1},
}


def in_jax_order(gold):
    def moved(draw: np.ndarray, spec: ParamSpec) -> None:
        gold(draw.transpose(2, 1, 0), spec)

    return moved


CASES = [
    Case("DeltaOrthogonal", DeltaOrthogonal(), gold=isometric(1, True), **_TALL),
    Case("DeltaOrthogonal-wide", DeltaOrthogonal(), gold=isometric(1, True), **_WIDE),
    Case("DeltaOrthogonal-2d", DeltaOrthogonal(2), gold=isometric(2, True), **_PLANE),
    Case("DeltaOrthogonal-3d", DeltaOrthogonal(), gold=isometric(1, True), **_SPACE),
    Case(
        "DeltaOrthogonal-groups", DeltaOrthogonal(), gold=isometric(1, True), **_GROUPS
    ),
    Case(
        "DeltaOrthogonal-jax",
        DeltaOrthogonal(),
        gold=in_jax_order(isometric(1, True)),
        **_ROUND,
    ),
] + [
    Case(
        f"ConvolutionOrthogonal-{name}",
        ConvolutionOrthogonal(gain),
        gold=isometric(gain, False),
        **parameter,
    )
    for name, gain, parameter in [
        ("1d", 1.0, _TALL),
        ("wide", 1.0, _WIDE),
        ("2d", 2.0, _PLANE),
        ("3d", 1.0, _SPACE),
        ("groups", 1.0, _GROUPS),
    ]
]
