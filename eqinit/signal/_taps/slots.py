"""The slot: an identity in the forward pass that brings sums back in the backward one.

`tap(x, slot)` is `x`. Its backward rule hands the cotangent of `x` on unchanged and
returns, as the "gradient" of the slot, what one wants to know about `x` and about that
cotangent. Cotangents add up over batches, steps and calls, so `jax.grad` with respect
to the slots reads a whole model, with no callback and no state.

A largest value does not add up. Over mapped axes the collecting function reduces by
itself (`through_vmap`), so that any number of `vmap`s count as one use; only where the
slot is mapped as well (an ensemble, stacked layers) each member keeps numbers of its
own. For a layer that is used several times in sequence it is found byte by byte in four
more passes (`extremes`).

The slot's own value goes *into* a pass. It carries those bytes, and a shift and a
scale: variances of values near 1e-30, or with a mean of a thousand standard deviations,
are lost in float32, and are taken again about the mean of the first pass.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from .sums import COLLECT


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
    x: Inexact[Array, "..."], slot: Float[Array, " lanes"], axis: int, bytewise: bool
) -> Inexact[Array, "..."]:
    """Return `x`; the gradient with respect to `slot` is what `Out` lists.

    **Arguments:**

    - `x`: an output of a layer.
    - `slot`: what `In` lists, and zeros behind it; as long as `width` says.
    - `axis`: the axis of `x` that counts units.
    - `bytewise`: whether to add the histograms.
    """
    del slot, axis, bytewise
    return x


def _forward(
    x: Array, slot: Array, axis: int, bytewise: bool
) -> tuple[Array, tuple[Array, Array]]:
    # Tapped once more: where `call` takes a gradient itself, the one that reads the
    # slots differentiates this function, and meets no rule of the tap around it.
    return tap(x, slot, axis, bytewise), (x, slot)


def _backward(
    axis: int, bytewise: bool, kept: tuple[Array, Array], g: Array
) -> tuple[Array, Array]:
    x, slot = kept
    # Constants to whoever differentiates this rule: a gradient inside of `call`, whose
    # sums are thrown away, and jax cannot differentiate a reduction of several arrays.
    constant = jax.lax.stop_gradient((x, g))
    pair = [units_last(wide(a, slot.dtype), axis) for a in constant]
    sums = COLLECT[bytewise](jax.lax.stop_gradient(slot), *pair)
    return g, _no_derivative(sums, x)


@jax.custom_vjp
def _no_derivative(sums: Array, x: Array) -> Array:
    """`sums`; its derivative is NaN and not zero, for those who would ask for it."""
    del x
    return sums


def _kept(sums: Array, x: Array) -> tuple[Array, Array]:
    return sums, x


def _nan(x: Array, g: Array) -> tuple[Array, Array]:
    asked = jnp.any(g != 0)
    return jnp.zeros_like(g), jnp.where(asked, jnp.full_like(x, jnp.nan), 0)


_no_derivative.defvjp(_kept, _nan)


tap.defvjp(_forward, _backward)
