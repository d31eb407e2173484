"""The rule of convolutions."""

import math
from collections.abc import Sequence
from typing import Any

from .._typing import Shape
from .digits import VARIES, Digit, owned, plain, split
from .domain import Meaning
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
    share = math.prod(params["lhs_dilation"])
    tracks: list[Track] = []
    for track in kernel.tracks:
        grouped = _grouped(track.dims[outs], groups)
        if grouped is None:
            domain.lose(track, eqn.name)
            continue
        relations = [
            *[(d, "each") for d in grouped[0] if d.axis >= 0],
            *[(d, "out") for d in grouped[1] if d.axis >= 0],
            *[(d, "in") for d in track.dims[ins] if d.axis >= 0],
            *[(d, "kernel") for i in taps for d in track.dims[i] if d.axis >= 0],
        ]
        dims = list(plain(shape))
        dims[numbers.out_spec[1]] = track.dims[outs]
        args = (eqn.place, "conv", kernel, track, relations, data, tuple(dims), share)
        tracks.append(domain.meet(*args))
    domain.note_curve(data)
    for track in data.tracks:
        domain.fate(track).consumed = True
        domain.end(track)
        contracted_at_once(domain.fate(track), list(owned(track.dims)))
    return [kernel_output(data, plain(shape, VARIES), tracks)]


def _grouped(
    digits: tuple[Digit, ...], groups: int
) -> tuple[list[Digit], list[Digit]] | None:
    """The digits of a convolution's outputs, in groups and within one."""
    ahead: list[Digit] = []
    rest, left = list(digits), groups
    while left > 1:
        if not rest:
            return None
        digit = rest.pop(0)
        if digit.size > left:
            parts = None if digit.size % left else split(digit, digit.size // left)
            if parts is None:
                return None
            digit = parts[0]
            rest.insert(0, parts[1])
        if left % digit.size:
            return None
        left //= digit.size
        ahead.append(digit)
    return ahead, rest


def _filtered(domain: Meaning, data: Value, kernel: Value, shape: Shape) -> Value:
    """Data convolved with what is not a parameter: patches, blurs."""
    if data.kind == Kind.CONSTANT and kernel.kind == Kind.CONSTANT:
        return constant(shape)
    for track in data.tracks:
        domain.end(track)
    return Value(Kind.DATA, plain(shape, VARIES), reach=data.reach, near=data.near)


RULES: dict[str, Rule[Any]] = {"conv_general_dilated": convolution}
