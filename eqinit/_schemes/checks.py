"""Checks that several schemes make of a parameter."""

from collections.abc import Iterator

import numpy as np

from .._parameters.spec import ParamSpec
from .._typing import Shape


def broadcasts(name: str, what: str, shape: Shape, spec: ParamSpec) -> Iterator[str]:
    """Yields why an array of `shape` does not broadcast to the parameter."""
    try:
        fits = np.broadcast_shapes(shape, spec.shape) == spec.shape
    except ValueError:
        fits = False
    if not fits:
        yield (
            f"{name} got {what} of shape {shape}, which does not broadcast to the "
            f"parameter's {spec.shape}. Pass a number or an array that does."
        )
