"""esm2quinox 0.2: `equinox.nn` throughout, stacked for `lax.scan`."""

from typing import Any

from ..parametrizations import Parametrize


LAYOUTS: dict[str, dict[str, Any]] = {}
PARAMETRIZATIONS: dict[str, Parametrize] = {}
