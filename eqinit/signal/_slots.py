"""The slot: an identity in the forward pass that brings sums back in the backward one.

`tap(x, slot)` is `x`. Its backward rule hands the cotangent of `x` on unchanged and
returns, as the "gradient" of the slot, what one wants to know about `x` and about that
cotangent. Cotangents add up over batches, steps and calls, so `jax.grad` with respect
to the slots reads a whole model, with no callback and no state.

Two things are not plain sums.

**Mapped axes.** Under `vmap` a largest value does not add up. The collecting function
is a `custom_vmap`: its rule sees the whole mapped array and reduces over the mapped
axis itself, so that any number of `vmap`s count as one use. Only where the slot is
mapped as well (an ensemble, stacked layers) each member keeps sums of its own.

**Repeated use.** Over the steps of a `scan` with shared weights, and over several calls
of one layer, cotangents are added and nothing can be done about it. A sum of largest
values is exact for one use; for more, each use adds one to a histogram of 256 bins, of
which the highest that is not empty holds the first 8 bits of the largest. The slot's
own value carries a prefix *into* the pass, so three further runs of the same compiled
pass find the other 24 bits: exact, and paid for only by layers used more than once.

The slot's value also carries a shift and a scale in, for the same reason: variances
of values near 1e-30, or with a mean of a thousand standard deviations, are lost in
float32, and are taken again about the mean that the first run has found.
"""

import enum
import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, Inexact, UInt32

from ._trace import Output


BINS = 256
BITS = 8
LEVELS = 4  # of 8 bits: a float32


class In(enum.IntEnum):
    """What a slot carries into a pass; all zero for the first one."""

    SHIFT = 0
    LOG2_SCALE = 1  # a power of two, so that scaling never rounds
    LOG2_GRAD_SCALE = 2
    LEVEL = 3
    MAX_HIGH = 4  # 16 bits each of the prefix of the largest value and of minus the
    MAX_LOW = 5  # smallest: whole numbers that float32 holds exactly
    MIN_HIGH = 6
    MIN_LOW = 7


class Out(enum.IntEnum):
    """What comes back in its place, added up over all uses."""

    USES = 0
    COUNT = 1
    TOTAL = 2  # of the shifted and scaled value, as the next two
    TOTAL_IMAG = 3
    SQUARE = 4
    ROW_SQUARE = 5  # of each sample's sum over its units
    ZEROS = 6
    NONFINITE = 7
    MAX = 8  # of the value itself: the largest, or for complex values the modulus
    NEG_MIN = 9
    GRAD_TOTAL = 10
    GRAD_TOTAL_IMAG = 11
    GRAD_SQUARE = 12
    GRAD_ZEROS = 13
    GRAD_MAX = 14
    SAMPLES = 15
    MAX_BINS = 16  # 256 of them, and as many again for minus the smallest


LANES = Out.MAX_BINS + 2 * BINS


def width(output: Output) -> int:
    """How many numbers the slot of one output holds: lanes, then a sum per unit."""
    return LANES + (0 if output.complex else output.units)


def order_key(x: Float[Array, "*n"]) -> UInt32[Array, "*n"]:
    """Map float32 to whole numbers with the same order."""
    bits = jax.lax.bitcast_convert_type(x.astype(jnp.float32), jnp.uint32)
    sign = bits >> 31
    return jnp.where(sign == 1, ~bits, bits | jnp.uint32(1 << 31))


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


def _value_lanes(
    x: Inexact[Array, "..."], y: Inexact[Array, "..."], axes: tuple[int, ...]
) -> dict[Out, Array]:
    size = jnp.abs(x) if jnp.iscomplexobj(x) else x
    return {
        Out.TOTAL: jnp.sum(y.real, axes),
        Out.TOTAL_IMAG: jnp.sum(y.imag, axes),
        Out.SQUARE: jnp.sum(_squared(y), axes),
        Out.ROW_SQUARE: jnp.sum(_squared(jnp.sum(y, -1)), axes[:-1]),
        Out.ZEROS: jnp.sum(x == 0, axes),
        Out.NONFINITE: jnp.sum(~jnp.isfinite(x), axes),
        Out.MAX: jnp.max(size, axes),
        Out.NEG_MIN: jnp.max(-size, axes),
    }


