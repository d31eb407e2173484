"""What several schemes ask of their arguments and of a parameter."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._checks import finite, known, passes, shown
from .._parameters.spec import ParamSpec
from .._typing import Shape


def as_tuple(values: Any) -> Any:
    """A list or an array of numbers as a tuple, which hashes; all else as it is."""
    concrete = not isinstance(values, Tracer)
    if concrete and isinstance(values, np.ndarray | jax.Array) and values.ndim == 1:
        return tuple(values.tolist())
    return tuple(values) if isinstance(values, list) else values


def near(owner: str, **values: Any) -> Iterator[str]:
    """What is wrong where two numbers are further apart than any number is large."""
    (low, first), (high, last) = values.items()
    if known(first, last):
        apart = np.subtract(last, first, dtype=np.float64)
        if not passes(finite, apart[()]):
            yield f"{owner} got {low}={shown(first)} and {high}={shown(last)}, {_FAR}"


_FAR = "further apart than any float32 is large. Take bounds that are closer."


def number_dtype(owner: str, dtype: Any) -> str:
    """The name of a dtype of numbers, or an error: numpy takes almost anything."""
    told = isinstance(dtype, str | np.dtype | type) or hasattr(dtype, "dtype")
    known = None if isinstance(dtype, np.generic | jax.Array) or not told else dtype
    name = "" if known is None else np.dtype(known).name
    if not name or not jnp.issubdtype(name, jnp.number):
        raise ValueError(
            f"{owner} got dtype={shown(dtype)}; it must be a dtype of numbers, such as "
            '`"bfloat16"`.'
        )
    return name


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
