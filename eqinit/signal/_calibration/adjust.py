"""The tap that calibrates: a layer measures itself and goes on as it should be.

In one traced pass every layer is measured on what the *corrected* layers before it
return. Since a layer's output is `u + b` with `u` linear in its kernels, scaling the
kernels scales `u`: the corrected output is had from the output, with no second call.

The corrections leave the trace as probes do, as the "gradient" of a slot.
"""

import enum
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
from jaxtyping import Array, Bool, Float, Inexact

from ..._layouts.parametrizations import effective, parametrize_of
from .._taps.batching import through_vmap
from .._taps.dry_run import is_signal, is_state
from .._taps.layers import axis_within
from .._taps.slots import units_last, wide
from .._taps.tap import AbstractTap, Run
from .methods import AbstractMethod, Change, Measurement


class Row(enum.IntEnum):
    """What comes back for one layer, one number for each unit."""

    USES = 0
    SCALE = 1
    BIAS = 2
    MEAN = 3
    VAR = 4
    MISS = 5
    REACHED = 6


def _unit_moments(
    lead: int, marker: Float[Array, "*lead lanes"], x: Inexact[Array, "..."]
) -> tuple[Array, Array, Array]:
    """Mean, variance and largest size of each unit over samples.

    From `(*lead, *samples, units)` to `(*lead, units)` each.
    """
    del marker
    axes = tuple(range(lead, x.ndim - 1))
    mean = jnp.mean(x, axes, keepdims=True)
    # Once more: the mean of a million equal numbers is off by a thousand roundings, of
    # which the mean of what is left keeps one.
    mean = mean + jnp.mean(x - mean, axes, keepdims=True)
    off = x - mean
    # Squares of values near 1e-30 are zero in float32: scale by the largest first.
    size = jnp.max(jnp.abs(off), axes, keepdims=True)
    size = jnp.where((size > 0) & jnp.isfinite(size), size, 1)
    var = jnp.mean(jnp.square(off / size), axes) * jnp.square(jnp.squeeze(size, axes))
    return jnp.squeeze(mean, axes), var, jnp.max(jnp.abs(x), axes)


_unit_moments_of_all = through_vmap(_unit_moments)


@jax.custom_vjp
def _export(x: Array, slot: Array, rows: Array) -> Array:
    """Return `x`; the gradient with respect to `slot` is `rows`."""
    del slot, rows
    return x


def _forward(x: Array, slot: Array, rows: Array) -> tuple[Array, Array]:
    del slot
    return x, rows


def _backward(rows: Array, g: Array) -> tuple[Array, Array, Array]:
    return g, rows, jnp.zeros_like(rows)


_export.defvjp(_forward, _backward)


class Ruler:
    """A method, static in the tree; equal only to itself."""

    def __init__(self, method: AbstractMethod):
        self.method = method


class Adjust(AbstractTap):
    """Measure a layer's output and hand on the corrected one."""

    slot: Float[Array, "*stack rows units"]
    ruler: Ruler = eqx.field(static=True)
    bias: str | None = eqx.field(static=True)
    axis: int = eqx.field(static=True)

    def __call__(
        self,
        layer: eqx.Module,
        run: Run,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        def through(leaf: Any) -> Any:
            return self._through(layer, leaf) if is_signal(leaf) else leaf

        # One array of floats, as in the dry run; with named axes it is a leaf.
        out = run(layer, *args, **kwargs)
        return jtu.tree_map(through, out, is_leaf=is_state)

    def _through(self, layer: eqx.Module, out: Array) -> Array:
        axis = axis_within(self.axis, out.ndim)
        x = units_last(wide(out, self.slot.dtype), axis)
        y = self._corrected(layer, x, float(jnp.finfo(out.dtype).eps))
        return jnp.moveaxis(y, -1, axis).reshape(out.shape).astype(out.dtype)

    def _corrected(
        self, layer: eqx.Module, x: Float[Array, "*samples units"], eps: float
    ) -> Float[Array, "*samples units"]:
        method = self.ruler.method
        slot, fixed = jax.lax.stop_gradient((self.slot, x))
        mean, var, size = _unit_moments_of_all(slot[0], fixed)
        bias = unit_bias(layer, self.bias, x.shape[-1], x.dtype)
        noise = jnp.square(_roundings(eps) * size)
        var = jnp.where(var <= noise, 0, var)
        reached = _is_reached(mean - bias, var, noise) | (not method.scales)
        change = method.change(Measurement(mean - bias, var, bias))
        scale, new = _where(reached, change, Change(jnp.ones_like(mean), bias))
        miss = jnp.full_like(mean, method.miss(mean, var))
        uses, reached = jnp.ones_like(mean), jnp.full_like(mean, reached)
        rows = jnp.stack([uses, scale, new, mean, var, miss, reached])
        rows = jax.lax.stop_gradient(rows)
        shape = (1,) * (x.ndim - 1) + (x.shape[-1],)
        by_unit = (rows[Row.SCALE], bias, rows[Row.BIAS])
        scale, old, new = (a.reshape(shape) for a in by_unit)
        return _export(scale * (x - old) + new, self.slot, rows)


def _roundings(eps: float) -> float:
    """How far off rounding may put an output, in units of its size.

    A sum is off by a few last bits; what half precision keeps of one, summed in
    float32, by one of its own.
    """
    return eps * (2 if eps > 1e-4 else 8)


def _is_reached(
    mean: Float[Array, " units"],
    var: Float[Array, " units"],
    noise: Float[Array, " units"],
) -> Bool[Array, ""]:
    """Whether data reach a layer: whether its output is more than its bias.

    Behind a gate at zero, and on a batch of zeros, all that is left of `u` is rounding,
    by which a scale would be 1e28. Not a number is no sign of that.
    """
    return ~jnp.all(var + jnp.square(mean) <= noise)


def _where(condition: Bool[Array, ""], one: Change, other: Change) -> Change:
    pairs = zip(one, other, strict=True)
    return Change(*(jnp.where(condition, a, b) for a, b in pairs))


def unit_bias(
    layer: Any, field: str | None, units: int, dtype: Any
) -> Float[Array, " units"]:
    """The bias of a layer as it is when called."""
    if field is None:
        return jnp.zeros(units, dtype)
    kept = getattr(layer, field)
    if parametrize_of(type(kept)) is None:
        # An array, or one with named axes around it.
        (kept,) = (a for a in jtu.tree_leaves(kept) if eqx.is_inexact_array(a))
    return effective(kept).reshape(units).astype(dtype)
