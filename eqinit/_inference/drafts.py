"""The digits of one use of a parameter, and what each of them is."""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

from .._typing import Shape
from .digits import Cut, Digit, split
from .domain import Meaning
from .values import Fate, Use


class Piece(NamedTuple):
    """A digit and what it is: `in`, `out`, `kernel`, `each`, `gate`, `vocab`, ..."""

    digit: Digit
    name: str


@dataclasses.dataclass
class Draft:
    """A reading in the making: of `use`, whose fate and parameter's shape are these."""

    use: Use
    fate: Fate
    shape: Shape
    pieces: list[Piece]
    parts: tuple[int, ...] = ()
    doubts: list[str] = dataclasses.field(default_factory=list)

    def rename(self, digit: Digit, old: Sequence[str], new: str) -> bool:
        """Call this digit, if it is one of `old`, `new`; split what holds it."""
        for i, piece in enumerate(self.pieces):
            carved = _carve(piece.digit, digit) if piece.name in old else None
            if carved is not None:
                self.pieces[i : i + 1] = [
                    Piece(d, new if d.stride == digit.stride else piece.name)
                    for d in carved
                ]
                return True
        return False

    def called(self, old: Sequence[str], new: str) -> "Draft":
        """The same, with all pieces that are one of `old` called `new`."""
        pieces = [p._replace(name=new) if p.name in old else p for p in self.pieces]
        return dataclasses.replace(self, pieces=pieces)

    def has(self, *names: str) -> bool:
        return any(piece.name in names for piece in self.pieces)

    def size(self, *names: str) -> int:
        return math.prod(p.digit.of for p in self.pieces if p.name in names)


def _carve(whole: Digit, part: Digit) -> list[Digit] | None:
    """`whole` split so that one of the pieces is `part`."""
    if whole.axis != part.axis or whole.part_of:
        return [whole] if whole[:3] == part[:3] else None
    above, below = part.stride * part.of, whole.stride
    if part.stride % below or (whole.stride * whole.size) % above:
        return None
    pieces = [whole]
    for stride in (above, part.stride):
        low = stride // below
        halves = split(pieces[-1], low) if 1 < low < pieces[-1].size else None
        pieces[-1:] = halves or pieces[-1:]
    return [piece for piece in pieces if piece.size > 1]


def read_use(meaning: Meaning, use: Use, shape: Shape, cuts: set[Cut]) -> Draft:
    """The pieces of every axis of one use; `cuts` are those of the parameter."""
    fate = meaning.fates[use.key]
    pieces = [Piece(_full(d), name) for d, name in use.relations]
    draft = Draft(use, fate, shape, pieces)
    _read_cuts(meaning, draft)
    _read_sums(draft)
    _read_mixtures(draft)
    own = {cut for cut in cuts if cut.how == "slice"}
    if not fate.rejoined:
        # Pairs of normalised queries that are rotated; gates are cut before a function.
        rotated = fate.blended - fate.early
        _read_gates({c for c in fate.cuts | own if c.digit not in rotated}, draft)
    _read_parts(own, draft)
    if use.track.links:
        _read_links(meaning, draft)
    return draft


def _full(digit: Digit) -> Digit:
    return digit._replace(start=0, size=digit.of, part_of=0)


# What a slice of the parameter itself took it apart into, by how it did.
_PICKED = {"data": "expert", "lookup": "vocab", "loop": "stack", "slice": "part"}


def _read_cuts(meaning: Meaning, draft: Draft) -> None:
    use = draft.use
    looked_up = use.how in ("lookup", "one-hot", "concatenate") or use.how == "add"
    for cut in sorted(use.track.cuts, key=str):
        if cut.size > 1 and cut.start is not None:
            continue  # the rest of it is still there, as part of a digit
        name = _PICKED[cut.how]
        if cut.size > 1:
            draft.doubts.append("a window of it is used")
        if looked_up and name in ("expert", "vocab"):
            name = "vocab"
        elif name == "vocab":
            name, doubt = "expert", "its rows are picked"
            draft.doubts.append(doubt)
        if any(s[:3] == cut.digit[:3] for s in meaning.summed.get(use.parameter, ())):
            name = "in"
            if use.parameter in meaning.routed:
                draft.doubts.append("a sum of slices that data weighs")
        elif "pair" in use.track.marks and name == "part":
            name = "pair"
        digit = _full(cut.digit)
        if not any(p.digit == digit for p in draft.pieces):
            draft.pieces.append(Piece(digit, name))


