"""Rules of slices, windows and padding."""

from collections.abc import Sequence
from typing import Any

from .digits import BLANK, Cut, Digit, Dims, extent, plain, sliced
from .domain import Meaning, union
from .moves import dropping, moved, shows_on, window
from .values import Kind, Track, Use, Value, constant
from .walker import Equation, Rule


def cut(
    domain: Meaning,
    eqn: Equation,
    value: Value,
    spans: Sequence[tuple[int | None, int, int]],
    how: str = "slice",
) -> Value:
    """A value sliced to (start, size, step) along each axis; `None` is not known."""
    shape = tuple(size for _, size, _ in spans)
    tracks: list[Track] = []
    parts: dict[Any, tuple[Cut, ...]] = {}
    for track in value.tracks:
        found = [_cut(d, span, how) for d, span in zip(track.dims, spans, strict=True)]
        if None in found:
            domain.lose(track, eqn.name)
            continue
        cuts = tuple(c for one in found if one for c in one[1] if c.digit.axis >= 0)
        dims = tuple(one[0] for one in found if one)
        if isinstance(track.of, Use):
            domain.fate(track).cuts.update(cuts)
            if track.linear:
                domain.fate(track).early.update(c.digit for c in cuts)
            parts[track.key] = cuts
        tracks.append(track.but(dims=dims, cuts=track.cuts | set(cuts)))
    roots = frozenset(
        (root[0], (*root[1], *parts.get(root[0], ())))
        if isinstance(root, tuple)
        else root
        for root in value.roots
    )
    found = [_cut(d, span, how) for d, span in zip(value.spread, spans, strict=True)]
    spread = tuple(f[0] if f else d for f, d in zip(found, plain(shape), strict=True))
    return value.but(spread=spread, tracks=tuple(tracks), roots=roots)


def _cut(
    digits: tuple[Digit, ...], span: tuple[int | None, int, int], how: str
) -> tuple[tuple[Digit, ...], tuple[Cut, ...]] | None:
    start, size, step = span
    if size == extent(digits) and step == 1:
        return digits, ()
    if start is not None:
        if extent(digits) <= 1:
            return digits, ()
        return sliced(digits, start, start + (size - 1) * step + 1, step)
    left = plain((size,), max((d.axis for d in digits if d.axis < 0), default=BLANK))
    return left[0], tuple(Cut(d, None, 1 if size == 1 else size, how) for d in digits)


def _slice(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    starts, shape = eqn.params["start_indices"], eqn.outputs[0].shape
    steps = eqn.params["strides"] or (1,) * len(starts)
    spans = list(zip(starts, shape, steps, strict=True))
    return [cut(domain, eqn, values[0], spans)]


def _split(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    axis, start, done = eqn.params["axis"], 0, list[Value]()
    rows = eqn.name == "unstack"  # without the axis that is split
    for out in eqn.outputs:
        size = 1 if rows else out.shape[axis]
        spans = [(0, n, 1) for n in eqn.inputs[0].shape]
        spans[axis] = (start, size, 1)
        start += size
        part = cut(domain, eqn, values[0], spans)
        if rows:
            part = moved(domain, eqn, part, dropping(axis), out.shape)
        done.append(part)
    return done


def _dynamic_slice(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    value, *indices = values
    if value.kind == Kind.CONSTANT:
        return domain.unknown(eqn, values)
    shape = eqn.outputs[0].shape
    spans = [
        (index.curve if isinstance(index.curve, int) else None, size, 1)
        for index, size in zip(indices, shape, strict=True)
    ]
    by_data = any(index.kind != Kind.CONSTANT for index in indices)
    out = cut(domain, eqn, value, spans, "data" if by_data else "loop")
    out = out.but(reach=out.reach | union(*(i.reach for i in indices)))
    by_data = by_data and value.kind == Kind.PARAMETER
    return [domain.rows(out, eqn.place) if by_data else out]


def _dynamic_update_slice(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    operand, update = values[:2]
    if operand.kind == update.kind == Kind.CONSTANT:
        return [constant(operand.shape)]
    if operand.kind != Kind.CONSTANT or update.kind != Kind.DATA:
        return domain.unknown(eqn, values)
    return [window(domain, update, eqn.outputs[0].shape)]


def _pad(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    value, fill = values
    if value.kind == Kind.CONSTANT or fill.kind != Kind.CONSTANT:
        return domain.unknown(eqn, values)
    if value.kind == Kind.DATA:
        return [window(domain, value, eqn.outputs[0].shape)]
    config = eqn.params["padding_config"]
    if shows_on(value, [i for i, added in enumerate(config) if any(added)]):
        return domain.unknown(eqn, values)
    padded = plain(eqn.outputs[0].shape)

    def move(dims: Dims) -> Dims:
        rows = zip(dims, config, padded, strict=True)
        return tuple(blank if any(c) else d for d, c, blank in rows)

    return [moved(domain, eqn, value, move, eqn.outputs[0].shape)]


def _reduce_window(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    value, *others = values
    taps = eqn.params["window_dimensions"]
    fixed = value.kind == Kind.DATA and all(v.kind == Kind.CONSTANT for v in others)
    if not fixed or shows_on(value, [i for i, n in enumerate(taps) if n > 1]):
        return domain.unknown(eqn, values)
    out = window(domain, value, eqn.outputs[0].shape)
    linear = eqn.name == "reduce_window_sum"
    return [domain.blend([out], linear).but(curve=value.curve, roots=value.roots)]


RULES: dict[str, Rule[Any]] = {
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "pad": _pad,
    "slice": _slice,
    "split": _split,
    "unstack": _split,
    **dict.fromkeys(
        (
            "reduce_window",
            "reduce_window_max",
            "reduce_window_min",
            "reduce_window_sum",
        ),
        _reduce_window,
    ),
}
