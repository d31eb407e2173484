"""Draw the rows of a plan: the one place where initializers are called."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from ._fill import FillRequest, fill, key_eligible
from ._initializer import AbstractInitializer
from ._keys import derive_keys
from ._law import AbstractLaw
from ._requests import constant, fill_request
from ._row import Row
from ._spec import ParamSpec
from ._typing import Array, Key


def draw_rows(
    rows: Sequence[Row], key: Key, *, progress: Callable[[int], None] | None = None
) -> list[Array]:
    """One array a row. Every key is derived in one call, from the row's path alone.

    Outside of a trace, what follows a plain law is drawn in bulk: one compiled kernel
    for parameters of every shape. The values are those of `init.draw`, bit for bit.
    """
    if not rows:
        return []
    keys = derive_keys(key, [_key_path(row) for row in rows])
    bulk = key_eligible(key)
    data = np.asarray(jax.random.key_data(keys)) if bulk else None
    laws = _laws(rows)
    values: list[Array | None] = [None] * len(rows)
    requests: dict[int, FillRequest] = {}
    for i, row in enumerate(rows):
        values[i] = constant(laws[i], row.spec)
        request = None
        if data is not None and values[i] is None:
            request = fill_request(laws[i], data[i], row.spec)
        if request is not None:
            requests[i] = request
        elif values[i] is None:
            values[i] = _draw_row(row, keys[i])
    drawn = fill(list(requests.values()), progress=progress) if requests else []
    for i, value in zip(requests, drawn, strict=True):
        values[i] = value
    return [_checked(value, row) for value, row in zip(values, rows, strict=True)]


def _key_path(row: Row) -> str:
    """Its own path, except for linked schemes, whose draws have to agree."""
    return row.path if row.init is None else row.init.key_path(row.path)


def _laws(rows: Sequence[Row]) -> list[AbstractLaw | None]:
    """The law of every row, worked out once an (initializer, spec)."""
    known: dict[tuple[int, ParamSpec], AbstractLaw | None] = {}
    laws: list[AbstractLaw | None] = []
    for row in rows:
        assert row.init is not None
        same = (id(row.init), row.spec)
        if same not in known:
            known[same] = row.init.law(row.spec)
        laws.append(known[same])
    return laws


def _draw_row(row: Row, key: Key) -> Any:
    init = row.init
    assert init is not None
    if init.law(row.spec) is not None:
        # The law's numbers are worked out in Python and enter as arguments: one
        # compile a (base, shape), whatever the gain.
        return init.draw(key, row.spec)
    return _draw_jit(_lift(init), key, row.spec)


@eqx.filter_jit
def _draw_jit(init: AbstractInitializer, key: Key, spec: ParamSpec) -> Array:
    return init.draw(key, spec)


def _lift(init: AbstractInitializer) -> AbstractInitializer:
    """Python floats as arrays, or `filter_jit` would compile once a gain."""

    def lift(leaf: Any) -> Any:
        return jnp.asarray(leaf) if isinstance(leaf, float) else leaf

    return jtu.tree_map(lift, init)


def _checked(value: Any, row: Row) -> Array:
    """A user's own initializer may return anything; say whose it was."""
    shape, dtype = np.shape(value), getattr(value, "dtype", None)
    if isinstance(value, (jax.Array, np.ndarray)) and (shape, dtype) == (
        row.spec.shape,
        row.spec.dtype,
    ):
        return jnp.asarray(value)
    name = type(row.init).__name__
    raise ValueError(
        f"{name} (rule {row.rule}) returned {dtype}{list(shape)} for `{row.path}`, "
        f"which is {row.spec.dtype}{list(row.spec.shape)}. Its `draw(key, spec)` must "
        "return an array of `spec.shape` and `spec.dtype`."
    )
