"""The rule of products whose rows are sorted by expert."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from .digits import VARIES, owned, plain
from .domain import Meaning
from .products import Side, consumed, kernel_output
from .values import Kind, Track, Value
from .walker import Equation, Rule


def ragged_dot(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    """Rows sorted by expert, each group with a matrix of its own."""
    data, kernel, sizes = values
    numbers = eqn.params["ragged_dot_dimension_numbers"]
    (groups,) = numbers.rhs_group_dimensions or (None,)
    (theirs, mine), batch = numbers.dot_dimension_numbers
    if (data.kind, kernel.kind) != (Kind.DATA, Kind.PARAMETER) or any(batch[0]):
        return domain.unknown(eqn, values)
    del sizes
    shape = eqn.outputs[0].shape
    side = Side(data, tuple(theirs), (), (), True, ())
    tracks: list[Track] = []
    for track in kernel.tracks:
        relations = [
            (d, "each" if i == groups else "in" if i in mine else "out")
            for i, digits in enumerate(track.dims)
            for d in owned([digits])
        ]
        free = [d for i, d in enumerate(track.dims) if i != groups and i not in mine]
        dims = plain(shape[: len(shape) - len(free)]) + tuple(free)
        args = (eqn.place, "dot", kernel, track.but(dims=dims), relations, data)
        tracks.append(domain.meet(*args))
    consumed(domain, dataclasses.replace(side, free=tuple(range(len(data.shape)))))
    return [kernel_output(data, plain(shape, VARIES), tracks)]


RULES: dict[str, Rule[Any]] = {"ragged_dot_general": ragged_dot}
