"""Follow parameters through a program until they meet data, and note what happens."""

import collections
import functools
import itertools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._typing import Number, Shape
from .curves import NODES, is_identity
from .digits import VARIES, Cut, Digit, Dims, overlaid, owned, plain, shape_of, whole
from .values import Fate, Kind, Relation, Track, Use, Value, constant
from .walker import AbstractDomain, Equation, Place, Rule


# What a use keeps of the notes of the data that it meets.
_TOLD = frozenset("fixed mixture outer routed scaled softmax weighed".split())

# More on one array are the branches of a long residual stream, and of no interest.
MOST_TRACKS = 8


class Meaning(AbstractDomain[Value]):
    """What each array of a program is, and each use of a parameter on the way.

    - `uses`, `fates`: by place and parameter.
    - `lost`: parameters that were lost sight of, and the primitive that did it.
    - `summed`: digits over whose values different uses of one parameter add up;
        `routed`: parameters of which these are weighed by data first.
    - `loops`: their lengths.
    """

    rounds = 3

    def __init__(self, rules: Mapping[str, Rule[Any]]) -> None:
        self.rules = rules
        self.uses: dict[tuple[Place, int], Use] = {}
        self.fates = collections.defaultdict[Any, Fate](Fate)
        self.lost: dict[int, str] = {}
        self.summed: dict[int, set[Digit]] = collections.defaultdict(set)
        self.routed: set[int] = set()
        self.loops: dict[Place, int | None] = {}
        self._starts: dict[Place, int] = {}
        self._bits = 0

    def parameter(self, number: int, shape: Shape) -> Value:
        if 0 in shape:
            return Value(Kind.PARAMETER, plain(shape))
        track, root = Track(number, whole(shape)), frozenset([number])
        return Value(Kind.PARAMETER, plain(shape), (track,), NODES, root)

    def data(self, shape: Shape) -> Value:
        return Value(Kind.DATA, plain(shape, VARIES))

    # What the walker asks.

    def constant(self, value: Any) -> Value:
        if isinstance(value, (bool, int, float, complex, np.generic)):
            return constant((), value)
        known = isinstance(value, np.ndarray) and value.ndim == 0
        return constant(tuple(value.shape), value.item() if known else None)

    def unknown(self, eqn: Equation, values: Sequence[Value]) -> list[Value]:
        kind = max((value.kind for value in values), default=Kind.CONSTANT)
        reach = union(*(value.reach for value in values))
        for value in values:
            for track in value.tracks:
                self.lose(track, eqn.name)
        if kind == Kind.CONSTANT:
            return [constant(out.shape) for out in eqn.outputs]
        return [
            Value(kind, plain(out.shape, VARIES), reach=reach, near=reach)
            for out in eqn.outputs
        ]

    def join(self, one: Value, other: Value) -> Value:
        if one.kind == Kind.CONSTANT or other.kind == Kind.CONSTANT:
            known = max(one, other, key=lambda value: value.kind)
            spread = overlaid(one.spread, other.spread)
            return known.but(spread=spread, curve=None, roots=frozenset[Any]())
        if one.kind == other.kind == Kind.PARAMETER:
            return self._either(one, other)
        one, other = self.as_data(one, (), "join"), self.as_data(other, (), "join")
        return self.blend([one, other], linear=True)

    def _either(self, one: Value, other: Value) -> Value:
        same = {t.key: (t.dims, t.cuts, t.marks) for t in one.tracks}
        if same == {t.key: (t.dims, t.cuts, t.marks) for t in other.tracks}:
            return one
        for track in (*one.tracks, *other.tracks):
            self.lose(track, "join")
        return one.but(tracks=(), curve=None, roots=frozenset[Any]())

    def carried(self, before: Value, after: Value) -> Value:
        return self.join(before, after)

    def settled(self, before: Sequence[Value], after: Sequence[Value]) -> bool:
        def summary(value: Value) -> Any:
            tracks = {(t.key, t.dims, t.linear) for t in value.tracks}
            return value.kind, value.spread, tracks

        return [summary(v) for v in before] == [summary(v) for v in after]

    def row(self, value: Value, index: int) -> Value:
        del index
        tracks = tuple(self._row(track) for track in value.tracks)
        return value.but(spread=value.spread[1:], tracks=tracks)

    def _row(self, track: Track) -> Track:
        cuts = {Cut(digit, None, 1, "loop") for digit in owned(track.dims[:1])}
        if isinstance(track.of, Use):
            self.fate(track).cuts |= cuts
        return track.but(dims=track.dims[1:], cuts=track.cuts | cuts)

    def stacked(self, rows: Sequence[Value], length: int) -> Value:
        value = rows[-1]
        lead = plain((length,), VARIES if value.kind == Kind.DATA else -1)
        tracks = tuple(
            track.but(dims=plain((length,)) + track.dims) for track in value.tracks
        )
        return value.but(spread=lead + value.spread, tracks=tracks)

    def begin_round(self, place: Place, number: int, length: int | None) -> None:
        self.loops[place] = length
        if number == 0:
            self._starts[place] = len(self.uses)
        # What a round saw before values settled is not to be believed.
        seen = list(itertools.islice(self.uses, self._starts[place], None))
        for key in seen:
            if key[0][: len(place)] == place:
                del self.uses[key]

    def reused(self, value: Value) -> Value:
        if value.kind != Kind.DATA:
            return value
        bit = self.new_bit()
        value = value.but(
            reach=value.reach | bit, near=value.near | bit, direct=value.direct | bit
        )
        return value.noted("shared")

    # What rules ask.

    def new_bit(self) -> int:
        self._bits += 1
        return 1 << self._bits

    def fate(self, track: Track) -> Fate:
        return self.fates[track.key]

    def lose(self, track: Track, why: str) -> None:
        """No longer follow a track."""
        if isinstance(track.of, Use):
            self.end(track)
        else:
            self.lost.setdefault(track.of, why)

    def end(self, track: Track) -> None:
        """Something other than a sum happens to what a use gave."""
        if isinstance(track.of, Use):
            self.fate(track).alive.update(owned(track.dims))

    def note_curve(self, value: Value) -> None:
        """The function that a kernel's output goes through ends here."""
        for key, part in value.roots if value.kind == Kind.DATA else ():
            self.fates[key].curves.append((part, value.curve))

    def meet(
        self,
        place: Place,
        how: str,
        value: Value,
        track: Track,
        relations: Sequence[tuple[Digit, Relation]],
        data: Value,
        share: Number = 1,
    ) -> Track:
        """A parameter meets data: note the use, and follow it from here."""
        curve = value.curve if track.curve is None else track.curve
        unclear = curve is None and not track.linear
        marks = track.marks | data.notes & _TOLD | ({"changed"} if unclear else set())
        use = Use(
            place,
            how,
            track.but(marks=marks),
            tuple(relations),
            None if curve is None or is_identity(curve) else curve,
            tuple(t for t in data.tracks if t.linear),
            "normalised" in data.notes and "shared" not in data.notes,
            self.new_bit(),
            data.reach,
            share,
        )
        self.uses[use.key] = use
        return Track(use, track.dims)

    def as_data(self, value: Value, place: Place, how: str) -> Value:
        """A parameter that stands where data does: a token, a looked-up row."""
        if value.kind == Kind.DATA:
            return value
        none = Value(Kind.DATA, value.spread)
        tracks = [
            self.meet(place, how, value, t, [(d, "free") for d in owned(t.dims)], none)
            for t in value.tracks
        ]
        return Value(
            Kind.DATA, varied(value), tuple(tracks), reach=bits_of(tracks) | value.reach
        )

    def rows(self, value: Value, place: Place) -> Value:
        """What was looked up: data, or, with two axes or more left, maybe kernels."""
        left = {d.axis for track in value.tracks for d in owned(track.dims)}
        if len(left) < 2:
            return self.as_data(value, place, "lookup")
        return value.noted("picked")

    def blend(
        self, values: Sequence[Value], linear: bool, notes: frozenset[str] = frozenset()
    ) -> Value:
        """The data that several arrays of one shape make together."""
        data = [value for value in values if value.kind == Kind.DATA]
        spread = data[0].spread
        for value in values:
            spread = overlaid(spread, varied(value))
        tracks = self.united(data, linear)
        if len(tracks) > MOST_TRACKS:
            notes |= {"many"}
        return Value(
            Kind.DATA,
            spread,
            tracks[-MOST_TRACKS:],
            reach=union(*(v.reach for v in data)),
            near=union(*(v.near for v in data)),
            direct=union(*(v.direct for v in data)) if linear else 0,
            notes=notes | {n for v in data for n in v.notes & {"many", "mixture"}},
        )

    def united(self, values: Sequence[Value], linear: bool) -> tuple[Track, ...]:
        """The tracks of several values, each use once."""
        found: dict[Any, Track] = {}
        for value in values:
            for track in value.tracks:
                if track.linear and not linear:
                    self.end(track)
                    track = track.but(linear=False)
                key = track.key
                found[key] = self._one(found.pop(key, track), track, linear)
        return tuple(found.values())

    def _one(self, one: Track, other: Track, linear: bool) -> Track:
        if one is other:
            return one
        if (one.dims, one.cuts) != (other.dims, other.cuts) and one.of is other.of:
            # Parts that add up again (a rotation of pairs) are no gates.
            self.fate(one).rejoined |= linear and one.linear and other.linear
        fuller = max(one, other, key=lambda t: len(list(owned(t.dims))))
        return fuller.but(linear=one.linear and other.linear)


def union(*bits: int) -> int:
    return functools.reduce(operator.or_, bits, 0)


def bits_of(tracks: Sequence[Track]) -> int:
    return union(*(track.use.bit for track in tracks))


def varied(value: Value) -> Dims:
    """Where an array differs with data or with what it shows of a parameter."""
    spread = value.spread
    for track in value.tracks if value.kind == Kind.PARAMETER else ():
        mine = tuple(
            tuple(Digit(VARIES if d.axis >= 0 else d.axis, d.size) for d in digits)
            for digits in track.dims
        )
        if shape_of(mine) == shape_of(spread):
            spread = overlaid(spread, mine)
    return spread


def is_varying(digits: tuple[Digit, ...]) -> bool:
    return any(digit.axis == VARIES for digit in digits)
