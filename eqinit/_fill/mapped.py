"""Under transformations: `vmap` outside of a trace is a bulk fill of all members."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._hosted import hosted
from .._parameters.keys import is_tracing
from .fill import fill_into
from .host import empty_aligned
from .put import Putter
from .request import FillRequest, default_device, dtype_name
from .traced import fill_traced


def fill_mapped(
    requests: Sequence[FillRequest],
    key_data: Any,
    terms: Any,
    rows: Sequence[int] | None = None,
) -> list[jax.Array]:
    """The draws of `fill`, bit for bit, where keys, locations or scales are traced.

    Under `jit` they are loops (`fill_traced`). Under `vmap` outside of any trace the
    keys are at hand, one per member: every member of every leaf is drawn in bulk, into
    the memory of the ensemble's leaf, and nothing is compiled for a shape. Derivatives
    with respect to locations and scales are exact.

    **Arguments:** as those of `fill_traced`, and

    - `rows`: which of `key_data` are the requests' keys. By default all, in order.

    **Returns:** one array per request, in order.
    """
    kinds = tuple(
        Kind(r.shape, r.base, r.params, dtype_name(r.dtype)) for r in requests
    )
    rows = tuple(range(len(kinds)) if rows is None else rows)
    return list(_drawn(What(kinds, rows), key_data, terms))


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


class What(NamedTuple):
    """All that is static of some draws: what they are, and which keys are theirs."""

    kinds: tuple[Kind, ...]
    rows: tuple[int, ...]


_NO_KEY = np.zeros(2, np.uint32)


@functools.partial(jax.jit, static_argnums=0)
def _loops(what: What, key_data: Any, terms: Any) -> tuple[jax.Array, ...]:
    """Of itself compiled: what asks for it again traces nothing."""
    requests = [kind.request for kind in what.kinds]
    return tuple(fill_traced(requests, key_data[np.asarray(what.rows)], terms))


def _filled(what: What, keys: np.ndarray, terms: np.ndarray) -> tuple[jax.Array, ...]:
    """One array per leaf, of all members: `(*members, *shape)`.

    Keys are `uint32[*members, keys, 2]` and terms `float32[*members, requests, 2]`.
    """
    members = keys.shape[:-2]
    keys = keys.reshape(-1, *keys.shape[-2:])[:, np.asarray(what.rows)]
    terms = terms.reshape(-1, *terms.shape[-2:])
    requests = [kind.request for kind in what.kinds]
    memory = [
        empty_aligned(len(keys) * r.size, r.dtype).reshape(len(keys), r.size)
        for r in requests
    ]
    each = [
        dataclasses.replace(
            request, key_data=keys[m, i], loc=terms[m, i, 0], scale=terms[m, i, 1]
        )
        for m in range(len(keys))
        for i, request in enumerate(requests)
    ]
    fill_into(each, [leaf[m] for m in range(len(keys)) for leaf in memory])
    leaves = [
        leaf.reshape(*members, *request.shape)
        for leaf, request in zip(memory, requests, strict=True)
    ]
    return tuple(Putter(None, ((a.shape, a.dtype) for a in leaves)).put(leaves))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _drawn(what: What, key_data: Any, terms: Any) -> tuple[jax.Array, ...]:
    """With the derivative of `loc + scale z`, for which z is drawn again."""
    if is_tracing() or default_device().platform != "cpu":
        # On an accelerator: one program for the ensemble, whatever its shapes.
        return _loops(what, jnp.asarray(key_data), jnp.asarray(terms, jnp.float32))
    fill = functools.partial(_filled, what)
    if not isinstance(key_data, Tracer) and not isinstance(terms, Tracer):
        return fill(np.asarray(key_data), np.asarray(terms, np.float32))
    shapes = tuple(jax.ShapeDtypeStruct(k.shape, k.dtype) for k in what.kinds)
    return hosted(fill, shapes)(key_data, terms)


@_drawn.defjvp
def _(what: What, primals: Any, tangents: Any) -> Any:
    key_data, terms = primals
    unit = np.tile(np.asarray([-0.0, 1.0], np.float32), (len(what.kinds), 1))
    values, units = _drawn(what, key_data, terms), _drawn(what, key_data, unit)
    each = zip(what.kinds, values, units, tangents[1], strict=True)
    moved = [_moved(*one) for one in each]
    return values, tuple(moved)


def _moved(kind: Kind, value: jax.Array, unit: jax.Array, tangent: Any) -> jax.Array:
    """How a draw moves with its location and scale, `tangent` being `float32[2]`."""
    z = unit.astype(jnp.float32)
    if kind.base == "lognormal":
        moved = value.astype(jnp.float32) * (tangent[0] + tangent[1] * jnp.log(z))
    else:
        moved = tangent[0] + tangent[1] * z
    return moved.astype(value.dtype)
