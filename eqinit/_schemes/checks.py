"""What several schemes ask of their arguments and of a parameter."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from .._parameters.spec import ParamSpec
from .._typing import Shape


def as_tuple(values: Any) -> Any:
    """A list or an array of numbers as a tuple, which hashes; all else as it is."""
    concrete = not isinstance(values, Tracer)
    if concrete and isinstance(values, np.ndarray | jax.Array) and values.ndim == 1:
        return tuple(values.tolist())
    return tuple(values) if isinstance(values, list) else values


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
