"""Rules of primitives that move entries about and change none."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from .._typing import Shape
from .digits import (
    BLANK,
    VARIES,
    Cut,
    Digit,
    Dims,
    extent,
    owned,
    plain,
    reshape,
    sliced,
)
from .domain import Meaning
from .values import Kind, Track, Use, Value, constant
from .walker import Equation, Rule


Move = Callable[[Dims], Dims | None]


def moved(
    domain: Meaning, eqn: Equation, value: Value, move: Move, shape: Shape
) -> Value:
    """A value after its entries were moved; what cannot be followed is let go."""
    spread = move(value.spread)
    if spread is None:
        spread = plain(shape, VARIES if value.kind == Kind.DATA else BLANK)
    tracks: list[Track] = []
    for track in value.tracks:
        dims = move(track.dims)
        if dims is None:
            domain.lose(track, eqn.name)
            continue
        if isinstance(track.of, Use):
            _note_together(domain, track, dims)
        tracks.append(dataclasses.replace(track, dims=dims))
    return value.but(spread=spread, tracks=tuple(tracks))


def _note_together(domain: Meaning, track: Track, dims: Dims) -> None:
    for digits in dims:
        axes = {d.axis for d in digits if d.axis >= 0}
        domain.fate(track).together.update(map(frozenset, combinations(axes, 2)))


def _mover(make: Callable[[Equation], Move]) -> Rule[Any]:
    def rule(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
        return [moved(domain, eqn, values[0], make(eqn), eqn.outputs[0].shape)]

    return rule


def _reshape(eqn: Equation) -> Move:
    shape = eqn.outputs[0].shape
    if eqn.params.get("dimensions") is not None:
        return lambda dims: None
    return lambda dims: reshape(dims, shape)


def _transpose(eqn: Equation) -> Move:
    order = eqn.params["permutation"]
    return lambda dims: tuple(dims[i] for i in order)


def _squeeze(eqn: Equation) -> Move:
    gone = set(eqn.params["dimensions"])
    return lambda dims: tuple(d for i, d in enumerate(dims) if i not in gone)


def _broadcast(eqn: Equation) -> Move:
    shape, to = eqn.params["shape"], eqn.params["broadcast_dimensions"]

    def move(dims: Dims) -> Dims:
        new = list(plain(shape))
        for old, axis in zip(dims, to, strict=True):
            new[axis] = old if old else new[axis]
        return tuple(new)

    return move


def _tile(eqn: Equation) -> Move:
    reps = eqn.params["reps"]

    def move(dims: Dims) -> Dims:
        copies = [(Digit(BLANK, n),) if n > 1 else () for n in reps]
        return tuple(a + b for a, b in zip(copies, dims, strict=True))

    return move


# Slices.


def cut(
    domain: Meaning,
    eqn: Equation,
    value: Value,
    spans: Sequence[tuple[int | None, int, int]],
    how: str = "slice",
) -> Value:
    """A value sliced to (start, size, step) along each axis; `None` is not known yet."""
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
            parts[track.use.place, track.use.parameter] = cuts
        tracks.append(
            dataclasses.replace(track, dims=dims, cuts=track.cuts | set(cuts))
        )
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
    for out in eqn.outputs:
        spans: list[tuple[int | None, int, int]] = [(0, n, 1) for n in out.shape]
        spans[axis] = (start, out.shape[axis], 1)
        start += out.shape[axis]
        done.append(cut(domain, eqn, values[0], spans))
    return done


def _unstack(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    axis, shape = eqn.params["axis"], eqn.inputs[0].shape
    done: list[Value] = []
    for i, out in enumerate(eqn.outputs):
        spans = [(i, 1, 1) if a == axis else (0, n, 1) for a, n in enumerate(shape)]
        one = cut(domain, eqn, values[0], spans)
        drop: Move = lambda dims: dims[:axis] + dims[axis + 1 :]
        done.append(moved(domain, eqn, one, drop, out.shape))
    return done


def _dynamic_slice(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    value, *indices = values
    if value.kind == Kind.CONSTANT:
        return list(domain.unknown(eqn, values))
    shape = eqn.outputs[0].shape
    spans = [
        (index.curve if isinstance(index.curve, int) else None, size, 1)
        for index, size in zip(indices, shape, strict=True)
    ]
    by_data = any(index.kind != Kind.CONSTANT for index in indices)
    out = cut(domain, eqn, value, spans, "data" if by_data else "loop")
    out = out.but(
        reach=out.reach | functools.reduce(int.__or__, (i.reach for i in indices))
    )
    by_data = by_data and value.kind == Kind.PARAMETER
    return [domain.rows(out, eqn.place) if by_data else out]


def _dynamic_update_slice(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    operand, update = values[:2]
    if operand.kind == update.kind == Kind.CONSTANT:
        return [constant(operand.shape)]
    if operand.kind != Kind.CONSTANT or update.kind != Kind.DATA:
        return list(domain.unknown(eqn, values))
    return [_window(domain, update, eqn.outputs[0].shape)]


def _window(domain: Meaning, value: Value, shape: Shape) -> Value:
    """Axes whose length changes hold no digits any more."""
    varies = plain(shape, VARIES)

    def keep(dims: Dims, other: Dims) -> Dims:
        rows = zip(dims, value.shape, shape, other, strict=True)
        return tuple(d if old == new else o for d, old, new, o in rows)

    tracks = [
        dataclasses.replace(t, dims=keep(t.dims, plain(shape))) for t in value.tracks
    ]
    for before, after in zip(value.tracks, tracks, strict=True):
        if before.dims != after.dims and any(owned(before.dims)):
            domain.end(before)
    return value.but(spread=keep(value.spread, varies), tracks=tuple(tracks))


def _pad(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    value, fill = values
    if value.kind == Kind.CONSTANT or fill.kind != Kind.CONSTANT:
        return list(domain.unknown(eqn, values))
    if value.kind == Kind.DATA:
        return [_window(domain, value, eqn.outputs[0].shape)]
    config = eqn.params["padding_config"]
    for track in value.tracks:
        for digits, (low, high, inner) in zip(track.dims, config, strict=True):
            if (low or high or inner) and any(d.axis >= 0 for d in digits):
                return list(domain.unknown(eqn, values))
    padded = plain(eqn.outputs[0].shape)

    def move(dims: Dims) -> Dims:
        rows = zip(dims, config, padded, strict=True)
        return tuple(blank if any(c) else d for d, c, blank in rows)

    return [moved(domain, eqn, value, move, eqn.outputs[0].shape)]


def _reduce_window(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    value, *others = values
    window = eqn.params["window_dimensions"]
    for track in value.tracks:
        if any(
            n > 1 and any(owned((d,))) for n, d in zip(window, track.dims, strict=True)
        ):
            return list(domain.unknown(eqn, values))
    if value.kind != Kind.DATA or any(v.kind != Kind.CONSTANT for v in others):
        return list(domain.unknown(eqn, values))
    out = _window(domain, value, eqn.outputs[0].shape)
    linear = eqn.name == "reduce_window_sum"
    return [domain.blend([out], linear).but(curve=value.curve, roots=value.roots)]


# Several arrays put together.


def _concatenate(
    domain: Meaning, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    return [_put_together(domain, eqn, values, eqn.params["dimension"])]


def _stack(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    axis = eqn.params["axis"]
    move: Move = lambda dims: dims[:axis] + ((),) + dims[axis:]
    shape = eqn.inputs[0].shape
    shape = shape[:axis] + (1,) + shape[axis:]
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
    curves = {id(v.curve): v for v in values if v.kind != Kind.CONSTANT}
    same = next(iter(curves.values())) if len(curves) == 1 else Value(kind, ())
    if len(curves) != 1:
        for value in values:
            domain.note_curve(value)
    spread = list(next(v for v in values if v.kind == kind).spread)
    spread[axis] = plain((shape[axis],), VARIES if kind == Kind.DATA else BLANK)[0]
    data = [v for v in values if v.kind == Kind.DATA]
    bits = [
        functools.reduce(int.__or__, b, 0)
        for b in zip(*[(v.reach, v.near, v.direct) for v in data], strict=True)
    ] or [0, 0, 0]
    roots = (
        frozenset(r for v in values for r in v.roots)
        if len(curves) == 1
        else frozenset[Any]()
    )
    return Value(kind, tuple(spread), tuple(tracks), same.curve, roots, *bits)


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
                dims[axis] = (Digit(lead.axis, total, lead.stride),)
                return dataclasses.replace(
                    first, dims=tuple(dims), marks=first.marks | mark
                )
    if isinstance(first.of, int) and len(group) == 1:
        return first  # other parameters, or constants, beside it
    domain.end(first)
    dims[axis] = plain((shape[axis],))[0]
    return dataclasses.replace(first, dims=tuple(dims), marks=first.marks | mark)


def _fft(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values
    count, shape = len(eqn.params["fft_lengths"]), eqn.outputs[0].shape
    touched = [any(owned(t.dims[-count:])) for t in value.tracks]
    if value.kind != Kind.DATA or any(touched):
        return list(domain.unknown(eqn, values))
    out = _window(domain, value, shape)
    return [domain.blend([out], linear=True)]


def _scatter(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    """Entries replaced by constants are masked; other scatters are not followed."""
    operand, *others = values
    if operand.kind != Kind.PARAMETER or any(v.kind != Kind.CONSTANT for v in others):
        return list(domain.unknown(eqn, values))
    tracks = [
        dataclasses.replace(t, marks=t.marks | {"masked"}) for t in operand.tracks
    ]
    return [operand.but(tracks=tuple(tracks))]


def _same(eqn: Equation) -> Move:
    del eqn
    return lambda dims: dims


def _random(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain, values  # noise: no function of data or parameters
    return [constant(out.shape) for out in eqn.outputs]


_NOISE = (
    "iota random_bits random_seed random_wrap random_unwrap random_fold_in random_split "
    "random_clone random_gamma threefry2x32 rng_uniform rng_bit_generator"
).split()

RULES: dict[str, Rule[Any]] = {
    "broadcast_in_dim": _mover(_broadcast),
    "concatenate": _concatenate,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "expand_dims": _mover(_reshape),
    "fft": _fft,
    "pad": _pad,
    "reshape": _mover(_reshape),
    "rev": _mover(_same),
    "scatter": _scatter,
    "slice": _slice,
    "split": _split,
    "squeeze": _mover(_squeeze),
    "stack": _stack,
    "tile": _mover(_tile),
    "transpose": _mover(_transpose),
    "unstack": _unstack,
    **dict.fromkeys(_NOISE, _random),
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
