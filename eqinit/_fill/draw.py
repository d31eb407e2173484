"""The definition of a draw, leaf by leaf: what bulk fill must equal to the last bit.

XLA may round the last bit of one and the same expression differently in loops of
another shape. Seen on CPU: `jax.random.normal(key, (100, 3))` differs in 2% of its
elements from the same draw of shape `(300,)` in jax 0.12, where inner loops of 3 to 5
are unrolled and other products go into their fused multiply-adds; `exp` does so for
fewer than 16 elements in 0.10. Which of the two a model gets would then hang on whether
its draw is jitted, and with what around it. So here a draw is made flat, behind a
barrier, and shaped afterwards.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


DEFAULT_PARAMS: dict[str, tuple[float, ...]] = {
    "normal": (),
    "truncated_normal": (-2.0, 2.0),
    "uniform": (-1.0, 1.0),
    "lognormal": (),
}
# Enough for any vector unit to have no scalar rest.
_FULL_VECTORS = 128


def affine(x: Array, scale: Array, loc: Array | None) -> Array:
    """`x * scale + loc` with both operations rounded, be it compiled or not.

    Left alone, a compiler fuses the two into one multiply-add, which rounds once, so
    that a jitted draw and an eager one would differ in the last bit. It may not look
    through a maximum.
    """
    scaled = lax.mul(x, scale)
    if loc is None:
        return scaled
    lowest = lax.full_like(scaled, np.finfo(scaled.dtype).min)
    return lax.add(lax.max(scaled, lowest), loc)


def _draw_base(key: Any, base: str, size: int, params: tuple[Any, ...]) -> Array:
    if base == "uniform":
        return jax.random.uniform(key, (size,), jnp.float32, *params)
    if base == "truncated_normal":
        lower, upper = params
        return jax.random.truncated_normal(key, lower, upper, (size,), jnp.float32)
    return jax.random.normal(key, (size,), jnp.float32)


def draw(
    key: Any,
    shape: tuple[int, ...],
    base: str,
    loc: Any = 0.0,
    scale: Any = 1.0,
    params: tuple[Any, ...] = (),
    dtype: Any = np.float32,
) -> Array:
    """One array, by `jax.random`; the same bits eagerly, under `jit` and in bulk.

    `key`, `loc`, `scale` and `params` may be traced. The arguments are those of
    `FillRequest`.
    """
    size = math.prod(shape)
    padded = size if base != "lognormal" else -(-size // _FULL_VECTORS) * _FULL_VECTORS
    z = _draw_base(key, base, padded, params or DEFAULT_PARAMS[base])
    # A scale that is a constant must not be folded into those of the base either.
    z, scale = lax.optimization_barrier((z, jnp.asarray(scale, jnp.float32)))
    if isinstance(loc, jax.Array) or np.float32(loc) != 0:
        loc = jnp.broadcast_to(jnp.asarray(loc, jnp.float32), z.shape)
    else:
        loc = None
    x = affine(z, jnp.broadcast_to(scale, z.shape), loc)
    if base == "lognormal":
        x = lax.optimization_barrier(lax.exp(x))[:size]
    return x.reshape(shape).astype(dtype)
