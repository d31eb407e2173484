"""What one pass could not hold, and what the next one carries in to hold it."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._taps.slots import BINS, BITS, LANES, SPELLED, In, Out, order_value


# The variance of x loses (mean / std)^2 of float32's 2^24; the second moment leaves
# float32's range at 2^64. Beyond these a second run about the mean is worth its price.
_MEAN_SQUARES = 16.0
_LARGE = 2.0**40


class Measured(eqx.Module):
    """What the last pass brought back, a row each in the order of the slots.

    - `carried`: what the slots carried in (`In`).
    - `sums`: what came back (`Out`), and the squared length of the sum over samples.
    - `extremes`: the largest and the smallest value, the largest gradient.
    """

    carried: Float[Array, "*batch rows in"]
    sums: Float[Array, "*batch rows sums"]
    extremes: Float[Array, "*batch rows 3"]


class Pass(eqx.Module):
    """One pass: its result, and what another one would carry in.

    - `enough`: 0 if nothing more is needed, 1 for another pass about the mean, 2 for
        those that spell the extremes of layers used repeatedly.
    """

    measured: Measured
    following: Float[Array, "rows in"]
    enough: Int[Array, ""]


def _ill(sums: Float[Array, "rows columns"]) -> Bool[Array, " rows"]:
    """Rows whose variance or scale float32 has not held in this pass."""
    count = jnp.maximum(sums[:, Out.COUNT], 1)
    square = sums[:, Out.SQUARE] / count
    mean = sums[:, Out.TOTAL] / count
    off_centre = mean * mean > _MEAN_SQUARES * (square - mean * mean)
    size = jnp.maximum(sums[:, Out.MAX], sums[:, Out.NEG_MIN])
    return off_centre | _extreme(size) | _extreme(sums[:, Out.GRAD_MAX])


def _extreme(size: Float[Array, " rows"]) -> Bool[Array, " rows"]:
    log2 = jnp.abs(jnp.log2(size))
    return jnp.isfinite(log2) & (log2 > np.log2(_LARGE))


def _log2_scale(size: Float[Array, " rows"]) -> Float[Array, " rows"]:
    log2 = -jnp.round(jnp.log2(size))
    return jnp.where(jnp.isfinite(log2), log2, 0.0)


def _recentred(sums: Float[Array, "rows columns"]) -> dict[In, Array]:
    """Shift and scale for the next pass, from a pass that had none."""
    shift = sums[:, Out.TOTAL] / jnp.maximum(sums[:, Out.COUNT], 1)
    shift = jnp.where(jnp.isfinite(shift), shift, 0.0)
    spread = jnp.maximum(sums[:, Out.MAX] - shift, sums[:, Out.NEG_MIN] + shift)
    return {
        In.SHIFT: shift,
        In.LOG2_SCALE: _log2_scale(spread),
        In.LOG2_GRAD_SCALE: _log2_scale(sums[:, Out.GRAD_MAX]),
    }


def _as_inputs(columns: dict[In, Array], like: Array) -> Array:
    """What slots carry in, lane by lane; lanes that are not said are zero."""
    zero = jnp.zeros_like(like[:, 0])
    return jnp.stack([columns.get(i, zero).astype(like.dtype) for i in In], axis=1)


def _measured(carried: Array, sums: Array, found: dict[Out, Array]) -> Measured:
    columns = [found[Out.MAX], -found[Out.NEG_MIN], found[Out.GRAD_MAX]]
    kept = jnp.concatenate([sums[:, :LANES], sums[:, -1:]], axis=1)
    return Measured(carried, kept, jnp.stack(columns, axis=1))


def plain(carried: Array, sums: Array) -> Pass:
    """A pass whose extremes hold for layers that are used once."""
    repeated = jnp.any(sums[:, Out.USES] > 1)
    enough = jnp.where(repeated, 2, jnp.any(_ill(sums)).astype(jnp.int32))
    measured = _measured(carried, sums, {lane: sums[:, lane] for lane in SPELLED})
    return Pass(measured, _as_inputs(_recentred(sums), carried), enough)


def spelled(carried: Array, sums: Array) -> Pass:
    """One of four passes that spell extremes, 8 bits each: they hold after the last."""
    following = _longer_prefixes(carried, sums)
    once = sums[:, Out.USES] <= 1
    found = {
        lane: jnp.where(
            once,
            sums[:, lane],
            order_value(_prefix(following, high)).astype(sums.dtype),
        )
        for lane, high in SPELLED.items()
    }
    enough = jnp.zeros((), jnp.int32)
    return Pass(_measured(carried, sums, found), following, enough)


def _longer_prefixes(inputs: Array, sums: Array) -> Array:
    """Prefixes with 8 more bits: those of the highest bin that is not empty."""
    for index, high in enumerate(SPELLED.values()):
        start = LANES + index * BINS
        bins = sums[:, start : start + BINS]
        digit = BINS - 1 - jnp.argmax(bins[:, ::-1] > 0, axis=1)
        prefix = (_prefix(inputs, high) << BITS) | digit.astype(jnp.uint32)
        halves = jnp.stack([prefix >> 16, prefix & jnp.uint32(0xFFFF)], axis=1)
        inputs = inputs.at[:, high : high + 2].set(halves.astype(inputs.dtype))
    return inputs.at[:, In.LEVEL].add(1)


def _prefix(inputs: Array, high: In) -> Array:
    words = inputs[:, high : high + 2].astype(jnp.uint32)
    return (words[:, 0] << 16) | words[:, 1]
