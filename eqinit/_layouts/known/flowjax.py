"""flowjax 19: parameters of bijections; its conditioners are `equinox.nn` layers.

Its own parameters (knots, scales, triangular matrices, planar vectors) have neither
`in` nor `out`, and mostly are parametrized by paramax.
"""

from typing import Any

from ..parametrizations import Parametrize


_EVENT = {"event": lambda b: len(b.shape)}

LAYOUTS: dict[str, dict[str, Any]] = {
    "Affine": dict(loc="other: *event", scale="other: *event", sizes=_EVENT),
    "Loc": dict(loc="other: *event", sizes=_EVENT),
    "Scale": dict(scale="other: *event", sizes=_EVENT),
    "TriangularAffine": dict(loc="other: event", triangular="other: event event"),
    "Planar": dict(params="other: vector"),
}
PARAMETRIZATIONS: dict[str, Parametrize] = {}
