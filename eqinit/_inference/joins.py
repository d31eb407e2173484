"""Rules that put several arrays together."""

from collections.abc import Sequence
from typing import Any

from .._typing import Shape
from .digits import BLANK, VARIES, Digit, Dims, plain
from .domain import Meaning, union
from .moves import moved
from .values import Kind, Track, Use, Value, constant
from .walker import Equation, Rule


def _concatenate(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    return [_put_together(domain, eqn, values, int(eqn.params["dimension"]))]


def _stack(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    axis = eqn.params["axis"]
    shape = eqn.inputs[0].shape
    shape = shape[:axis] + (1,) + shape[axis:]

    def move(dims: Dims) -> Dims:
        return dims[:axis] + ((),) + dims[axis:]

    values = [moved(domain, eqn, value, move, shape) for value in values]
    return [_put_together(domain, eqn, values, axis)]


def _put_together(
    domain: Meaning, eqn: Equation, values: Sequence[Value], axis: int
) -> Value:
    kind, shape = max(v.kind for v in values), eqn.outputs[0].shape
    if kind == Kind.CONSTANT:
        return constant(shape)
    if kind == Kind.DATA or any("picked" in v.notes for v in values):
        kind = Kind.DATA
        values = [
            domain.as_data(v, eqn.place, "concatenate")
            if v.kind == Kind.PARAMETER
            else v
            for v in values
        ]
    groups: dict[Any, list[Track]] = {}
    for value in values:
        for track in value.tracks:
            groups.setdefault(track.of, []).append(track)
    tracks = [_together(domain, group, axis, shape) for group in groups.values()]
    curved = [v for v in values if v.kind != Kind.CONSTANT]
    alike = bool(curved) and all(v.curve is curved[0].curve for v in curved)
    same = curved[0] if alike else Value(kind, ())
    if not alike:
        for value in values:
            domain.note_curve(value)
    spread = list(next(v for v in values if v.kind == kind).spread)
    spread[axis] = plain((shape[axis],), VARIES if kind == Kind.DATA else BLANK)[0]
    roots = frozenset(r for v in values for r in v.roots)
    data = [v for v in values if v.kind == Kind.DATA]
    return Value(
        kind,
        tuple(spread),
        tuple(tracks),
        same.curve,
        roots if alike else frozenset[Any](),
        reach=union(*(v.reach for v in data)),
        near=union(*(v.near for v in data)),
        direct=union(*(v.direct for v in data)),
    )


def _together(domain: Meaning, group: list[Track], axis: int, shape: Shape) -> Track:
    """One parameter's pieces: whole again, or no longer seen along that axis."""
    first = group[0]
    pieces = [digit for track in group for digit in track.dims[axis]]
    dims = list(first.dims)
    mark: set[str] = set()
    if len(group) > 1:
        mark = {"mixed"} if isinstance(first.of, int) else set()
        if isinstance(first.of, Use):
            domain.fate(first).rejoined |= all(track.linear for track in group)
        lead = pieces[0] if pieces else None
        if lead and all(p[0] == lead.axis and p.stride == lead.stride for p in pieces):
            total = sum(p.size for p in pieces)
            if total == lead.of == shape[axis]:
                # Halves of normalised queries that change places are no gates either.
                if isinstance(first.of, Use):
                    domain.fate(first).rejoined = True
                dims[axis] = (Digit(lead.axis, total, lead.stride),)
                return first.but(dims=tuple(dims), marks=first.marks | mark)
    if isinstance(first.of, int) and len(group) == 1:
        return first  # other parameters, or constants, beside it
    domain.end(first)
    dims[axis] = plain((shape[axis],))[0]
    return first.but(dims=tuple(dims), marks=first.marks | mark)


RULES: dict[str, Rule[Any]] = {"concatenate": _concatenate, "stack": _stack}
