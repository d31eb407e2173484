"""The rule of convolutions."""

import math
from collections.abc import Sequence
from typing import Any

from .._typing import Shape
from .digits import BLANK, VARIES, Digit, joined, owned, paired, plain
from .domain import Meaning
from .entries import entries
from .products import contracted_at_once, kernel_output
from .values import Kind, Track, Value, constant
from .walker import Equation, Rule


def convolution(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    data, kernel = values
    shape = eqn.outputs[0].shape
    if kernel.kind == Kind.CONSTANT:
        if data.kind == Kind.PARAMETER:
            return domain.unknown(eqn, values)
        return [_filtered(domain, data, kernel, shape)]
    if data.kind == Kind.PARAMETER and "picked" in data.notes:
        data = domain.as_data(data, eqn.place, "lookup")
    if (data.kind, kernel.kind) != (Kind.DATA, Kind.PARAMETER):
        return domain.unknown(eqn, values)
    numbers, params = eqn.params["dimension_numbers"], eqn.params
    outs, ins, *taps = numbers.rhs_spec
    groups = params["feature_group_count"] * params["batch_group_count"]
    share, size = math.prod(params["lhs_dilation"]), kernel.shape[outs]
    tracks: list[Track] = []
    for track in kernel.tracks:
        outputs = (Digit(VARIES, groups), Digit(BLANK, size // groups))
        if paired(track.dims[outs], joined(outputs)) is None:
            domain.lose(track, eqn.name)
            continue
        relations = [
            *entries((track.dims[outs],), (joined(outputs),)),
            *[(d, "in") for d in owned([track.dims[ins]])],
            *[(d, "kernel") for d in owned(track.dims[i] for i in taps)],
        ]
        dims = list(plain(shape))
        dims[numbers.out_spec[1]] = track.dims[outs]
        here = track.but(dims=tuple(dims))
        args = (eqn.place, "conv", kernel, here, relations, data, share)
        tracks.append(domain.meet(*args))
    domain.note_curve(data)
    for track in data.tracks:
        domain.fate(track).consumed = True
        domain.end(track)
        contracted_at_once(domain.fate(track), list(owned(track.dims)))
    return [kernel_output(data, plain(shape, VARIES), tracks)]


def _filtered(domain: Meaning, data: Value, kernel: Value, shape: Shape) -> Value:
    """Data convolved with what is not a parameter: patches, blurs."""
    if data.kind == Kind.CONSTANT and kernel.kind == Kind.CONSTANT:
        return constant(shape)
    for track in data.tracks:
        domain.end(track)
    return Value(Kind.DATA, plain(shape, VARIES), reach=data.reach, near=data.near)


RULES: dict[str, Rule[Any]] = {"conv_general_dilated": convolution}
