"""flowjax 19: parameters of bijections; its conditioners are `equinox.nn` layers.

Its own parameters (knots, scales, triangular matrices, planar vectors) have neither
`in` nor `out`, and mostly are parametrized by paramax.
"""

from typing import Any

from ..parametrizations import Parametrize


LAYOUTS: dict[str, dict[str, Any]] = {
    "Affine": dict(
        loc="other: *event", scale="other: *event", event=lambda b: len(b.shape)
    ),
    "Loc": dict(loc="other: *event", event=lambda b: len(b.shape)),
    "Scale": dict(scale="other: *event", event=lambda b: len(b.shape)),
    "TriangularAffine": dict(loc="other: event", triangular="other: event event"),
    "Planar": dict(params="other: vector"),
}
PARAMETRIZATIONS: dict[str, Parametrize] = {}
