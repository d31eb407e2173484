"""Draw parameters that live on several devices: each device its own shard alone."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Sharding

from ._law import AbstractLaw, ConstantLaw
from ._row import Row
from ._spec import ParamSpec
from ._typing import Array, Key


class ShardedDraws:
    """Draws under shardings; one compile an (initializer, spec, sharding).

    With partitionable threefry an entry depends on its key and its position alone, so
    the compiler gives every device the entries of its own shard and no communication.
    Other generators promise nothing of the kind (`splits=False`): they are drawn whole
    and then cut, which costs memory and not values.
    """

    def __init__(self, splits: bool) -> None:
        self._splits = splits
        self._compiled: dict[Any, Callable[..., Array]] = {}

    def draw(
        self, row: Row, law: AbstractLaw | None, key: Key, sharding: Sharding
    ) -> Array:
        init, spec = row.init, row.spec
        assert init is not None
        if isinstance(key, jax.core.Tracer):
            return jax.lax.with_sharding_constraint(init.draw(key, spec), sharding)
        if isinstance(law, ConstantLaw):
            return _constant(law, spec, sharding)
        same = (id(init), spec, sharding)
        if same not in self._compiled:

            def draw(key: Key) -> Array:
                return init.draw(key, spec)

            out = sharding if self._splits else None
            self._compiled[same] = jax.jit(draw, out_shardings=out)
        if self._splits:
            return self._compiled[same](_everywhere(key))
        whole = np.asarray(self._compiled[same](key))
        return jax.make_array_from_callback(
            spec.shape, sharding, lambda index: whole[index]
        )


def _everywhere(key: Key) -> Key:
    """A key that a computation over all processes accepts as its own."""
    if jax.process_count() == 1:
        return key
    # Numpy data counts as the same on every process; an array of one device does not.
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return np.asarray(key)  # pyright: ignore[reportReturnType]
    mesh = jax.make_mesh((jax.device_count(),), ("everywhere",))
    replicated = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    data = np.asarray(jax.random.key_data(key))
    spread = jax.make_array_from_callback(data.shape, replicated, lambda i: data[i])
    return jax.random.wrap_key_data(spread, impl=jax.random.key_impl(key))


def _constant(law: ConstantLaw, spec: ParamSpec, sharding: Sharding) -> Array:
    value = np.asarray(law.value, spec.draw_dtype).astype(spec.dtype)
    whole = np.broadcast_to(value, spec.shape)  # no memory: a view with zero strides
    return jax.make_array_from_callback(
        spec.shape, sharding, lambda index: np.array(whole[index])
    )
