"""eqx-zoo 0.3: norms of its own; experts are layers under `vmap`, a leading stack."""

from typing import Any

from ..parametrizations import Parametrize


LAYOUTS: dict[str, dict[str, Any]] = {
    "RMSNorm": dict(weight="scale: feature"),
    "LayerNorm": dict(weight="scale: feature", bias="bias: feature"),
}
PARAMETRIZATIONS: dict[str, Parametrize] = {}
