"""What a pass brought back, and what another one would have to carry in.

Nearly always one pass is enough. Where it is not, the next one is told (`In`):

- to count about the mean and in another unit, where float32 would hold no variance
  (values of 1000 +- 0.01: their squares differ in the last bit, if at all);
- to look for the next byte of the largest values, where a layer is used several times
  and the lanes hold a sum of largest values. That takes four passes.
"""

import enum

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._taps.extremes import BINS, longer, spelled_out
from .._taps.lanes import EXTREMES, LANES, In, Out, prefix_in, with_prefix


# The variance of x loses (mean / std)^2 of float32's 2^24; the second moment leaves
# float32's range at 2^64. Beyond these a second run about the mean is worth its price.
_MEAN_SQUARES = 16.0
_LARGE = 2.0**40


class Readings(eqx.Module):
    """What the last pass brought back, one row for each slot.

    - `carried`: what the slots carried in (`In`).
    - `sums`: what came back (`Out`), and the squared length of the sum over samples.
    - `extremes`: the largest and the smallest value, the largest gradient.
    """

    carried: Float[Array, "*batch rows in"]
    sums: Float[Array, "*batch rows sums"]
    extremes: Float[Array, "*batch rows 3"]


class Further(enum.IntEnum):
    """What is needed after a pass."""

    NOTHING = 0
    ABOUT_THE_MEAN = 1
    BYTEWISE = 2


class Pass(eqx.Module):
    """One pass: its readings, what another one would carry in, and which it takes."""

    readings: Readings
    following: Float[Array, "rows in"]
    further: Int[Array, ""]


def after_plain_pass(
    carried: Float[Array, "rows in"], sums: Float[Array, "rows columns"]
) -> Pass:
    """From a pass whose extremes hold for layers that are used once."""
    repeated = jnp.any(sums[:, Out.USES] > 1)
    about_the_mean = jnp.any(_is_lost(sums)).astype(jnp.int32)
    further = jnp.where(repeated, int(Further.BYTEWISE), about_the_mean)
    extremes = {lane: sums[:, lane] for lane in EXTREMES}
    following = _as_inputs(_centred(sums), carried)
    return Pass(_readings(carried, sums, extremes), following, further)


def after_bytewise_pass(
    carried: Float[Array, "rows in"], sums: Float[Array, "rows columns"]
) -> Pass:
    """From one of four passes that find a byte each: extremes hold after the last."""
    following = carried.at[:, In.LEVEL].add(1)
    for index, high in enumerate(EXTREMES.values()):
        start = LANES + index * BINS
        prefix = longer(prefix_in(carried, high), sums[:, start : start + BINS])
        following = with_prefix(following, high, prefix)
    level = following[:, In.LEVEL].astype(jnp.int32)
    once = sums[:, Out.USES] <= 1
    extremes: dict[Out, Array] = {}
    for lane, high in EXTREMES.items():
        value = spelled_out(prefix_in(following, high), level)
        extremes[lane] = jnp.where(once, sums[:, lane], value.astype(sums.dtype))
    nothing = jnp.full((), int(Further.NOTHING), jnp.int32)
    return Pass(_readings(carried, sums, extremes), following, nothing)


def _readings(carried: Array, sums: Array, extremes: dict[Out, Array]) -> Readings:
    columns = [extremes[Out.MAX], -extremes[Out.NEG_MIN], extremes[Out.GRAD_MAX]]
    # The lanes, and the last column; histograms are in between.
    kept = jnp.concatenate([sums[:, :LANES], sums[:, -1:]], axis=1)
    return Readings(carried, kept, jnp.stack(columns, axis=1))


def _is_lost(sums: Float[Array, "rows columns"]) -> Bool[Array, " rows"]:
    """Rows whose variance or scale float32 has not held in this pass."""
    count = jnp.maximum(sums[:, Out.COUNT], 1)
    square = sums[:, Out.SQUARE] / count
    mean = sums[:, Out.TOTAL] / count
    off_centre = mean * mean > _MEAN_SQUARES * (square - mean * mean)
    size = jnp.maximum(sums[:, Out.MAX], sums[:, Out.NEG_MIN])
    return off_centre | _is_extreme(size) | _is_extreme(sums[:, Out.GRAD_MAX])


def _is_extreme(size: Float[Array, " rows"]) -> Bool[Array, " rows"]:
    log2 = jnp.abs(jnp.log2(size))
    return jnp.isfinite(log2) & (log2 > np.log2(_LARGE))


def _centred(sums: Float[Array, "rows columns"]) -> dict[In, Array]:
    """Shift and scale for the next pass, from a pass that had none."""
    shift = sums[:, Out.TOTAL] / jnp.maximum(sums[:, Out.COUNT], 1)
    shift = jnp.where(jnp.isfinite(shift), shift, 0.0)
    spread = jnp.maximum(sums[:, Out.MAX] - shift, sums[:, Out.NEG_MIN] + shift)
    return {
        In.SHIFT: shift,
        In.LOG2_SCALE: _log2_scale(spread),
        In.LOG2_GRAD_SCALE: _log2_scale(sums[:, Out.GRAD_MAX]),
    }


def _log2_scale(size: Float[Array, " rows"]) -> Float[Array, " rows"]:
    log2 = -jnp.round(jnp.log2(size))
    return jnp.where(jnp.isfinite(log2), log2, 0.0)


def _as_inputs(columns: dict[In, Array], like: Array) -> Float[Array, "rows in"]:
    """What slots carry in; lanes that are not given are zero."""
    zero = jnp.zeros_like(like[:, 0])
    return jnp.stack([columns.get(i, zero).astype(like.dtype) for i in In], axis=1)
