"""What is to be drawn: one array of a bulk fill, and the keys that it can have."""

import dataclasses
import functools
import math
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


# All dtypes whose values are float32 values rounded once. Wider and complex ones need
# more bits than a float32 draw has.
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


# A `jax.Device`, which type checkers do not take for a type.
Device: TypeAlias = Any


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FillRequest:
    """One array: `cast(base(key) * scale + loc)`, of its exponential if log-normal.

    **Arguments:**

    - `key_data`: `uint32[2]`, the two words of a threefry key.
    - `shape`: of the array.
    - `base`: `"normal"`, `"truncated_normal"`, `"uniform"` or `"lognormal"`.
    - `loc`, `scale`: rounded to float32. A `loc` of 0 is not added, so that -0.0 stays.
    - `params`: `(lower, upper)` of a truncated normal, by default (-2, 2);
        `(minval, maxval)` of a uniform, by default (-1, 1).
    - `dtype`: what the float32 values are rounded to.
    - `offset`: the array holds elements `offset, offset + 1, ...` of a larger draw, in
        row-major order.
    """

    key_data: np.ndarray
    shape: tuple[int, ...]
    base: str
    loc: Any = 0.0
    scale: Any = 1.0
    params: tuple[Any, ...] = ()
    dtype: Any = np.float32
    offset: int = 0

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def with_key(self, key_data: np.ndarray) -> "FillRequest":
        # `dataclasses.replace` takes ten times as long, which shows over 10,000 leaves.
        return FillRequest(
            key_data,
            self.shape,
            self.base,
            self.loc,
            self.scale,
            self.params,
            self.dtype,
            self.offset,
        )


def _config(name: str) -> Any:
    return getattr(jax.config, name)  # Unlike `config.values`, heeds context managers.


def default_device() -> Device:
    """Where `jax.numpy` would put a new array."""
    device = _config("jax_default_device")
    if isinstance(device, str):
        return jax.local_devices(backend=device)[0]
    return device or jax.local_devices()[0]


def partitionable() -> bool:
    return bool(_config("jax_threefry_partitionable"))


def splits(key: Any) -> bool:
    """Whether an entry of a draw depends on its key and its position alone.

    It does for a threefry key in partitionable mode, traced or not. A raw key is taken
    for what `jax.random` would take it for, `jax_default_prng_impl`.
    """
    if not isinstance(key, jax.Array | np.ndarray) or not partitionable():
        return False
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key.shape == () and str(jax.random.key_impl(key)) == "threefry2x32"
    raw = key.shape == (2,) and key.dtype == np.uint32
    return raw and _config("jax_default_prng_impl") == "threefry2x32"


def key_eligible(key: Any) -> bool:
    """Whether draws from `key` can be cut into blocks, and it is at hand."""
    return not isinstance(key, Tracer) and splits(key)


@functools.lru_cache(maxsize=64)
def dtype_name(dtype: Any) -> str:
    """Numpy works a name out in Python each time, which shows over 10,000 leaves."""
    return np.dtype(dtype).name
