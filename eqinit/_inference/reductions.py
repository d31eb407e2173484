"""Rules of sums over axes and the like."""

import math
from collections.abc import Sequence
from typing import Any

from .digits import Dims, owned
from .domain import Meaning
from .moves import shows_on
from .values import Kind, Track, Value
from .walker import Equation, Rule


def reduction(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    """`reduce_sum` is linear; maxima, products and the like are not."""
    (value,) = values[:1]
    gone, name = set(eqn.params["axes"]), eqn.name
    if "picked" in value.notes and any(value.spread[axis] for axis in gone):
        value = domain.as_data(value, eqn.place, "lookup")

    def keep(dims: Dims) -> Dims:
        return tuple(d for axis, d in enumerate(dims) if axis not in gone)

    tracks: list[Track] = []
    for track in value.tracks:
        removed = list(owned(track.dims[axis] for axis in gone))
        linear = track.linear and name == "reduce_sum"
        if isinstance(track.of, int):
            marks = track.marks | ({"reduced"} if removed else set())
            track = track.but(marks=marks, linear=linear)
        else:
            if linear:
                domain.fate(track).summed.update(removed)
            else:
                domain.end(track)
            track = track.but(linear=linear)
        tracks.append(track.but(dims=keep(track.dims)))
    count = math.prod(value.shape[axis] for axis in gone)
    direct = value.direct if name == "reduce_sum" else 0
    out = value.but(spread=keep(value.spread), tracks=tuple(tracks), direct=direct)
    kept = frozenset({"many", "picked", "buffer"})
    notes = (out.notes & kept) | {f"sum of {count}"}
    return [out.but(notes=notes)] * len(eqn.outputs)


def cumulative(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values
    if shows_on(value, [eqn.params["axis"]]):
        return domain.unknown(eqn, values)
    if value.kind != Kind.DATA:
        return [value.bare()]
    return [domain.blend([value], linear=eqn.name == "cumsum")]


_REDUCTIONS = (
    "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or argmax argmin"
).split()

_CUMULATIVE = ("cumsum", "cummax", "cummin", "cumprod", "cumlogsumexp")

RULES: dict[str, Rule[Any]] = {
    **dict.fromkeys(_REDUCTIONS, reduction),
    **dict.fromkeys(_CUMULATIVE, cumulative),
}
