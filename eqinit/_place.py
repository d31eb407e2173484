"""Where a drawn value goes: the leaf's own sharding and kind of array."""

from typing import Any

import jax
import numpy as np

from ._sites import Site
from ._typing import Array


def place(value: Array, site: Site, sharding: Any) -> Any:
    """Move a draw to where the leaf was, or to where the caller wants it."""
    leaf = site.leaf
    if callable(sharding):
        sharding = sharding(site)
    if sharding is None and isinstance(leaf, np.ndarray):
        return np.asarray(value).astype(leaf.dtype)
    if sharding is None:
        sharding = _own_sharding(leaf)
    return value if sharding is None else jax.device_put(value, sharding)


def _own_sharding(leaf: Any) -> Any:
    if isinstance(leaf, jax.core.Tracer):
        return None
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf.sharding
    # An uncommitted array follows its computation; putting it would commit it.
    return leaf.sharding if getattr(leaf, "committed", True) else None
