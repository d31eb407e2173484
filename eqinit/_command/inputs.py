"""What a model is called with, written as its shape: `f32[8,32]`, `i32[8,16]<100`."""

import re

import jax
import jax.numpy as jnp

from .._typing import Array, Key


_INPUT = re.compile(
    r"(?P<dtype>f32|f64|bf16|f16|i32)?\[?(?P<shape>\d+(?:,\d+)*)\]?(?:<(?P<below>\d+))?"
)
_DTYPES = {
    "f32": jnp.float32,
    "f64": jnp.float64,
    "bf16": jnp.bfloat16,
    "f16": jnp.float16,
}


def input_of(text: str, key: Key) -> Array:
    """Standard normal numbers, or whole ones from 0 on.

    **Raises:** `ValueError` for what is no shape.
    """
    match = _INPUT.fullmatch(text.replace(" ", ""))
    whole = bool(match) and match["dtype"] == "i32"
    if match is None or whole != (match["below"] is not None):
        raise ValueError(
            f"`{text}` is no input: write the shape of a batch, such as `8,32` or "
            "`bf16[8,32]`, and for tokens how many there are, such as `i32[8,16]<100`."
        )
    shape = tuple(map(int, match["shape"].split(",")))
    if whole:
        return jax.random.randint(key, shape, 0, int(match["below"]))
    return jax.random.normal(key, shape, _DTYPES[match["dtype"] or "f32"])
