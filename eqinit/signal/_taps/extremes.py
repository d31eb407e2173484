"""The exact largest of many numbers, of which only sums come back.

Over the steps of a `scan`, and over several calls of one layer, what a slot returns is
added up, and a sum of largest values says nothing. So the largest is found byte by
byte, the highest first, in four passes. In each pass every use adds one to a histogram
of 256 bins: to the bin of its next byte, provided that the bytes before it are those of
the largest so far (the *prefix*, which the slot carries in).

For example, a layer that is used twice, with 5.0 and 3.0 for its largest values. As
whole numbers of the same order (`order_key`) these are `C0A00000` and `C0400000`.

    pass   prefix      bins that are not empty    prefix after it
    1      none        C0: 2                      C0
    2      C0          A0: 1, 40: 1               C0A0
    3      C0A0        00: 1                      C0A000
    4      C0A000      00: 1                      C0A00000, which is 5.0

The highest bin is the next byte. The use with 3.0 is no longer counted once the prefix
is not its own.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32


BINS = 256
BITS = 8
LEVELS = 4  # bytes of a float32


def order_key(x: Float[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Map float32 to whole numbers with the same order."""
    bits = jax.lax.bitcast_convert_type(x.astype(jnp.float32), jnp.uint32)
    return jnp.where(bits >> 31 == 1, ~bits, bits | jnp.uint32(1 << 31))


def order_value(key: UInt32[Array, "*n"]) -> Float[Array, "*n"]:
    """The float32 that has this key."""
    bits = jnp.where(key >> 31 == 1, key & jnp.uint32((1 << 31) - 1), ~key)
    return jax.lax.bitcast_convert_type(bits, jnp.float32)


def histogram(
    largest: Float[Array, "*n"], level: UInt32[Array, "*n"], prefix: UInt32[Array, "*n"]
) -> Bool[Array, "*n bins"]:
    """What one use adds: one in the bin of its next byte, if it has the prefix.

    **Arguments:**

    - `largest`: the largest value of this use.
    - `level`: how many bytes are known.
    - `prefix`: those bytes, as a whole number.
    """
    key = order_key(largest)
    # A shift by all 32 bits is undefined; at level 0 there is no prefix to compare.
    before = key >> jnp.minimum(32 - BITS * level, 31)
    matches = (level == 0) | (before == prefix)
    byte = (key >> (32 - BITS * (level + 1))) & jnp.uint32(BINS - 1)
    return jax.nn.one_hot(byte, BINS, dtype=bool) & matches[..., None]


def longer(
    prefix: UInt32[Array, " rows"], bins: Float[Array, "rows bins"]
) -> UInt32[Array, " rows"]:
    """The prefix with one byte more: the highest bin that is not empty."""
    byte = BINS - 1 - jnp.argmax(bins[:, ::-1] > 0, axis=1)
    return (prefix << BITS) | byte.astype(jnp.uint32)


def spelled_out(
    prefix: UInt32[Array, " rows"], level: Int[Array, " rows"]
) -> Float[Array, " rows"]:
    """The value of a prefix of four bytes; zero for one that is shorter.

    Fewer bytes are no float32, and may look like one that is not a number.
    """
    complete = jnp.where(level == LEVELS, prefix, order_key(jnp.zeros(())))
    return order_value(complete)
