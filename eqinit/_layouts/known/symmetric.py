"""Parametrizations that make a square matrix symmetric."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..nodes import at, put
from ..parametrizations import Parametrization, effective, set_effective


def _mirrored(value: Any, sign: float) -> Any:
    upper = jnp.triu(value, 0 if sign > 0 else 1)
    strict = jnp.triu(value, 1)
    return upper + jnp.asarray(sign, value.dtype) * jnp.swapaxes(strict, -1, -2)


def _upper(value: np.ndarray, offset: int) -> np.ndarray:
    rows, cols = np.triu_indices(value.shape[-1], offset)
    return value[..., rows, cols]


def mirrored(field: str, sign: float) -> Parametrization:
    """Half the sum (or difference) of a matrix and its transpose.

    The upper triangle of a draw is kept and mirrored: averaging it with its transpose
    would halve the variance of every entry off the diagonal.
    """
    offset = 0 if sign > 0 else 1

    def get(node: Any) -> Any:
        raw = effective(at(node, field))
        half = jnp.asarray(0.5, raw.dtype)
        flipped = jnp.asarray(sign, raw.dtype) * jnp.swapaxes(raw, -1, -2)
        return half * (raw + flipped)

    def set_(node: Any, value: Any) -> Any:
        return put(node, field, set_effective(at(node, field), _mirrored(value, sign)))

    return Parametrization(
        field,
        get,
        set_,
        project=lambda value: _mirrored(value, sign),
        free=lambda value: _upper(value, offset),
        note="the upper triangle is drawn, and mirrored",
    )
