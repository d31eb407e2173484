"""The slot: an identity in the forward pass that brings sums back in the backward one.

`tap(x, slot)` is `x`. Its backward rule hands the cotangent of `x` on unchanged and
returns, as the "gradient" of the slot, what one wants to know about `x` and about that
cotangent. Cotangents add up over batches, steps and calls, so `jax.grad` with respect
to the slots reads a whole model, with no callback and no state.

Two things are not plain sums.

**Mapped axes.** Under `vmap` a largest value does not add up. The collecting function
reduces over mapped axes itself (`through_vmap`), so that any number of `vmap`s count as
one use. Only where the slot is mapped as well (an ensemble, stacked layers) each member
keeps sums of its own.

**Repeated use.** Over the steps of a `scan` with shared weights, and over several calls
of one layer, cotangents are added and nothing can be done about it. A sum of largest
values is the largest for one use alone. For more, a second kind of pass *spells* it:
each use adds one to a histogram of 256 bins, of which the highest that is not empty
holds the first 8 bits of the largest value. The slot's own value carries a prefix
*into* the pass, so four runs of the same compiled pass find all 32 bits.

The slot's value also carries a shift and a scale in, for the same reason: variances
of values near 1e-30, or with a mean of a thousand standard deviations, are lost in
float32, and are taken again about the mean that the first run has found.
"""

import enum
import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact, UInt32

from .mapped import through_vmap


BINS = 256
BITS = 8
LEVELS = 4  # of 8 bits: a float32


class In(enum.IntEnum):
    """What a slot carries into a pass; all zero for the first one."""

    SHIFT = 0
    LOG2_SCALE = 1  # a power of two, so that scaling never rounds
    LOG2_GRAD_SCALE = 2
    LEVEL = 3
    MAX_HIGH = 4  # 16 bits each of the prefix of a maximum (of the value, of minus the
    MAX_LOW = 5  # value, of its gradient): whole numbers that float32 holds exactly
    MIN_HIGH = 6
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
# What can be spelled, and where its prefix comes in.
SPELLED = {
    Out.MAX: In.MAX_HIGH,
    Out.NEG_MIN: In.MIN_HIGH,
    Out.GRAD_MAX: In.GRAD_HIGH,
}


def width(units: int, *, spell: bool) -> int:
    """How many numbers a slot holds: lanes, bins where asked for, a sum per unit."""
    return LANES + (len(SPELLED) * BINS if spell else 0) + units


