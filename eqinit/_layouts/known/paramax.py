"""paramax 0.0.5: arrays, parametrized (`paramax.unwrap` makes a model callable)."""

from typing import Any

from ..parametrizations import Parametrization, Parametrize, elementwise
from .equinox_norms import rows_times
from .parameterize import parameterize


def _transparent(node: Any) -> Parametrization:
    del node
    return elementwise("tree", transparent=True)


def _weight_norm(node: Any) -> Parametrization:
    return rows_times(node, "weight", "scale", in_place=True)


LAYOUTS: dict[str, dict[str, Any]] = {}
PARAMETRIZATIONS: dict[str, Parametrize] = {
    "Parameterize": parameterize,
    "NonTrainable": _transparent,
    "WeightNormalization": _weight_norm,
}
