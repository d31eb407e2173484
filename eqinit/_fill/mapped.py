"""Under transformations: `vmap` outside of a trace is a bulk fill of all members."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._parameters.keys import is_tracing
from .fill import fill_into
from .host import empty_aligned
from .put import Putter
from .request import FillRequest, default_device, dtype_name
from .traced import fill_traced


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
    kinds = tuple(
        Kind(r.shape, r.base, r.params, dtype_name(r.dtype)) for r in requests
    )
    return list(_drawn(kinds, jnp.asarray(key_data), jnp.asarray(terms, jnp.float32)))


class Kind(NamedTuple):
    """What is static of a request: equal kinds share what is traced and compiled."""

    shape: tuple[int, ...]
    base: str
    params: tuple[float, ...]
    dtype: str

    @property
    def request(self) -> FillRequest:
        return FillRequest(
            _NO_KEY,
            self.shape,
            self.base,
            params=self.params,
            dtype=np.dtype(self.dtype),
        )


Kinds = tuple[Kind, ...]
_NO_KEY = np.zeros(2, np.uint32)


@functools.partial(jax.jit, static_argnums=0)
def _loops(kinds: Kinds, key_data: Any, terms: Any) -> tuple[jax.Array, ...]:
    """Of itself compiled: what asks for it again traces nothing."""
    return tuple(fill_traced([kind.request for kind in kinds], key_data, terms))


@functools.lru_cache(maxsize=64)
def _mappable(kinds: Kinds) -> Callable[..., tuple[jax.Array, ...]]:
    @jax.custom_batching.custom_vmap
    def draws(key_data: Any, terms: Any) -> tuple[jax.Array, ...]:
        return _loops(kinds, key_data, terms)

    @draws.def_vmap
    def _(size: int, batched: Sequence[bool], key_data: Any, terms: Any) -> Any:
        everything = (True,) * len(kinds)
        if is_tracing():
            axes = tuple(0 if b else None for b in batched)
            mapped = jax.vmap(functools.partial(_loops, kinds), in_axes=axes)
            return mapped(key_data, terms), everything
        key_data, terms = (
            x if b else jnp.broadcast_to(x, (size, *x.shape))
            for x, b in zip((key_data, terms), batched, strict=True)
        )
        if isinstance(key_data, Tracer) or isinstance(terms, Tracer):
            return _flattened(kinds, size, key_data, terms), everything
        return _filled(kinds, size, key_data, terms), everything

    return draws


def _flattened(
    kinds: Kinds, size: int, key_data: Any, terms: Any
) -> tuple[jax.Array, ...]:
    """Under a second `vmap`: as many more draws, of which that one is asked."""
    count = len(kinds)
    drawn = _mappable(kinds * size)(
        key_data.reshape(size * count, 2), terms.reshape(size * count, 2)
    )
    return tuple(jnp.stack(drawn[i::count]) for i in range(count))


def _filled(
    kinds: Kinds, size: int, key_data: Any, terms: Any
) -> tuple[jax.Array, ...]:
    """One array per leaf, of all members; keys and terms are `(size, requests, 2)`."""
    if default_device().platform != "cpu":
        # On an accelerator: one program for the ensemble, whatever its shapes.
        return jax.vmap(functools.partial(_loops, kinds))(key_data, terms)
    keys, numbers = np.asarray(key_data), np.asarray(terms)
    requests = [kind.request for kind in kinds]
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


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _drawn(kinds: Kinds, key_data: Any, terms: Any) -> tuple[jax.Array, ...]:
    """With the derivative of `loc + scale z`, for which z is drawn again."""
    return _mappable(kinds)(key_data, terms)


@_drawn.defjvp
def _(kinds: Kinds, primals: Any, tangents: Any) -> Any:
    key_data, terms = primals
    unit = np.tile(np.asarray([-0.0, 1.0], np.float32), (len(kinds), 1))
    values, units = _drawn(kinds, key_data, terms), _drawn(kinds, key_data, unit)
    moved = [
        _moved(*each) for each in zip(kinds, values, units, tangents[1], strict=True)
    ]
    return values, tuple(moved)


def _moved(kind: Kind, value: jax.Array, unit: jax.Array, tangent: Any) -> jax.Array:
    """How a draw moves with its location and scale, `tangent` being `float32[2]`."""
    z = unit.astype(jnp.float32)
    if kind.base == "lognormal":
        moved = value.astype(jnp.float32) * (tangent[0] + tangent[1] * jnp.log(z))
    else:
        moved = tangent[0] + tangent[1] * z
    return moved.astype(value.dtype)
