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

from .._laws.exact import affine
from .request import DTYPES, FillRequest, default_device, dtype_name, partitionable
from .threefry import Counter, random_bits


# What can be drawn in bulk: its kernel, and its parameters where a request has none.
BASES: dict[str, tuple[str, tuple[float, ...]]] = {
    "normal": ("normal", ()),
    "truncated_normal": ("normal", (-2.0, 2.0)),
    "uniform": ("uniform", (-1.0, 1.0)),
    "lognormal": ("lognormal", ()),
}


def kernel_of(base: str) -> str:
    """The kernel that draws `base`."""
    return BASES[base][0]


def _params(request: FillRequest) -> tuple[Any, ...]:
    return request.params or BASES[request.base][1]


def eligible(request: FillRequest) -> bool:
    """Whether `fill` can serve a request whose key is one that `key_eligible` takes."""
    return (
        request.base in BASES
        and _ordered(*_params(request))
        and dtype_name(request.dtype) in DTYPES
        and request.key_data.shape == (2,)
        and request.key_data.dtype == np.uint32
        and request.offset + request.size <= 2**64
        and partitionable()
    )


def _ordered(lower: Any = 0.0, upper: Any = 0.0) -> bool:
    return bool(np.float32(lower) <= np.float32(upper))


# The columns of a row, 32 bits each: two key words, the start (high word, low word),
# then floats.
_FLOATS = ("minval", "span", "lowest", "highest", "scale", "loc")
COLUMNS = 4 + len(_FLOATS)
_SQRT2 = np.float32(np.sqrt(2))
_ABOVE_MINUS_ONE = np.nextafter(np.float32(-1), np.float32(0))
_INFINITY = np.float32(np.inf)


# Everywhere below, a selection stands in for `lax.max` and `lax.min`: jax 0.12 takes
# four times as long to compile a kernel that has one of those.


def _apart(x: Array) -> Array:
    """`x`, with what makes it in one loop and what uses it in another."""
    return lax.optimization_barrier(x)


def _at_least(x: Array, bound: Array) -> Array:
    return lax.select(lax.lt(x, bound), bound, x)


def _uniform(bits: Array, minval: Array, span: Array) -> Array:
    one = np.float32(1).view(np.uint32)
    mantissa = lax.shift_right_logical(bits, np.uint32(9))
    unit = lax.bitcast_convert_type(lax.bitwise_or(mantissa, one), np.float32)
    unit = lax.sub(unit, np.float32(1))
    # jax takes the maximum of this and `minval`. Rounding is monotonic, so with a span
    # that is not negative (see `eligible`) nothing lies below.
    return lax.add(lax.mul(unit, span), minval)


def _normal(u: Array, lowest: Array, highest: Array) -> Array:
    z = _at_least(lax.mul(lax.full_like(u, _SQRT2), lax.erf_inv(u)), lowest)
    return lax.select(lax.gt(z, highest), highest, z)


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
    bits = random_bits((k0, k1), Counter(high, low), width)
    if base == "uniform":
        x = _uniform(bits, minval, span)
    else:
        # In one loop each step waits for the one before it, over more instructions than
        # a processor looks ahead; in two, neighbours overlap, which takes a third to a
        # half less time. Cut where the integers end: what is rounded stays together,
        # as `jax.random` has it.
        # As floats, so that what is made of them overwrites them in place.
        floats = lax.bitcast_convert_type(bits, np.float32)
        bits = lax.bitcast_convert_type(_apart(floats), np.uint32)
        x = _normal(_uniform(bits, minval, span), lowest, highest)
    x = affine(x, scale, loc)
    if base == "lognormal":
        x = lax.exp(_apart(x))  # `exp` has a maximum in it.
    return lax.convert_element_type(x, dtype)


@functools.cache
def _compiled_erf(device: Any) -> Callable[[Any], Array]:
    """As `jax.random.truncated_normal` has it, for bounds that agree to the last bit.

    Compiled ahead of time, so that it gives numbers while somebody traces. Evaluating
    while compiling (`ensure_compile_time_eval`) would do so too, and would compile
    programs of their own for the constants in it: 60 ms of a first call.
    """
    x = jax.ShapeDtypeStruct((2,), np.float32)
    with jax.default_device(device):
        jitted = jax.jit(lambda x: lax.erf(lax.div(x, lax.full_like(x, _SQRT2))))
        return jitted.lower(x).compile()


@functools.lru_cache(maxsize=256)
def _truncation(lower: float, upper: float, device: Any) -> tuple[np.float32, ...]:
    """`minval`, `span`, `lowest` and `highest` of a truncated normal.

    `device` is the one whose arithmetic it is: the default device at the time.
    """
    bounds = np.asarray((lower, upper), np.float32)
    with jax.disable_jit(False):  # which what is compiled ahead does not know of
        a, b = np.asarray(_compiled_erf(device)(bounds))
    lowest, highest = np.nextafter(bounds, (_INFINITY, -_INFINITY), dtype=np.float32)
    return a, b - a, lowest, highest


def prepare_truncation() -> None:
    """Compile what truncated normals need beside their kernel."""
    _compiled_erf(default_device())


def _bounds(request: FillRequest) -> tuple[np.float32, ...]:
    if request.base == "truncated_normal":
        lower, upper = map(float, _params(request))
        return _truncation(lower, upper, default_device())
    if request.base == "uniform":
        minval, maxval = map(np.float32, _params(request))
        return minval, maxval - minval, -_INFINITY, _INFINITY
    # The width of (-1, 1) open at -1 rounds to 2, in `jax.random.normal` too.
    return _ABOVE_MINUS_ONE, np.float32(2), -_INFINITY, _INFINITY


def float_columns(request: FillRequest) -> tuple[Any, ...]:
    """The float columns of a request's rows."""
    # -0.0 is what can be added to any float, -0.0 included, and change nothing.
    loc = request.loc if np.float32(request.loc) else -0.0
    return (*_bounds(request), request.scale, loc)
