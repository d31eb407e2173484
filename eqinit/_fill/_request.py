"""What is to be drawn, whether it can be drawn in bulk, and the draw that bulk must equal."""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


# Every dtype whose values are float32 values rounded once. Wider and complex ones need more bits.
DTYPES = frozenset(
    {
        "float32",
        "float16",
        "bfloat16",
        "float8_e3m4",
        "float8_e4m3",
        "float8_e4m3b11fnuz",
        "float8_e4m3fn",
        "float8_e4m3fnuz",
        "float8_e5m2",
        "float8_e5m2fnuz",
    }
)

_DEFAULT_PARAMS = {
    "normal": (),
    "truncated_normal": (-2.0, 2.0),
    "uniform": (-1.0, 1.0),
    "lognormal": (),
}
BASES = frozenset(_DEFAULT_PARAMS)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FillRequest:
    """One array to draw: `cast(base(key) * scale + loc)`, and its exponential if log-normal.

    **Arguments:**

    - `key_data`: `uint32[2]`, the two words of a threefry key.
    - `shape`: of the array.
    - `base`: `"normal"`, `"truncated_normal"`, `"uniform"` or `"lognormal"`.
    - `loc`, `scale`: rounded to float32. A `loc` of exactly 0 is not added, so that -0.0 stays.
    - `params`: `(lower, upper)` of a truncated normal, `(minval, maxval)` of a uniform.
    - `dtype`: what the float32 values are rounded to.
    - `offset`: the array holds elements `offset, offset + 1, ...` of the (larger) draw, in row-major order.
    """

    key_data: np.ndarray
    shape: tuple[int, ...]
    base: str
    loc: float = 0.0
    scale: float = 1.0
    params: tuple[float, ...] = ()
    dtype: Any = np.float32
    offset: int = 0

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def base_params(self) -> tuple[float, ...]:
        return self.params or _DEFAULT_PARAMS[self.base]


def key_eligible(key: Any) -> bool:
    """Whether draws from `key` can be cut into blocks: a concrete threefry key, in partitionable mode.

    Raw keys are taken for what `jax.random` would take them for, `jax_default_prng_impl`.
    """
    if not isinstance(key, jax.Array | np.ndarray) or isinstance(key, jax.core.Tracer):
        return False
    if not jax.config.jax_threefry_partitionable:
        return False
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key.shape == () and str(jax.random.key_impl(key)) == "threefry2x32"
    raw = key.shape == (2,) and key.dtype == np.uint32
    return raw and jax.config.jax_default_prng_impl == "threefry2x32"


def eligible(request: FillRequest) -> bool:
    """Whether `fill` can serve this request. The key is taken to be one that `key_eligible` accepts."""
    return (
        request.base in BASES
        and np.dtype(request.dtype).name in DTYPES
        and request.offset + request.size <= 2**64
        and jax.config.jax_threefry_partitionable
    )


def affine(x: Array, scale: Array, loc: Array | None) -> Array:
    """`x * scale + loc` with both operations rounded, be it compiled or not.

    Left alone, a compiler fuses the two into one fused multiply-add, which rounds once, so that a
    jitted draw and an eager one would differ in the last bit. It may not look through a maximum.
    """
    scaled = lax.mul(x, scale)
    if loc is None:
        return scaled
    lowest = lax.full_like(scaled, np.finfo(np.float32).min)
    return lax.add(lax.max(scaled, lowest), loc)


def _draw_base(request: FillRequest, shape: tuple[int, ...]) -> Array:
    key = jax.random.wrap_key_data(jnp.asarray(request.key_data), impl="threefry2x32")
    if request.base == "uniform":
        low, high = request.base_params
        return jax.random.uniform(key, shape, jnp.float32, low, high)
    if request.base == "truncated_normal":
        lower, upper = request.base_params
        return jax.random.truncated_normal(key, lower, upper, shape, jnp.float32)
    return jax.random.normal(key, shape, jnp.float32)


def reference(request: FillRequest) -> Array:
    """The per-leaf draw, by `jax.random`, that `fill` reproduces bit for bit.

    It draws from element 0 on, so it is for small offsets only.
    """
    stop = request.offset + request.size
    shape = request.shape if request.offset == 0 else (stop,)
    like = functools.partial(jnp.full, shape, dtype=jnp.float32)
    loc = like(request.loc) if np.float32(request.loc) != 0 else None
    x = affine(_draw_base(request, shape), like(request.scale), loc)
    if request.base == "lognormal":
        x = lax.exp(x)
    if request.offset:
        x = x[request.offset :].reshape(request.shape)
    return x.astype(request.dtype)
