"""The tap that calibrates: a layer measures itself and goes on as it should be.

In one traced pass every layer is measured on what the *corrected* layers before it
return. Since a layer's output is `u + b` with `u` linear in its kernels, scaling the
kernels scales `u`: the corrected output is had from the output, with no second call.

The corrections leave the trace as probes do, as the "gradient" of a slot.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from .._taps.dry_run import is_signal
from .._taps.layers import axis_within
from .._taps.mapped import through_vmap
from .._taps.slots import units_last, wide
from .._taps.tap import AbstractTap, Run
from .affine import unit_bias
from .methods import AbstractMethod, Measurement


# Rows of what comes back for one layer, one number a unit.
USES, SCALE, BIAS, MEAN, VAR, MISS = range(6)
ROWS = 6


def _unit_moments(
    lead: int, marker: Float[Array, "*lead lanes"], x: Inexact[Array, "..."]
) -> tuple[Array, Array]:
    """Mean and variance of each unit over samples."""
    del marker
    axes = tuple(range(lead, x.ndim - 1))
    mean = jnp.mean(x, axes, keepdims=True)
    off = x - mean
    # Squares of values near 1e-30 are zero in float32: scale by the largest first.
    size = jnp.max(jnp.abs(off), axes, keepdims=True)
    size = jnp.where((size > 0) & jnp.isfinite(size), size, 1)
    var = jnp.mean(jnp.square(off / size), axes) * jnp.square(jnp.squeeze(size, axes))
    return jnp.squeeze(mean, axes), var


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
        out = run(layer, *args, **kwargs)
        if not is_signal(out):
            raise ValueError(
                f"{type(layer).__name__} returns {type(out).__name__} and not one "
                "array of floats; calibrate layers that return their pre-activations."
            )
        axis = axis_within(self.axis, out.ndim)
        x = units_last(wide(out, self.slot.dtype), axis)
        y = self._corrected(layer, x)
        restored = jnp.moveaxis(y, -1, axis).reshape(out.shape)
        return restored.astype(out.dtype)

    def _corrected(self, layer: eqx.Module, x: Array) -> Array:
        method = self.ruler.method
        fixed = jax.lax.stop_gradient((self.slot, x))
        mean, var = _unit_moments_of_all(fixed[0][0], fixed[1])
        bias = unit_bias(layer, self.bias, x.shape[-1], x.dtype)
        change = method.change(Measurement(mean - bias, var, bias))
        miss = jnp.full_like(mean, method.miss(mean, var))
        rows = jnp.stack([jnp.ones_like(mean), *change, mean, var, miss])
        rows = jax.lax.stop_gradient(rows)
        shape = (1,) * (x.ndim - 1) + (x.shape[-1],)
        scale, new, old = (a.reshape(shape) for a in (*rows[SCALE : BIAS + 1], bias))
        return _export(scale * (x - old) + new, self.slot, rows)