def order_key(x: Float[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Map float32 to whole numbers with the same order."""
    bits = jax.lax.bitcast_convert_type(x.astype(jnp.float32), jnp.uint32)
    return jnp.where(bits >> 31 == 1, ~bits, bits | jnp.uint32(1 << 31))


def order_value(key: UInt32[Array, "*n"]) -> Float[Array, "*n"]:
    """The float32 that has this key."""
    bits = jnp.where(key >> 31 == 1, key & jnp.uint32((1 << 31) - 1), ~key)
    return jax.lax.bitcast_convert_type(bits, jnp.float32)


def _bins(
    extreme: Float[Array, "*lead"], slot: Float[Array, "*lead lanes"], high: In
) -> Float[Array, "*lead bins"]:
    """One in the bin of the next 8 bits, if those before them are the prefix."""
    key = order_key(extreme)
    level = slot[..., In.LEVEL].astype(jnp.uint32)
    prefix = slot[..., high].astype(jnp.uint32) << 16
    prefix = prefix | slot[..., high + 1].astype(jnp.uint32)
    # A shift by all 32 bits is undefined; at level 0 there is no prefix to compare.
    before = key >> jnp.minimum(32 - BITS * level, 31)
    matches = (level == 0) | (before == prefix)
    digit = (key >> (32 - BITS * (level + 1))) & jnp.uint32(BINS - 1)
    hot = jax.nn.one_hot(digit, BINS, dtype=slot.dtype)
    return hot * jnp.expand_dims(matches, -1).astype(slot.dtype)


def _spread(lane: Float[Array, "*lead"], like: Array) -> Array:
    """Give a number per member the axes (and dtype) of the values it belongs to."""
    shape = lane.shape + (1,) * (like.ndim - lane.ndim)
    return jnp.reshape(lane, shape).astype(like.dtype)


def _squared(x: Inexact[Array, "..."]) -> Float[Array, "..."]:
    return jnp.square(x.real) + jnp.square(x.imag) if jnp.iscomplexobj(x) else x * x


def _imag(x: Inexact[Array, "..."]) -> Float[Array, "..."]:
    return x.imag if jnp.iscomplexobj(x) else jnp.zeros_like(x)


def _reduce(
    sums: Sequence[Array], maxima: Sequence[Array], axis: int
) -> tuple[list[Array], list[Array]]:
    """Sum some arrays and maximise others along one axis, in one sweep over memory.

    One reduction of many operands compiles and runs several times faster on a CPU than
    as many reductions of one.
    """
    n = len(sums)
    operands = (*sums, *maxima)
    start = [0.0] * n + [-math.inf] * len(maxima)
    inits = tuple(jnp.asarray(s, a.dtype) for s, a in zip(start, operands, strict=True))

    def combine(a: Sequence[Array], b: Sequence[Array]) -> tuple[Array, ...]:
        added = [p + q for p, q in zip(a[:n], b[:n], strict=True)]
        larger = [jnp.maximum(p, q) for p, q in zip(a[n:], b[n:], strict=True)]
        return (*added, *larger)

    out: Any = jax.lax.reduce(operands, inits, combine, (axis,))
    return list(out[:n]), list(out[n:])


def _lanes(
    x: Inexact[Array, "..."], y: Inexact[Array, "..."], g: Inexact[Array, "..."], s: Any
) -> dict[Out, Array]:
    """All sums and maxima over the last two axes (samples, units).

    `y` and `s` are `x` and its gradient `g`, shifted and scaled.
    """
    real = jnp.zeros((), x.dtype).real.dtype
    sums = {
        Out.TOTAL: y.real,
        Out.TOTAL_IMAG: _imag(y),
        Out.SQUARE: _squared(y),
        Out.ZEROS: (x == 0).astype(real),
        Out.NONFINITE: (~jnp.isfinite(x)).astype(real),
        Out.GRAD_TOTAL: s.real,
        Out.GRAD_TOTAL_IMAG: _imag(s),
        Out.GRAD_SQUARE: _squared(s),
        Out.GRAD_ZEROS: (g == 0).astype(real),
    }
    size = jnp.abs(x) if jnp.iscomplexobj(x) else x
    maxima = {Out.MAX: size, Out.NEG_MIN: -size, Out.GRAD_MAX: jnp.abs(g)}
    # Units first, samples second: sums of sums round less than one long sum.
    rows, tops = _reduce(list(sums.values()), list(maxima.values()), x.ndim - 1)
    rows.append(rows[0] * rows[0] + rows[1] * rows[1])
    totals, tops = _reduce(rows, tops, x.ndim - 2)
    names = [*sums, Out.ROW_SQUARE, *maxima]
    return dict(zip(names, totals + tops, strict=True))


def _collect(
    spell: bool,
    lead: int,
    slot: Float[Array, "*lead lanes"],
    x: Inexact[Array, "..."],
    g: Inexact[Array, "..."],
) -> Float[Array, "*lead lanes"]:
    """Everything about one use of a layer, per member of the `lead` leading axes.

    `x` and `g` are of shape `(*lead, *samples, units)`.
    """
    # Kept apart from what surrounds it: fused into the backward pass, the reductions
    # take XLA twice as long to compile (and recompute what they are fused with).
    slot, x, g = jax.lax.optimization_barrier((slot, x, g))
    flat = (*x.shape[:lead], math.prod(x.shape[lead:-1]), x.shape[-1])
    x, g = x.reshape(flat), g.reshape(flat)
    y = (x - _spread(slot[..., In.SHIFT], x)) * _exp2(slot[..., In.LOG2_SCALE], x)
    s = g * _exp2(slot[..., In.LOG2_GRAD_SCALE], g)
    lanes = _lanes(x, y, g, s)
    shapes = {Out.USES: 1, Out.COUNT: flat[-2] * flat[-1], Out.SAMPLES: flat[-2]}
    lanes |= {lane: jnp.full(slot.shape[:-1], n) for lane, n in shapes.items()}
    parts = [jnp.stack([lanes[i].astype(slot.dtype) for i in Out], axis=-1)]
    if spell:
        parts += [_bins(lanes[lane], slot, high) for lane, high in SPELLED.items()]
    if slot.shape[-1] > width(0, spell=spell):
        parts.append(jnp.sum(y, lead))
    return jnp.concatenate(parts, axis=-1)


def _exp2(lane: Array, like: Array) -> Array:
    return _spread(jnp.exp2(lane), like)


# Traced once for each shape, not once for each layer and level of `vmap`.
_traced_once = jax.jit(_collect, static_argnums=(0, 1))
_COLLECT = {
    spell: through_vmap(functools.partial(_traced_once, spell))
    for spell in (False, True)
}


def units_last(x: Array, axis: int) -> Array:
    """Move the axis that counts units to the end; a scalar has one unit."""
    return jnp.moveaxis(jnp.reshape(x, x.shape or (1,)), axis, -1)


def wide(x: Array, dtype: Any) -> Array:
    """In the slot's precision, the widest there is: half precision sums lose counts."""
    if jnp.iscomplexobj(x):
        return x.astype(jnp.complex128 if dtype == jnp.float64 else jnp.complex64)
    return x.astype(dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def tap(
    x: Inexact[Array, "..."], slot: Float[Array, " lanes"], axis: int, spell: bool
) -> Inexact[Array, "..."]:
    """Return `x`; the gradient with respect to `slot` is what `Out` lists.

    **Arguments:**

    - `x`: an output of a layer.
    - `slot`: what `In` lists, and zeros behind it; as long as `width` says.
    - `axis`: the axis of `x` that counts units.
    - `spell`: whether to add the histograms.
    """
    del slot, axis, spell
    return x


def _forward(
    x: Array, slot: Array, axis: int, spell: bool
) -> tuple[Array, tuple[Array, Array]]:
    del axis, spell
    return x, (x, slot)


def _backward(
    axis: int, spell: bool, kept: tuple[Array, Array], g: Array
) -> tuple[Array, Array]:
    x, slot = kept
    seen = [units_last(wide(a, slot.dtype), axis) for a in (x, g)]
    return g, _COLLECT[spell](slot, *seen)


tap.defvjp(_forward, _backward)
