"""What is asked for: a row with its law, its key and its place."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Sharding, SingleDeviceSharding

from .._fill.request import splits
from .._laws.law import AbstractLaw
from .._memo import Memo
from .._parameters.keys import derive_keys
from .._parameters.spec import ParamSpec
from .._typing import Array, Key
from .row import Row


class RowKeys:
    """The keys of some rows, derived in one call from their paths alone.

    - `traced`: whether they are part of what jax traces or maps.
    - `split`: whether an entry depends on its key and its position alone.
    - `data`: `uint32[rows, 2]` for threefry keys; a tracer where they are traced.
    """

    def __init__(self, rows: Sequence[Row], key: Key) -> None:
        keys = derive_keys(key, [_key_path(row) for row in rows])
        typed = jnp.issubdtype(keys.dtype, jax.dtypes.prng_key)
        self._keys = keys
        self._impl = jax.random.key_impl(keys) if typed else None
        self.traced = isinstance(keys, Tracer)
        self.split = splits(key)
        data = jax.random.key_data(keys) if typed else keys
        self.data: Any = data if self.traced else np.asarray(data)

    def __getitem__(self, i: int) -> Key:
        if self.traced:
            return self._keys[i]
        # From the host copy: indexing an array of keys costs a dispatch per key.
        data = jnp.asarray(self.data[i])
        if self._impl is None:
            return data
        return jax.random.wrap_key_data(data, impl=self._impl)

    def some(self, indices: Sequence[int]) -> Array:
        """`key[indices]` where keys are traced."""
        return self._keys[np.asarray(indices, int)]


def _key_path(row: Row) -> str:
    """Its own path, except for linked schemes, whose draws have to agree."""
    # Through the class: a module makes a new object of a method that it is asked for.
    return row.path if row.init is None else type(row.init).key_path(row.init, row.path)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One row to be drawn.

    - `index`: its place among the rows, and its keys' among `keys`.
    - `row`, `law`: what it is, and the law of its entries if they have one.
    - `keys`: those of all rows.
    - `device`: where its values go; `None` for wherever they are made.
    - `spread`: the sharding of what lives on several devices.
    """

    index: int
    row: Row
    law: AbstractLaw | None
    keys: RowKeys
    device: Any
    spread: Sharding | None

    @property
    def key(self) -> Key:
        return self.keys[self.index]

    @property
    def spec(self) -> ParamSpec:
        return self.row.spec


def asks_of(
    rows: Sequence[Row], key: Key, places: Sequence[Sharding | None]
) -> list[Ask]:
    """One per row; laws are worked out once per initializer and spec."""
    keys = RowKeys(rows, key)
    laws = Memo[AbstractLaw | None]()
    asks: list[Ask] = []
    for i, (row, place) in enumerate(zip(rows, places, strict=True)):
        init, spec = row.init, row.spec
        assert init is not None
        law = laws.once((init, spec), lambda init=init, spec=spec: init.law(spec))
        asks.append(Ask(i, row, law, keys, *_device(place)))
    return asks


def _device(place: Sharding | None) -> tuple[Any, Sharding | None]:
    """(one device or None, sharding over several or None)."""
    if isinstance(place, SingleDeviceSharding):
        return next(iter(place.device_set)), None
    return None, place
