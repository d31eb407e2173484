"""What is counted of one use of a layer, in one sweep over its values and gradients."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from .batching import through_vmap
from .extremes import histogram
from .lanes import EXTREMES, In, Out, prefix_in, width


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
    bytewise: bool,
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
    if bytewise:
        parts += [_bins(lanes[lane], slot, high) for lane, high in EXTREMES.items()]
    if slot.shape[-1] > width(0, bytewise=bytewise):
        parts.append(jnp.sum(y, lead))
    return jnp.concatenate(parts, axis=-1)


def _exp2(lane: Array, like: Array) -> Array:
    return _spread(jnp.exp2(lane), like)


def _bins(
    largest: Float[Array, "*lead"], slot: Float[Array, "*lead lanes"], high: In
) -> Float[Array, "*lead bins"]:
    """The histogram of one use: one in one bin, or nothing."""
    level = slot[..., In.LEVEL].astype(jnp.uint32)
    return histogram(largest, level, prefix_in(slot, high)).astype(slot.dtype)


# Traced once for each shape, not once for each layer and level of `vmap`.
_traced_once = jax.jit(_collect, static_argnums=(0, 1))
COLLECT = {
    bytewise: through_vmap(functools.partial(_traced_once, bytewise))
    for bytewise in (False, True)
}
