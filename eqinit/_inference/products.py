"""Rules of matrix products: where parameters meet data, what is contracted is `in`."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from .._typing import Shape
from .combining import mixtures, weighs
from .curves import NODES
from .digits import VARIES, Digit, Dims, owned, paired, plain
from .domain import Meaning, bits_of, is_varying, union, varied
from .entries import entries
from .values import Fate, Kind, Link, Track, Value, constant
from .walker import Equation, Rule


@dataclasses.dataclass(frozen=True)
class Side:
    """One operand of a product, and where its axes go."""

    value: Value
    contracted: tuple[int, ...]
    batch: tuple[int, ...]
    free: tuple[int, ...]
    first: bool
    other_free: Shape

    def result(self, dims: Dims) -> Dims:
        """Its digits on the axes of the product: batch, left, right."""
        mine = tuple(dims[i] for i in self.free)
        rest = plain(self.other_free)
        batch = tuple(dims[i] for i in self.batch)
        return batch + (mine + rest if self.first else rest + mine)

    def digits(self, track: Track, axes: tuple[int, ...]) -> list[Digit]:
        return list(owned(track.dims[i] for i in axes))


def _sides(eqn: Equation, values: Sequence[Value]) -> tuple[Side, Side]:
    contracted, batch = eqn.params["dimension_numbers"]
    shapes = [aval.shape for aval in eqn.inputs]
    free = [
        tuple(i for i in range(len(shape)) if i not in (*c, *b))
        for shape, c, b in zip(shapes, contracted, batch, strict=True)
    ]
    sizes = [tuple(shape[i] for i in f) for shape, f in zip(shapes, free, strict=True)]
    one, other = (
        Side(v, tuple(contracted[n]), tuple(batch[n]), free[n], n == 0, sizes[1 - n])
        for n, v in enumerate(values)
    )
    return one, other


def dot_general(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    one, other = _sides(eqn, values)
    kinds = {one.value.kind, other.value.kind}
    if kinds == {Kind.CONSTANT}:
        return [constant(eqn.outputs[0].shape)]
    one, other = _settled(domain, eqn, one, other), _settled(domain, eqn, other, one)
    kinds = (one.value.kind, other.value.kind)
    if kinds == (Kind.DATA, Kind.DATA):
        return [_data_with_data(domain, one, other)]
    if Kind.DATA in kinds and Kind.PARAMETER in kinds:
        data, kernel = (one, other) if kinds[0] == Kind.DATA else (other, one)
        return [_contraction(domain, eqn, kernel, data)]
    if kinds == (Kind.PARAMETER, Kind.PARAMETER):
        return [_of_parameters(eqn, one, other)]
    fixed, moving = (one, other) if kinds[0] == Kind.CONSTANT else (other, one)
    contracts = any(moving.digits(t, moving.contracted) for t in moving.value.tracks)
    if moving.value.kind == Kind.PARAMETER and contracts:
        if fixed.value.curve == 0:  # the first state of a recurrent net
            return [constant(eqn.outputs[0].shape, 0.0)]
        if "buffer" in fixed.value.notes:  # vectors of a power iteration
            return [_of_parameters(eqn, moving, fixed)]
        # A net whose input is a grid of coordinates is a net.
        spread = plain(fixed.value.shape, VARIES)
        data = Value(Kind.DATA, spread, notes=frozenset({"fixed"}))
        fixed = dataclasses.replace(fixed, value=data)
        return [_contraction(domain, eqn, moving, fixed)]
    return [_with_constants(domain, moving)]


def _settled(domain: Meaning, eqn: Equation, side: Side, other: Side) -> Side:
    """Rows looked up from a table are data, unless they are themselves kernels."""
    value = side.value
    if "picked" not in value.notes or other.value.kind == Kind.CONSTANT:
        return side
    kernel = other.value.kind == Kind.DATA and all(
        side.digits(t, side.free) and side.digits(t, side.contracted)
        for t in value.tracks
    )
    if kernel:
        return side
    return dataclasses.replace(side, value=domain.as_data(value, eqn.place, "lookup"))


def _contraction(domain: Meaning, eqn: Equation, kernel: Side, data: Side) -> Value:
    value = kernel.value
    spread = data.value.spread
    one_hot = "one-hot" in data.value.notes
    met = data.value
    if not any(weighs(domain, met, axis) for axis in data.contracted):
        met = met.but(notes=met.notes - {"softmax"})
    tracks: list[Track] = []
    for track in value.tracks:
        batch = tuple(track.dims[i] for i in kernel.batch)
        relations = [
            *[
                (d, "vocab" if one_hot else "in")
                for d in kernel.digits(track, kernel.contracted)
            ],
            *[
                (d, "free" if one_hot else "out")
                for d in kernel.digits(track, kernel.free)
            ],
            *entries(batch, tuple(spread[i] for i in data.batch)),
        ]
        how, here = "one-hot" if one_hot else "dot", kernel.result(track.dims)
        several = len({d.axis for d in kernel.digits(track, kernel.contracted)}) > 1
        seen = met if several else met.but(notes=met.notes - {"outer"})
        args = (eqn.place, how, value, track.but(dims=here), relations, seen)
        tracks.append(domain.meet(*args))
        for other in data.value.tracks:
            _kin(domain, other, data, track, tracks[-1], kernel.batch)
    kept = consumed(domain, data)
    out = _either(kernel.result(varied(value)), data.result(spread))
    return kernel_output(data.value, out, [*kept, *tracks])


def _varies(side: Side, axes: Sequence[int]) -> bool:
    return any(is_varying(side.value.spread[axis]) for axis in axes)


def _either(one: Dims, other: Dims) -> Dims:
    """Along each axis of a product, the operand that varies there."""

    def varying(digits: tuple[Digit, ...]) -> int:
        return sum(digit.size for digit in digits if digit.axis == VARIES)

    return tuple(max(a, b, key=varying) for a, b in zip(one, other, strict=True))


def kernel_output(data: Value, spread: Dims, tracks: Sequence[Track]) -> Value:
    new = [t for t in tracks if t.linear]
    roots = frozenset((t.key, ()) for t in new)
    return Value(
        Kind.DATA, spread, tuple(tracks), NODES, roots, data.reach | bits_of(new)
    )


def consumed(domain: Meaning, data: Side) -> list[Track]:
    """What a kernel does to the tracks of the data that it is applied to."""
    domain.note_curve(data.value)
    kept: list[Track] = []
    for track in data.value.tracks:
        fate = domain.fate(track)
        fate.consumed = True
        domain.end(track)
        contracted_at_once(fate, data.digits(track, data.contracted))
        dims = data.result(track.dims)
        if any(owned(dims)):
            kept.append(track.but(dims=dims, linear=False))
    return kept


def contracted_at_once(fate: Fate, digits: Sequence[Digit]) -> None:
    axes = sorted({d.axis for d in digits})
    fate.together.update(map(frozenset, itertools.combinations(axes, 2)))


def _data_with_data(domain: Meaning, one: Side, other: Side) -> Value:
    tracks: list[Track] = []
    for mine, theirs in ((one, other), (other, one)):
        domain.note_curve(mine.value)
        for track in mine.value.tracks:
            gone = mine.digits(track, mine.contracted)
            fate = domain.fate(track)
            if gone:
                rest = mine.digits(track, mine.free)
                softmax = "softmax" in theirs.value.notes
                for digit in gone if rest and track.linear else ():
                    fate.mixed[digit] = softmax
                if not (rest and track.linear):
                    domain.end(track)
                fate.scored |= track.linear and not rest
                contracted_at_once(fate, gone)
            elif mine.contracted and track.linear:
                fate.weighed = True
            for met in theirs.value.tracks:
                _kin(domain, track, mine, met, met, theirs.batch)
            linear = track.linear and (not gone or any(mine.digits(track, mine.free)))
            dims = mine.result(track.dims)
            tracks.append(track.but(dims=dims, linear=linear))
    both = (one.value, other.value)
    axes = list(zip(one.batch, other.batch, strict=True))
    notes = mixtures(domain, one.value, other.value, axes)
    notes |= mixtures(domain, other.value, one.value, [(j, i) for i, j in axes])
    if not one.contracted and all(_varies(side, side.free) for side in (one, other)):
        notes |= {"outer"}
    spread = _either(*(side.result(side.value.spread) for side in (one, other)))
    return Value(
        Kind.DATA,
        spread,
        tuple({t.of: t for t in tracks if any(owned(t.dims))}.values())[-8:],
        reach=union(*(v.reach for v in both)),
        near=union(*(v.near for v in both)),
        notes=notes,
    )


def _kin(
    domain: Meaning,
    track: Track,
    mine: Side,
    other: Track,
    met: Track,
    batch: tuple[int, ...],
) -> None:
    """Axes of two uses that one batch index runs over."""
    for a, b in _together(track, mine.batch, other, batch):
        domain.fate(track).kin.add((a.axis, met.use.key, b.axis))


def _together(
    one: Track, axes: tuple[int, ...], other: Track, theirs: tuple[int, ...]
) -> Iterator[tuple[Digit, Digit]]:
    """Digits of two parameters that the same index runs over."""
    for i, j in zip(axes, theirs, strict=True):
        for a, b in paired(one.dims[i], other.dims[j]) or []:
            if a.axis >= 0 and b.axis >= 0:
                yield a, b


def _of_parameters(eqn: Equation, one: Side, other: Side) -> Value:
    """A product of parameters, which may meet data as one kernel."""
    links = {
        Link(a.number, d, b.number, e)
        for a in one.value.tracks
        for b in other.value.tracks
        for d, e in _together(a, one.contracted, b, other.contracted)
    }
    tracks: dict[Any, Track] = {}
    for side in (one, other):
        for track in side.value.tracks:
            curve = side.value.curve if track.curve is None else track.curve
            marks = track.marks
            if any(side.digits(track, side.contracted)):
                marks = marks | {"reduced"}
            dims, before = side.result(track.dims), tracks.get(track.of)
            if before is not None and not any(owned(dims)):
                continue
            if before is not None and any(owned(before.dims)):  # W W^T and the like
                marks = marks | {"mixed"}
            linked = track.links | links
            tracks[track.of] = track.but(
                dims=dims, links=linked, marks=marks, curve=curve
            )
    reach = one.value.reach | other.value.reach
    return Value(
        Kind.PARAMETER, plain(eqn.outputs[0].shape), tuple(tracks.values()), reach=reach
    )


def _with_constants(domain: Meaning, moving: Side) -> Value:
    """A fixed linear map, along axes that no parameter shows on."""
    value = moving.value
    tracks: list[Track] = []
    for track in value.tracks:
        if moving.digits(track, moving.contracted):
            domain.end(track)
        else:
            tracks.append(track.but(dims=moving.result(track.dims)))
    spread = list(moving.result(value.spread))
    if value.kind == Kind.DATA:
        start = len(moving.batch) + (len(moving.free) if moving.first else 0)
        for i, n in enumerate(moving.other_free):
            spread[start + i] = plain((n,), VARIES)[0]
    curve = value.curve if not moving.contracted else None
    return value.but(
        spread=tuple(spread),
        tracks=tuple(tracks),
        curve=curve,
        roots=value.roots if curve is not None else frozenset[Any](),
    )


RULES: dict[str, Rule[Any]] = {"dot_general": dot_general}
