"""Sub-pixels that share a kernel."""

import numpy as np

from eqinit import ICNR, Orthogonal, ParamSpec

from ._case import Case


def no_checkerboard(factor: int, order: str):
    """pixel_shuffle(conv(x)) is nearest(conv_base(x)): sub-pixels share a kernel."""

    def gold(draw: np.ndarray, spec: ParamSpec) -> None:
        del spec
        out, copies = draw.shape[0], factor**2
        if order == "channel first":
            kernels = draw.reshape(out // copies, copies, *draw.shape[1:])
        else:
            kernels = draw.reshape(copies, out // copies, *draw.shape[1:]).swapaxes(
                0, 1
            )
        assert np.array_equal(kernels, np.broadcast_to(kernels[:, :1], kernels.shape))
        base = kernels[:, 0].reshape(out // copies, -1).astype(np.float64)
        # And the base is Orthogonal's: its rows are orthonormal.
        assert np.abs(base @ base.T - np.eye(len(base))).max() < 20 * 20 * 2**-24

    return gold


CASES = [
    Case(
        "ICNR",
        ICNR(Orthogonal(), 2),
        (8, 3, 3, 3),
        no_checkerboard(2, "channel first"),
        zero=(0, 3, 3, 3),
        axes="out in *kernel",
        sizes={"kernel": 2},
    ),
    Case(
        "ICNR-pixel-first",
        ICNR(Orthogonal(), 2, "pixel first"),
        (8, 3, 3, 3),
        no_checkerboard(2, "pixel first"),
        axes="out in *kernel",
        sizes={"kernel": 2},
    ),
]
