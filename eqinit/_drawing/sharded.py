"""Draw parameters that live on several devices: each device its own shard alone."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Sharding

from .._laws.families import ConstantLaw
from .._laws.law import AbstractLaw
from .._parameters.spec import ParamSpec
from .._typing import Array, Key
from .one import draw_one
from .row import Row


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
        spec = row.spec
        if isinstance(key, Tracer):
            return jax.lax.with_sharding_constraint(draw_one(row, key), sharding)
        if isinstance(law, ConstantLaw):
            return _constant(law, spec, sharding)
        typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        impl = jax.random.key_impl(key) if typed else None
        same = (id(row.init), spec, sharding)
        if same not in self._compiled:

            def draw(data: Array) -> Array:
                if impl is not None:
                    data = jax.random.wrap_key_data(data, impl=impl)
                return draw_one(row, data)

            out = sharding if self._splits else None
            self._compiled[same] = jax.jit(draw, out_shardings=out)
        # As numpy data, which counts as known to every device of every process; an
        # array would belong to one device.
        data = np.asarray(jax.random.key_data(key) if typed else key)
        drawn = self._compiled[same](data)
        if self._splits:
            return drawn
        whole = np.asarray(drawn)
        return jax.make_array_from_callback(
            spec.shape, sharding, lambda index: whole[index]
        )


def _constant(law: ConstantLaw, spec: ParamSpec, sharding: Sharding) -> Array:
    value = np.asarray(law.value, spec.draw_dtype).astype(spec.dtype)
    whole = np.broadcast_to(value, spec.shape)  # no memory: a view with zero strides
    return jax.make_array_from_callback(
        spec.shape, sharding, lambda index: np.array(whole[index])
    )