def _grad_lanes(
    g: Inexact[Array, "..."], scaled: Inexact[Array, "..."], axes: tuple[int, ...]
) -> dict[Out, Array]:
    return {
        Out.GRAD_TOTAL: jnp.sum(scaled.real, axes),
        Out.GRAD_TOTAL_IMAG: jnp.sum(scaled.imag, axes),
        Out.GRAD_SQUARE: jnp.sum(_squared(scaled), axes),
        Out.GRAD_ZEROS: jnp.sum(g == 0, axes),
        Out.GRAD_MAX: jnp.max(jnp.abs(g), axes),
    }


def _fixed_lanes(x: Array, members: tuple[int, ...]) -> dict[Out, Array]:
    """What shapes alone decide."""
    count = x.size // max(math.prod(members), 1)
    numbers = {Out.USES: 1, Out.COUNT: count, Out.SAMPLES: count // x.shape[-1]}
    return {lane: jnp.full(members, number) for lane, number in numbers.items()}


def _collect(
    lead: int,
    slot: Float[Array, "*lead lanes"],
    x: Inexact[Array, "*lead *samples units"],
    g: Inexact[Array, "*lead *samples units"],
) -> Float[Array, "*lead lanes"]:
    """Everything about one use of a layer, per member of the `lead` leading axes."""
    axes = tuple(range(lead, x.ndim))
    scale = jnp.exp2(slot[..., In.LOG2_SCALE])
    grad_scale = jnp.exp2(slot[..., In.LOG2_GRAD_SCALE])
    y = (x - _spread(slot[..., In.SHIFT], x)) * _spread(scale, x)
    lanes = (
        _fixed_lanes(x, slot.shape[:-1])
        | _value_lanes(x, y, axes)
        | _grad_lanes(g, g * _spread(grad_scale, g), axes)
    )
    head = [lanes[Out(i)].astype(slot.dtype) for i in range(Out.MAX_BINS)]
    parts = [
        jnp.stack(head, axis=-1),
        _bins(lanes[Out.MAX], slot, In.MAX_HIGH),
        _bins(lanes[Out.NEG_MIN], slot, In.MIN_HIGH),
    ]
    if slot.shape[-1] > LANES:
        parts.append(jnp.sum(y, axes[:-1]))
    return jnp.concatenate(parts, axis=-1)


@functools.cache
def _collector(lead: int) -> Callable[[Array, Array, Array], Array]:
    """`_collect` for values whose first `lead` axes are members, not samples."""
    collect: Any = custom_vmap(functools.partial(_collect, lead))

    @collect.def_vmap
    def rule(
        size: int, mapped: list[bool], slot: Array, x: Array, g: Array
    ) -> tuple[Array, bool]:
        x, g = (
            a if is_mapped else jnp.broadcast_to(a, (size, *a.shape))
            for a, is_mapped in ((x, mapped[1]), (g, mapped[2]))
        )
        if mapped[0]:
            return _collector(lead + 1)(slot, x, g), True
        # The mapped axis becomes one more axis of samples, behind the members.
        x, g = jnp.moveaxis(x, 0, lead), jnp.moveaxis(g, 0, lead)
        return collect(slot, x, g), False

    return collect


def _units_last(x: Array, axis: int) -> Array:
    return jnp.moveaxis(jnp.reshape(x, x.shape or (1,)), axis, -1)


def _wide(x: Array, dtype: Any) -> Array:
    """In the slot's precision, the widest there is: half precision sums lose counts."""
    if jnp.iscomplexobj(x):
        return x.astype(jnp.complex128 if dtype == jnp.float64 else jnp.complex64)
    return x.astype(dtype)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def tap(
    x: Inexact[Array, "..."], slot: Float[Array, " lanes"], axis: int
) -> Inexact[Array, "..."]:
    """Return `x`; the gradient with respect to `slot` is what `Out` lists.

    **Arguments:**

    - `x`: an output of a layer.
    - `slot`: what [`eqinit.signal._slots.In`][] lists, zeros behind it.
    - `axis`: the axis of `x` that counts units.
    """
    del slot, axis
    return x


def _forward(x: Array, slot: Array, axis: int) -> tuple[Array, tuple[Array, Array]]:
    del axis
    return x, (x, slot)


def _backward(axis: int, kept: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    x, slot = kept
    wide = [_units_last(_wide(a, slot.dtype), axis) for a in (x, g)]
    return g, _collector(0)(slot, wide[0], wide[1])


tap.defvjp(_forward, _backward)
