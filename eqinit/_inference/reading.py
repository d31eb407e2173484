"""What the uses of a parameter say of it: role, axes, fans, and how sure that is."""

import itertools
import math
from collections.abc import Iterator, Sequence

from .._typing import Number, RoleName
from .curves import name_of
from .drafts import Draft, Piece
from .row import Factors, Reading
from .values import Use


def finished(
    draft: Draft,
    role: RoleName,
    *,
    fans: tuple[Number | None, Number | None] | None = None,
    fed_by: tuple[int, ...] = (),
) -> Reading:
    """The reading, in the notation of layouts."""
    use, axes, doubts = draft.use, _axes(draft), list(draft.doubts)
    if axes is None:
        doubts.append("part of it is not accounted for")
        axes = ()
    doubts += [_DOUBTS[mark] for mark in sorted(use.track.marks) if mark in _DOUBTS]
    text = " ".join(_written(axis) for axis in _without_stacks(axes))
    names = {name for axis in axes for name, _ in axis}
    bare = {"kernel": {"in", "out"}, "bias": {"out"}}.get(role, {""}) <= names
    fan_in, fan_out = fans or _fans(draft, role)
    return Reading(
        role,
        text if bare else f"{role}: {text}".strip(),
        fan_in,
        fan_out,
        fed_by,
        use.how,
        _through(use),
        draft.parts,
        "; ".join(dict.fromkeys(doubts)),
        axes,
    )


_DOUBTS = {
    "fixed": "applied to constants: a kernel, or a table of values",
    "mixture": "summed over what a softmax weighed: inputs, or experts",
    "mixed": "used twice in one expression, in more than one place",
    "outer": "a form in two inputs, or a mixture of experts",
    "reduced": "only a sum of it is used",
    "scaled": "picked by data and scaled: rows of a table, or inputs",
}


def _through(use: Use) -> str:
    names = [mark for mark in ("masked", "normalised") if mark in use.track.marks]
    if use.through is not None:
        names.append(name_of(use.through) or "?")
    elif "changed" in use.track.marks:
        names.append("?")
    return " ".join(names)


def _fans(draft: Draft, role: str) -> tuple[Number | None, Number | None]:
    if role != "kernel":
        return None, None
    taps = draft.size("kernel")
    fan_in = draft.size("in") * taps / draft.use.share
    fan_out = draft.size("out") * taps
    return (int(fan_in) if fan_in == int(fan_in) else fan_in), fan_out


def _axes(draft: Draft) -> tuple[Factors, ...] | None:
    """Each axis as named factors, or `None` where one is not covered exactly."""
    by_axis: dict[int, list[Piece]] = {}
    for piece in dict.fromkeys(draft.pieces):
        by_axis.setdefault(piece.digit.axis, []).append(piece)
    names = {piece.name for piece in draft.pieces}
    known = [p.digit.axis for p in draft.pieces if p.name in ("in", "out")]
    axes: list[Factors] = []
    for axis, size in enumerate(draft.shape):
        pieces = sorted(by_axis.get(axis, ()), key=lambda p: -p.digit.stride)
        if math.prod(p.digit.of for p in pieces) != size:
            return None
        tap = draft.use.how == "conv" and known and not _beside(known[0], axis, draft)
        axes.append(_merged(pieces) or ((_of_one(names, draft.use, bool(tap)), 1),))
        names.update(name for name, _ in axes[-1])
    return tuple(axes)


def _beside(one: int, other: int, draft: Draft) -> bool:
    """Whether both are channels of a filter: its first two axes, or its last two."""
    rank = len(draft.shape)
    return {one, other} in ({0, 1}, {rank - 2, rank - 1})


def _of_one(names: set[str], use: Use, tap: bool) -> str:
    """What an axis of length one is: no fan depends on it."""
    if use.how not in ("dot", "conv", "mul") or not names & {"in", "kernel", "out"}:
        return "one"
    missing = [name for name in ("in", "out") if name not in names and not tap]
    return [*missing, "kernel" if use.how == "conv" else "one"][0]


def _merged(pieces: Sequence[Piece]) -> Factors:
    done: list[tuple[str, int]] = []
    for name, run in itertools.groupby(pieces, key=lambda p: p.name):
        done.append((name, math.prod(p.digit.of for p in run)))
    return tuple(done)


def _without_stacks(axes: Sequence[Factors]) -> Iterator[Factors]:
    """Leading axes that every slice is independent along need no name."""
    names = [[name for name, _ in axis] for axis in axes]
    start = next(
        (i for i, n in enumerate(names) if n not in (["each"], ["stack"])), len(axes)
    )
    return iter(axes[start:] if start < len(axes) else axes)


_NAMES = {"each": "block", "free": "feature", "part": "part"}


def _written(axis: Factors) -> str:
    named = [(_NAMES.get(name, name), size) for name, size in axis]
    if len(named) == 1:
        return named[0][0]
    *first, (last, _) = named
    return f"({' '.join(f'{name}={size}' for name, size in first)} {last})"
