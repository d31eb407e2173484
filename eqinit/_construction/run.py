"""Run the equations that lead to some leaves, each as cheaply as its value allows."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from .._parameters.keys import is_tracing
from .._typing import Key
from .host import host_half
from .needed import aval_of, program
from .on_device import device_half, to_device
from .on_host import is_key, is_threefry, pack
from .trace import Traced


def evaluate(traced: Traced, positions: Sequence[int], key: Key) -> list[Any]:
    """The leaves at these positions, as the constructor computes them.

    First everything that numpy can do, and the draws that follow from it. Then the
    rest, an operation at a time.

    **Arguments:**

    - `traced`: the constructor.
    - `positions`: some of `traced.positions`.
    - `key`: the key that it was traced with.

    **Returns:** one array a position, in tree order.
    """
    wanted = set(positions)
    mask = [position in wanted for position in traced.positions]
    needed = program(traced.jaxpr.jaxpr, traced.jaxpr.consts, mask)
    (var,) = needed.jaxpr.invars
    known, left = host_half(needed, needed.given([_to_host(key, var.aval)]))
    values = device_half(left, known, needed.outputs)
    results = [_result(atom, values) for atom in needed.outputs]
    return _moved(results)


def _to_host(value: Any, aval: Any) -> Any:
    """A concrete threefry key as numpy; anything else as it is."""
    if isinstance(value, jax.core.Tracer) or is_tracing():
        return value
    if not is_key(aval):
        return np.asarray(value)
    return pack(np.asarray(jax.random.key_data(value))) if is_threefry(aval) else value


def _result(atom: Any, values: dict[Any, Any]) -> Any:
    value = atom.val if isinstance(atom, Literal) else values[atom]
    if isinstance(atom, Literal) and aval_of(atom).weak_type:
        return jnp.asarray(np.asarray(value).item())
    if is_key(atom.aval):
        return to_device(value, atom.aval)
    if isinstance(value, jax.Array):
        return value
    return np.asarray(value, aval_of(atom).dtype)


def _moved(results: list[Any]) -> list[Any]:
    """Arrays of numpy on the device: copied, in one call for all.

    Copied, as jax may take over the memory that it is given, and two leaves that share
    a buffer cannot be donated. One call, as one per leaf costs 10 us.
    """
    host = [i for i, value in enumerate(results) if isinstance(value, np.ndarray)]
    moved = jax.device_put([np.array(results[i]) for i in host])
    on_device = dict(zip(host, moved, strict=True))
    return [on_device.get(i, value) for i, value in enumerate(results)]
