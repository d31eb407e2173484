"""What a slot holds: on its way into a pass, and on its way back.

A slot is a vector; each of its numbers is a *lane*. On the way in the first ten lanes
tell the pass how to count (`In`), on the way back the first sixteen are what was
counted (`Out`). For a layer that returns (1, 2) and then (3, 4), with one unit in two
samples each, and has gradients of 1:

    lane     USES   COUNT   TOTAL   SQUARE   MAX         GRAD_TOTAL
    call 1   1      2       3       5        2           2
    call 2   1      2       7       25       4           2
    slot     2      4       10      30       6 (wrong)   4

Largest values do not add up: not under `vmap` (`batching`), and not over several uses
of a layer, as here (`extremes`).
"""

import enum

import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from .extremes import BINS


class In(enum.IntEnum):
    """What a slot carries into a pass; all zero for the first one."""

    SHIFT = 0
    LOG2_SCALE = 1  # a power of two, so that scaling never rounds
    LOG2_GRAD_SCALE = 2
    LEVEL = 3  # how many bytes of the extremes are known
    MAX_HIGH = 4  # those bytes, 16 bits per lane, which float32 holds exactly: of the
    MAX_LOW = 5  # largest value, of the largest of minus the value, and of the largest
    MIN_HIGH = 6  # gradient
    MIN_LOW = 7
    GRAD_HIGH = 8
    GRAD_LOW = 9


class Out(enum.IntEnum):
    """What comes back in its place, added up over all uses."""

    USES = 0
    COUNT = 1
    SAMPLES = 2
    TOTAL = 3  # of the shifted and scaled value, as the next three
    TOTAL_IMAG = 4
    SQUARE = 5
    ROW_SQUARE = 6  # of each sample's sum over its units
    ZEROS = 7
    NONFINITE = 8
    GRAD_TOTAL = 9
    GRAD_TOTAL_IMAG = 10
    GRAD_SQUARE = 11
    GRAD_ZEROS = 12
    MAX = 13  # of the value itself: the largest, or for complex values the modulus
    NEG_MIN = 14
    GRAD_MAX = 15


LANES = len(Out)
# The lanes that are no sums, and where what is known of them comes in.
EXTREMES = {
    Out.MAX: In.MAX_HIGH,
    Out.NEG_MIN: In.MIN_HIGH,
    Out.GRAD_MAX: In.GRAD_HIGH,
}


def width(units: int, *, bytewise: bool) -> int:
    """How many numbers a slot holds: lanes, histograms if asked for, a sum per unit."""
    return LANES + (len(EXTREMES) * BINS if bytewise else 0) + units


def prefix_in(slot: Float[Array, "*n lanes"], high: In) -> UInt32[Array, "*n"]:
    """The known bytes of one extreme, from the two lanes that hold them."""
    return (slot[..., high].astype(jnp.uint32) << 16) | slot[..., high + 1].astype(
        jnp.uint32
    )


def with_prefix(
    slot: Float[Array, "*n lanes"], high: In, prefix: UInt32[Array, "*n"]
) -> Float[Array, "*n lanes"]:
    """The slot with these known bytes: the upper 16 bits and the lower ones."""
    halves = jnp.stack([prefix >> 16, prefix & jnp.uint32(0xFFFF)], axis=-1)
    return slot.at[..., high : high + 2].set(halves.astype(slot.dtype))
