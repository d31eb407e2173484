"""Draws compiled as a whole."""

import equinox as eqx

from .._parameters.spec import ParamSpec
from .._typing import Array, Key
from .initializer import AbstractMatrixInitializer


@eqx.filter_jit
def draw_whole(init: AbstractMatrixInitializer, key: Key, spec: ParamSpec) -> Array:
    """What `init.draw` would be without this.

    For schemes that multiply and add after a decomposition: what a compiler sees
    together it may round once, and an eager draw, operation by operation, would differ
    in the last bit from one under `jit`.
    """
    return AbstractMatrixInitializer.draw(init, key, spec)
