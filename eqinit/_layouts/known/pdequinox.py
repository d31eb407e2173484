"""pdequinox 0.1: copies of Equinox's convolutions, and spectral ones."""

from typing import Any

from ..parametrizations import Parametrize


_CONV: dict[str, Any] = dict(
    weight="(group out) in *kernel",
    bias="(group out) *kernel",
    sizes={"group": "groups", "kernel": "num_spatial_dims"},
)

LAYOUTS: dict[str, dict[str, Any]] = {
    "MorePaddingConv": _CONV,
    "MorePaddingConvTranspose": _CONV | dict(stride="stride"),
    # Made as (block, in, out, *modes) and used as (block, out, in, *modes): only square
    # ones work. One complex matrix a mode, its parts in two fields: for E|w|^2 = v give
    # each a gain of sqrt(1/2).
    "SpectralConv": dict(
        weights_real="block out in *mode",
        weights_imag="block out in *mode",
        sizes={"mode": "num_spatial_dims"},
        unit_axis=0,
    ),
}
PARAMETRIZATIONS: dict[str, Parametrize] = {}
