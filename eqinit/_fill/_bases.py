"""The draws as functions of a table of rows, and how a request is written into one.

A row is `width` neighbouring elements of one leaf. All that tells rows apart is data,
never code, hence one compilation for every leaf of every model.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import Array, lax

from ._draw import affine
from ._request import FillRequest
from ._threefry import Counter, random_bits


# The columns of a row, 32 bits each: two key words, the start (high word, low word),
# then floats.
_FLOATS = ("minval", "span", "lowest", "highest", "scale", "loc")
COLUMNS = 4 + len(_FLOATS)
_SQRT2 = np.float32(np.sqrt(2))
_ABOVE_MINUS_ONE = np.nextafter(np.float32(-1), np.float32(0))


def _uniform(bits: Array, minval: Array, span: Array) -> Array:
    one = np.float32(1).view(np.uint32)
    mantissa = lax.shift_right_logical(bits, np.uint32(9))
    unit = lax.bitcast_convert_type(lax.bitwise_or(mantissa, one), np.float32)
    unit = lax.sub(unit, np.float32(1))
    return lax.max(minval, lax.add(lax.mul(unit, span), minval))


def _normal(u: Array, lowest: Array, highest: Array) -> Array:
    z = lax.mul(lax.full_like(u, _SQRT2), lax.erf_inv(u))
    return lax.min(highest, lax.max(z, lowest))


def draw_rows(base: str, dtype: Any, width: int, table: Array) -> Array:
    """Draws `width` elements for every row of `table`.

    A normal is a truncated normal with infinite bounds, so the two share one kernel.

    **Arguments:**

    - `base`: `"uniform"`, `"normal"` or `"lognormal"`.
    - `table`: `uint32[rows, COLUMNS]`.

    **Returns:**

    `dtype[rows, width]`.
    """
    columns = [lax.slice_in_dim(table, i, i + 1, axis=1) for i in range(COLUMNS)]
    k0, k1, high, low = columns[:4]
    shape = (table.shape[0], width)
    as_float = functools.partial(lax.bitcast_convert_type, new_dtype=np.float32)
    floats = [lax.broadcast_in_dim(as_float(c), shape, (0, 1)) for c in columns[4:]]
    minval, span, lowest, highest, scale, loc = floats
    x = _uniform(random_bits((k0, k1), Counter(high, low), width), minval, span)
    if base != "uniform":
        x = _normal(x, lowest, highest)
    x = affine(x, scale, loc)
    if base == "lognormal":
        x = lax.exp(x)
    return lax.convert_element_type(x, dtype)


@functools.cache
def _jitted_erf() -> Callable[[Any], Array]:
    # As `jax.random.truncated_normal` has it, for bounds that agree to the last bit.
    return jax.jit(lambda x: lax.erf(lax.div(x, lax.full_like(x, _SQRT2))))


@functools.lru_cache(maxsize=256)
def _truncation(lower: float, upper: float) -> tuple[np.float32, ...]:
    """`minval`, `span`, `lowest` and `highest` of a truncated normal."""
    bounds = np.asarray((lower, upper), np.float32)
    a, b = np.asarray(_jitted_erf()(bounds))
    infinity = np.float32(np.inf)
    return (
        a,
        b - a,
        np.nextafter(bounds[0], infinity),
        np.nextafter(bounds[1], -infinity),
    )


def prepare_truncation() -> None:
    """Compile what truncated normals need beside their kernel."""
    _truncation(-2.0, 2.0)


def _bounds(request: FillRequest) -> tuple[np.float32, ...]:
    infinity = np.float32(np.inf)
    if request.base == "truncated_normal":
        return _truncation(*map(float, request.base_params))
    if request.base == "uniform":
        minval, maxval = map(np.float32, request.base_params)
        return minval, maxval - minval, -infinity, infinity
    # The width of (-1, 1) open at -1 rounds to 2, in `jax.random.normal` too.
    return _ABOVE_MINUS_ONE, np.float32(2), -infinity, infinity


def kernel_of(base: str) -> str:
    """The kernel that draws `base`."""
    return "normal" if base == "truncated_normal" else base


def float_columns(request: FillRequest) -> np.ndarray:
    """The float columns of a request's rows, as `uint32[6]`."""
    # -0.0 is what can be added to any float, -0.0 included, and change nothing.
    loc = np.float32(request.loc) or np.float32(-0.0)
    row = (*_bounds(request), np.float32(request.scale), loc)
    return np.array(row, np.float32).view(np.uint32)
