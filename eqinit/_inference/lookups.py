"""The rule of lookups by index."""

import math
from collections.abc import Sequence
from typing import Any

from .digits import BLANK, VARIES, Cut, Dims, owned, plain
from .domain import Meaning
from .values import Kind, Track, Value, constant
from .walker import Equation, Rule


def gather(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    value, indices = values
    if value.kind == indices.kind == Kind.CONSTANT:
        return [constant(eqn.outputs[0].shape)]
    if indices.kind == Kind.PARAMETER:
        return domain.unknown(eqn, values)
    numbers, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    shape, batch = eqn.outputs[0].shape, _batch_axes(eqn)
    many = math.prod(shape[i] for i in batch) > 1
    how = "data" if indices.kind == Kind.DATA else "lookup" if many else "loop"
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    kept = [i for i in range(len(sizes)) if i not in gone]
    moves = dict(zip(kept, numbers.offset_dims, strict=True))
    start = len(eqn.inputs[1].shape) - 1
    ordered = {b: batch[b] for b in range(start)}
    for mine, theirs in zip(
        numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True
    ):
        moves[mine] = ordered[theirs]
    varies = VARIES if indices.kind == Kind.DATA or value.kind == Kind.DATA else BLANK
    looked = {b for b in batch if b not in moves.values()}

    def arrange(dims: Dims, fill: int) -> Dims:
        new = list(plain(shape, fill))
        for i, axis in moves.items():
            whole = sizes[i] == value.shape[i] or i in numbers.operand_batching_dims
            new[axis] = dims[i] if whole else plain((shape[axis],), fill)[0]
        return tuple(new)

    tracks: list[Track] = []
    for track in value.tracks:
        cuts = {
            Cut(d, None, 1 if i in gone else sizes[i], how)
            for i, digits in enumerate(track.dims)
            if sizes[i] != value.shape[i] and i not in numbers.operand_batching_dims
            for d in owned([digits])
        }
        if value.kind == Kind.DATA and cuts:
            domain.end(track)
        tracks.append(
            track.but(dims=arrange(track.dims, BLANK), cuts=track.cuts | cuts)
        )
    kind = max(value.kind, Kind.DATA if value.kind == Kind.CONSTANT else value.kind)
    spread = list(arrange(value.spread, varies))
    for axis in looked:
        spread[axis] = plain((shape[axis],), varies)[0]
    reach = value.reach | indices.reach
    out = value.but(kind=kind, spread=tuple(spread), tracks=tuple(tracks), reach=reach)
    if value.kind == Kind.DATA:
        return [out.but(near=value.near | indices.near)]
    return [out if how == "loop" else domain.rows(out, eqn.place)]


def _batch_axes(eqn: Equation) -> list[int]:
    """The output's axes that run over indices."""
    offset = eqn.params["dimension_numbers"].offset_dims
    return [i for i in range(len(eqn.outputs[0].shape)) if i not in offset]


RULES: dict[str, Rule[Any]] = {"gather": gather}
