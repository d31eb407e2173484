"""Under a trace: one loop over equal parameters, instead of the same code for each."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._laws.families import LocScale
from .._laws.law import AbstractLaw
from .._schemes.initializer import cast
from .._typing import Array
from .one import draw_one
from .row import Row


def draw_looped(
    rows: Sequence[Row], laws: Sequence[AbstractLaw | None], keys: Array
) -> list[Any]:
    """The draws of `init.draw`, bit for bit, with one loop a kind of parameter.

    A draw that is traced becomes code. Forty-eight equal blocks of a transformer would
    become forty-eight copies of it, each to be compiled: a minute for a model that
    takes a second to fill. A loop's body is compiled once.
    """
    kinds: dict[Any, list[int]] = {}
    for i, (row, law) in enumerate(zip(rows, laws, strict=True)):
        kinds.setdefault(_kind(row, law), []).append(i)
    values: list[Any] = [None] * len(rows)
    for members in kinds.values():
        if len(members) == 1 or _constant(laws[members[0]]):
            for i in members:
                values[i] = draw_one(rows[i], keys[i])
            continue
        draw, data = _body([rows[i] for i in members], [laws[i] for i in members])
        stacked = jax.lax.map(draw, (keys[np.asarray(members)], data))
        for place, i in enumerate(members):
            values[i] = stacked[place]
    return values


def _kind(row: Row, law: AbstractLaw | None) -> Any:
    """What rows must have in common to be drawn by one loop."""
    if isinstance(law, LocScale) and _plain(law):
        return law.base, law.loc == 0, row.spec
    return id(row.init), row.spec


def _constant(law: AbstractLaw | None) -> bool:
    return law is not None and law.constant is not None


def _plain(law: LocScale) -> bool:
    return isinstance(law.loc, (int, float)) and isinstance(law.scale, (int, float))


def _body(
    rows: Sequence[Row], laws: Sequence[AbstractLaw | None]
) -> tuple[Callable[[Any], Any], Any]:
    """A loop's body, and beside the key what it needs to be told a step."""
    first, spec = laws[0], rows[0].spec
    if not isinstance(first, LocScale) or not _plain(first):
        return lambda step: draw_one(rows[0], step[0]), None
    base, centred = first.base, first.loc == 0
    # Depth-dependent scales enter as data, rounded as `LocScale.sample` rounds them.
    terms = [(law.loc, law.scale) for law in laws if isinstance(law, LocScale)]
    data = jnp.asarray(np.asarray(terms), spec.draw_dtype)

    def draw(step: Any) -> Array:
        key, (loc, scale) = step
        law = LocScale(base, 0.0 if centred else loc, scale)
        return cast(law.sample(key, spec.shape, spec.draw_dtype), spec.dtype)

    return draw, data
