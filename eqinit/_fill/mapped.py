"""Under transformations: `vmap` outside of a trace is a bulk fill of all members."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .fill import fill_into
from .host import empty_aligned
from .put import Putter
from .request import FillRequest, default_device, dtype_name
from .traced import fill_traced, terms_of


# jax passes arrays of its own kinds, and constants as numpy's.
Draws = Callable[[Any, Any], tuple[jax.Array, ...]]


def fill_mapped(
    requests: Sequence[FillRequest], key_data: Any, terms: Any
) -> list[jax.Array]:
    """The draws of `fill`, bit for bit, where keys, locations or scales are traced.

    Under `jit` they are loops (`fill_traced`). Under `vmap` outside of any trace the
    keys are at hand, one per member: every member of every leaf is drawn in bulk, into
    the memory of the ensemble's leaf, and nothing is compiled for a shape. Derivatives
    with respect to locations and scales are exact.

    **Arguments:** as those of `fill_traced`.

    **Returns:** one array per request, in order.
    """
    draws = _differentiable(requests, _mappable(requests))
    return list(draws(jnp.asarray(key_data), jnp.asarray(terms, jnp.float32)))


def _mappable(requests: Sequence[FillRequest]) -> Draws:
    @jax.custom_batching.custom_vmap
    def draws(key_data: Any, terms: Any) -> tuple[jax.Array, ...]:
        return tuple(fill_traced(requests, key_data, terms))

    @draws.def_vmap
    def _(size: int, batched: Sequence[bool], key_data: Any, terms: Any) -> Any:
        everything = (True,) * len(requests)
        if _is_tracing():
            axes = tuple(0 if b else None for b in batched)
            mapped = jax.vmap(lambda *args: fill_traced(requests, *args), in_axes=axes)
            return tuple(mapped(key_data, terms)), everything
        key_data, terms = (
            x if b else jnp.broadcast_to(x, (size, *x.shape))
            for x, b in zip((key_data, terms), batched, strict=True)
        )
        if isinstance(key_data, Tracer) or isinstance(terms, Tracer):
            return _flattened(requests, size, key_data, terms), everything
        return _filled(requests, size, key_data, terms), everything

    return draws


def _is_tracing() -> bool:
    """Whether what is computed here is recorded; under `vmap` alone it is done."""
    return isinstance(jax.device_put(np.float32(0)), Tracer)


def _flattened(
    requests: Sequence[FillRequest], size: int, key_data: Any, terms: Any
) -> tuple[jax.Array, ...]:
    """Under a second `vmap`: as many more draws, of which that one is asked."""
    count = len(requests)
    many = _mappable([*requests] * size)
    drawn = many(key_data.reshape(size * count, 2), terms.reshape(size * count, 2))
    return tuple(jnp.stack(drawn[i::count]) for i in range(count))


def _filled(
    requests: Sequence[FillRequest], size: int, key_data: Any, terms: Any
) -> tuple[jax.Array, ...]:
    """One array per leaf, of all members; keys and terms are `(size, requests, 2)`."""
    if default_device().platform != "cpu":
        kinds = [(r.shape, r.base, r.params, dtype_name(r.dtype)) for r in requests]
        return _on_device(tuple(kinds), key_data, terms)
    keys, numbers = np.asarray(key_data), np.asarray(terms)
    memory = [
        empty_aligned(size * r.size, r.dtype).reshape(size, r.size) for r in requests
    ]
    members = [
        dataclasses.replace(
            request, key_data=keys[m, i], loc=numbers[m, i, 0], scale=numbers[m, i, 1]
        )
        for m in range(size)
        for i, request in enumerate(requests)
    ]
    fill_into(members, [leaf[m] for m in range(size) for leaf in memory])
    leaves = [
        leaf.reshape(size, *request.shape)
        for leaf, request in zip(memory, requests, strict=True)
    ]
    return tuple(Putter(None, ((a.shape, a.dtype) for a in leaves)).put(leaves))


@functools.partial(jax.jit, static_argnums=0)
def _on_device(
    kinds: tuple[tuple[Any, ...], ...], key_data: jax.Array, terms: jax.Array
) -> tuple[jax.Array, ...]:
    """On an accelerator: one program for the ensemble, whatever its shapes."""
    nothing = np.zeros(2, np.uint32)
    requests = [
        FillRequest(nothing, shape, base, params=params, dtype=np.dtype(dtype))
        for shape, base, params, dtype in kinds
    ]
    return tuple(jax.vmap(lambda k, t: fill_traced(requests, k, t))(key_data, terms))


def _differentiable(requests: Sequence[FillRequest], draws: Draws) -> Draws:
    """With the derivative of `loc + scale z`, for which z is drawn again."""

    @jax.custom_jvp
    def outer(key_data: Any, terms: Any) -> tuple[jax.Array, ...]:
        return draws(key_data, terms)

    @outer.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        key_data, terms = primals
        unit = terms_of([dataclasses.replace(r, loc=0.0, scale=1.0) for r in requests])
        values, units = outer(key_data, terms), outer(key_data, unit)
        moved = [
            _moved(*each)
            for each in zip(requests, values, units, tangents[1], strict=True)
        ]
        return values, tuple(moved)

    return outer


def _moved(
    request: FillRequest, value: jax.Array, unit: jax.Array, tangent: Any
) -> jax.Array:
    """How a draw moves with its location and scale, `tangent` being `float32[2]`."""
    z = unit.astype(jnp.float32)
    if request.base == "lognormal":
        moved = value.astype(jnp.float32) * (tangent[0] + tangent[1] * jnp.log(z))
    else:
        moved = tangent[0] + tangent[1] * z
    return moved.astype(value.dtype)
