"""Checks of hyper-parameters, made where a Python value can be looked at."""

import math
from collections.abc import Iterator

import numpy as np

from .._parameters.spec import ParamSpec
from .._typing import ScalarLike, Shape


def positive(scheme: str, *, zero: bool = False, **values: ScalarLike) -> None:
    """Raise unless every Python number is positive (or zero, if `zero`)."""
    for name, value in values.items():
        if not isinstance(value, (int, float)):
            continue  # an array: vmapped or traced, there is nothing to look at
        low = value < 0 if zero else value <= 0
        if low or not math.isfinite(value):
            wanted = "finite and >= 0" if zero else "finite and > 0"
            raise ValueError(f"{scheme} got {name}={value}; it must be {wanted}.")


def choice(scheme: str, name: str, value: object, options: object) -> None:
    """Raise unless `value` is one of `options`."""
    if value not in options:  # pyright: ignore[reportOperatorIssue]
        raise ValueError(
            f"{scheme} got {name}={value!r}; it must be one of {list(options)}."  # pyright: ignore
        )


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