def _read_sums(draft: Draft) -> None:
    """Digits over which results are summed, and that nothing else saw, are inputs.

    A bias has none: its digits are called what those of its kernel are.
    """
    if draft.use.how == "add":
        return
    old = ("each", "out") if draft.use.how == "mul" else ("each",)
    for digit in draft.fate.summed:
        if not any(_overlap(digit, other) for other in draft.fate.alive):
            draft.rename(digit, old, "in")


def _overlap(one: Digit, other: Digit) -> bool:
    if one.axis != other.axis:
        return False
    return one.stride < other.stride * other.of and other.stride < one.stride * one.of


def _read_mixtures(draft: Draft) -> None:
    """A whole axis of outputs that data weighs: experts, or a form in two inputs.

    Queries of several heads that meet the keys of one are the same product.
    """
    for digit, softmax in draft.fate.mixed.items():
        new, full = "expert" if softmax else "in", draft.shape[digit.axis]
        if digit.size == full and draft.rename(digit, ("out",), new) and not softmax:
            draft.doubts.append(
                "a form in two inputs, a mixture of experts, or queries with one key"
            )


def _read_gates(cuts: set[Cut], draft: Draft) -> None:
    """Outputs that are cut into equal parts are gates."""
    by_digit: dict[Digit, set[tuple[int, int]]] = {}
    for cut in cuts:
        if cut.how == "slice" and cut.start is not None and not cut.digit.part_of:
            by_digit.setdefault(cut.digit, set()).add((cut.start, cut.size))
    for digit, spans in by_digit.items():
        if not _partition(sorted(spans), digit.size):
            continue
        sizes = [size for _, size in sorted(spans)]
        if len(set(sizes)) > 1:
            draft.parts = tuple(size * digit.stride for size in sizes)
            continue
        gate = Digit(digit.axis, len(sizes), digit.stride * sizes[0])
        draft.rename(gate, ("out",), "gate")


def _read_parts(cuts: set[Cut], draft: Draft) -> None:
    """Parts of the parameter that are used one by one."""
    for digit in {_full(cut.digit) for cut in cuts}:
        spans = {(c.start or 0, c.size) for c in cuts if _full(c.digit) == digit}
        complete = _partition(sorted(spans), digit.size)
        behind = [p for p in draft.pieces if p.digit.axis == digit.axis]
        name = "gate" if any(p.name == "out" for p in behind) else "stack"
        draft.rename(digit, ("part",), name)
        if not complete and not any(
            p.digit == digit and p.name == "in" for p in behind
        ):
            draft.doubts.append("only a part of it is used")


def _partition(spans: Sequence[tuple[int, int]], size: int) -> bool:
    ends = [start + length for start, length in spans]
    starts = [start for start, _ in spans]
    return len(spans) > 1 and starts == [0, *ends[:-1]] and ends[-1] == size


def _read_links(meaning: Meaning, draft: Draft) -> None:
    """In a product of parameters, the one nearest to the data is applied first."""
    use = draft.use
    uses = {p: u for (place, p), u in meaning.uses.items() if place == use.place}
    near = {p for p, u in uses.items() if any(name == "in" for _, name in u.relations)}
    distance = dict.fromkeys(near, 0)
    for _ in use.track.links:
        for link in use.track.links:
            for a, b in ((link.one, link.other), (link.other, link.one)):
                if a in distance:
                    distance.setdefault(b, distance[a] + 1)
    for link in use.track.links:
        mine = link.one == use.parameter
        if use.parameter not in (link.one, link.other):
            continue
        digit, other = (
            (link.one_digit, link.other) if mine else (link.other_digit, link.one)
        )
        closer = distance.get(use.parameter, 0) < distance.get(other, 0)
        draft.pieces.append(Piece(digit, "out" if closer else "in"))
    draft.doubts.append(
        "multiplied with another parameter first: a factor of a kernel, or a kernel "
        "and an array that stands for its input, with `in` for `out`"
    )
