"""What lives on several devices: each device draws its own shard alone."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, Sharding

from .._memo import Memo
from .._parameters.spec import ParamSpec
from .._typing import Array, Key
from .ask import Ask
from .one import draw_one
from .row import Row
from .way import AbstractWay, Progress


class Sharded(AbstractWay):
    """Draws under shardings; one compile per initializer, spec and sharding.

    With partitionable threefry an entry depends on its key and its position alone, so
    the compiler gives every device the entries of its own shard and no communication.
    Other generators promise nothing of the kind: they are drawn whole and then cut,
    which costs memory and not values.
    """

    def __init__(self) -> None:
        self._compiled = Memo[Callable[[np.ndarray], Array]]()

    def takes(self, ask: Ask) -> bool:
        return ask.spread is not None

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        for ask in asks:
            assert ask.spread is not None
            yield self._drawn(ask, ask.spread)
            progress(ask.spec.nbytes)

    def _drawn(self, ask: Ask, sharding: Sharding) -> Array:
        row, key, split = ask.row, ask.key, ask.keys.split
        if ask.keys.traced:
            return _laid_out(draw_one(row, key), sharding)
        if ask.law is not None and ask.law.constant is not None:
            return _constant(ask.law.constant, row.spec, sharding)
        draw = self._compiled.once(
            (row.init, row.spec),
            lambda: _compiled(row, key, sharding if split else None),
            equal=sharding,
        )
        # As numpy data, which counts as known to every device of every process; an
        # array would belong to one device.
        drawn = draw(ask.keys.data[ask.index])
        if split:
            return drawn
        whole = np.asarray(drawn)
        return jax.make_array_from_callback(
            row.spec.shape, sharding, lambda index: whole[index]
        )


def _laid_out(array: Array, sharding: Sharding) -> Array:
    """What is traced, on its devices.

    Axes of a mesh are explicit, part of a type that jax derives, where `jax.set_mesh`
    says so; elsewhere they can only be asked for as axes of the automatic kind.
    """
    mesh = getattr(sharding, "mesh", None)
    if isinstance(mesh, Mesh) and AxisType.Explicit in mesh.axis_types:
        if not jax.sharding.get_abstract_mesh().empty:
            return jax.sharding.reshard(array, sharding)
        axes = (AxisType.Auto,) * mesh.devices.ndim
        mesh = Mesh(mesh.devices, mesh.axis_names, axis_types=axes)
        sharding = NamedSharding(mesh, cast(NamedSharding, sharding).spec)
    return jax.lax.with_sharding_constraint(array, sharding)


def _compiled(
    row: Row, key: Key, sharding: Sharding | None
) -> Callable[[np.ndarray], Array]:
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    impl = jax.random.key_impl(key) if typed else None

    def draw(data: Array) -> Array:
        own = data if impl is None else jax.random.wrap_key_data(data, impl=impl)
        return draw_one(row, own)

    return jax.jit(draw, out_shardings=sharding)


def _constant(value: Any, spec: ParamSpec, sharding: Sharding) -> Array:
    filled = np.asarray(value, spec.draw_dtype).astype(spec.dtype)
    whole = np.broadcast_to(filled, spec.shape)  # no memory: a view with zero strides
    return jax.make_array_from_callback(
        spec.shape, sharding, lambda index: np.array(whole[index])
    )
