"""Draw the rows of a plan: the one place where initializers are called."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Sharding, SingleDeviceSharding

from .._fill.fill import fill
from .._fill.put import Putter
from .._fill.request import FillRequest, key_eligible
from .._laws.law import AbstractLaw
from .._parameters.keys import derive_keys
from .._parameters.spec import ParamSpec
from .._typing import Array, Key
from .bulk import constant, fill_request
from .loop import draw_looped
from .row import Row
from .sharded import ShardedDraws
from .threads import draw_each


def draw_rows(
    rows: Sequence[Row],
    key: Key,
    shardings: Sequence[Sharding | None] | None = None,
    *,
    progress: Callable[[int], object] | None = None,
) -> list[Array]:
    """One array a row. Every key is derived in one call, from the row's path alone.

    Outside of a trace, what follows a plain law is drawn in bulk: one compiled kernel
    for parameters of every shape. What lives on several devices is drawn by each of
    them, its own shard alone. The values are those of `init.draw`, bit for bit.
    """
    if not rows:
        return []
    places = [None] * len(rows) if shardings is None else list(shardings)
    keys = _Keys(rows, key)
    laws = _laws(rows)
    if keys.traced is not None:
        return _traced_rows(rows, laws, keys.traced, [_device(p) for p in places])
    values: list[Any] = [None] * len(rows)
    whole: list[int] = []
    requests: dict[Any, dict[int, FillRequest]] = {}
    constants: dict[Any, dict[int, np.ndarray]] = {}
    sharded = ShardedDraws(keys.split)
    report = progress or (lambda _: None)
    for i, row in enumerate(rows):
        device, spread = _device(places[i])
        if spread is not None:
            values[i] = sharded.draw(row, laws[i], keys[i], spread)
            report(row.spec.nbytes)
            continue
        request = keys.request(i, laws[i], row.spec)
        if request is not None:
            requests.setdefault(device, {})[i] = request
            continue
        filled = constant(laws[i], row.spec)
        if filled is not None:
            constants.setdefault(device, {})[i] = filled
            report(row.spec.nbytes)
            continue
        whole.append(i)
    some = ([rows[i] for i in whole], [laws[i] for i in whole])
    drawn = draw_each(*some, [keys[i] for i in whole])
    for i, value in zip(whole, drawn, strict=True):
        device, _ = _device(places[i])
        values[i] = value if device is None else jax.device_put(value, device)
        report(rows[i].spec.nbytes)
    for device, filled_by in constants.items():
        # One call for all of them: each by itself would cost more than its values.
        arrays = list(filled_by.values())
        putter = Putter(device, ((a.shape, a.dtype) for a in arrays))
        for i, value in zip(filled_by, putter.put(arrays), strict=True):
            values[i] = value
    for device, group in requests.items():
        drawn = fill(list(group.values()), device=device, progress=progress)
        for i, value in zip(group, drawn, strict=True):
            values[i] = value
    return values


def _traced_rows(
    rows: Sequence[Row],
    laws: Sequence[AbstractLaw | None],
    keys: Array,
    places: Sequence[tuple[Any, Sharding | None]],
) -> list[Array]:
    """Under a trace: what one device holds in loops, the rest one by one."""
    whole = [i for i, (_, spread) in enumerate(places) if spread is None]
    looped = draw_looped(
        [rows[i] for i in whole], [laws[i] for i in whole], keys[np.asarray(whole, int)]
    )
    values: list[Any] = [None] * len(rows)
    for i, value in zip(whole, looped, strict=True):
        device, _ = places[i]
        values[i] = value if device is None else jax.device_put(value, device)
    sharded = ShardedDraws(splits=True)
    for i, (_, spread) in enumerate(places):
        if spread is not None:
            values[i] = sharded.draw(rows[i], laws[i], keys[i], spread)
    return values


class _Keys:
    """The key of every row: as data where it may enter the bulk fill."""

    def __init__(self, rows: Sequence[Row], key: Key) -> None:
        self._keys = derive_keys(key, [_key_path(row) for row in rows])
        # The keys themselves, if all this is being traced.
        self.traced = self._keys if isinstance(self._keys, Tracer) else None
        self._data: np.ndarray | None = None
        # Whether an entry depends on its key and its position alone.
        self.split = key_eligible(key)
        self._impl: Any = None
        self._requests: dict[tuple[int, int], FillRequest | None] = {}
        if self.traced is None:
            self._data = np.asarray(jax.random.key_data(self._keys))
            typed = jnp.issubdtype(self._keys.dtype, jax.dtypes.prng_key)
            self._impl = jax.random.key_impl(self._keys) if typed else None

    def __getitem__(self, i: int) -> Key:
        assert self._data is not None
        # From the host copy: indexing an array of keys costs a dispatch a key.
        data = jnp.asarray(self._data[i])
        if self._impl is None:
            return data
        return jax.random.wrap_key_data(data, impl=self._impl)

    def request(
        self, i: int, law: AbstractLaw | None, spec: ParamSpec
    ) -> FillRequest | None:
        if not self.split or self._data is None:
            return None
        # Laws live as long as the list that `_laws` returned, specs as their rows.
        same = (id(law), id(spec))
        if same not in self._requests:
            self._requests[same] = fill_request(law, spec)
        request = self._requests[same]
        return None if request is None else request.with_key(self._data[i])


def _key_path(row: Row) -> str:
    """Its own path, except for linked schemes, whose draws have to agree."""
    # Through the class: a module makes a new object of a method that it is asked for.
    return row.path if row.init is None else type(row.init).key_path(row.init, row.path)


def _device(place: Sharding | None) -> tuple[Any, Sharding | None]:
    """(one device or None, sharding over several or None)."""
    if place is None:
        return None, None
    if isinstance(place, SingleDeviceSharding):
        return next(iter(place.device_set)), None
    return None, place


def _laws(rows: Sequence[Row]) -> list[AbstractLaw | None]:
    """The law of every row, worked out once an (initializer, spec)."""
    # By id: equal layers share a spec, whose hash takes longer than all the rest.
    known: dict[tuple[int, int], AbstractLaw | None] = {}
    laws: list[AbstractLaw | None] = []
    for row in rows:
        assert row.init is not None
        same = (id(row.init), id(row.spec))
        if same not in known:
            known[same] = row.init.law(row.spec)
        laws.append(known[same])
    return laws
