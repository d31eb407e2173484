"""esm2quinox 0.2: `equinox.nn` throughout, stacked for `lax.scan`."""

from typing import Any

from ..parametrizations import Adapter


LAYOUTS: dict[str, dict[str, Any]] = {}
WRAPPERS: dict[str, Adapter] = {}
