"""A leaf's own draw, by `jax.random` and numpy: what every way to draw must equal."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eqinit._fill.request import FillRequest


def flat_draw(request: FillRequest) -> jax.Array:
    """The array of a request, drawn flat; from element 0 on, so for small offsets."""
    r = request
    stop = r.offset + r.size
    values = flat_numbers(r.key_data, stop, r.base, r.loc, r.scale, r.params)
    shaped = jnp.asarray(values[r.offset :]).reshape(r.shape)
    return shaped.astype(r.dtype)


def flat_numbers(
    key_data: Any,
    size: int,
    base: str,
    loc: float = 0.0,
    scale: float = 1.0,
    params: tuple[float, ...] = (),
) -> np.ndarray:
    """`loc + scale z` (its exponential, if log-normal) in float32, rounded twice."""
    key = jax.random.wrap_key_data(jnp.asarray(key_data), impl="threefry2x32")
    if base == "uniform":
        z = jax.random.uniform(key, (size,), jnp.float32, *(params or (-1.0, 1.0)))
    elif base == "truncated_normal":
        lower, upper = params or (-2.0, 2.0)
        z = jax.random.truncated_normal(key, lower, upper, (size,), jnp.float32)
    else:
        z = jax.random.normal(key, (size,), jnp.float32)
    values = np.asarray(z) * np.float32(scale)
    if np.float32(loc) != 0:  # a location of zero is not added: -0.0 stays
        values = values + np.float32(loc)
    # The exponential of full vectors: jax 0.10 has another one for fewer numbers.
    full = np.zeros(-(-size // 128) * 128, np.float32)
    full[:size] = values
    return np.asarray(jnp.exp(full))[:size] if base == "lognormal" else values
