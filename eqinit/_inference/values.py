"""What an array is known to be: where it comes from, and which parameters it shows."""

import dataclasses
import enum
from collections.abc import Sequence
from typing import Any, TypeAlias

from .._typing import Number, Shape
from .digits import BLANK, VARIES, Cut, Digit, Dims, plain, shape_of
from .walker import Place


class Kind(enum.IntEnum):
    """Of a function of none, of parameters alone, of data: the largest wins."""

    CONSTANT = 0
    PARAMETER = 1
    DATA = 2


# What an axis of a parameter is where it meets data.
# `in`: contracted. `kernel`: a tap. `out`: free. `each`: the data has it as well.
Relation: TypeAlias = str
# Of a use: where, and the number of the parameter.
Key: TypeAlias = tuple[Place, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Use:
    """One meeting of one parameter with data.

    - `place`, `how`: where; `dot`, `conv`, `add`, `mul`, `lookup`, or the primitive.
    - `track`: the parameter, with what had been done to it, laid out as the result.
    - `relations`: each digit of the parameter, and what it is here.
    - `through`: the function that it goes through first (values at the nodes, or
        `None` where there is no such function).
    - `linear_in`: uses that the data was linear in, with their digits.
    - `normalised`: whether the data was, and nothing else reads it.
    - `bit`, `before`: its own bit among those of all values, and those before it.
    - `share`: how many of the taps reach one output (of a dilated convolution).
    """

    place: Place
    how: str
    track: "Track"
    relations: tuple[tuple[Digit, Relation], ...]
    through: Any
    linear_in: tuple["Track", ...]
    normalised: bool
    bit: int
    before: int
    share: Number = 1

    @property
    def parameter(self) -> int:
        return self.track.number

    @property
    def key(self) -> Key:
        return self.place, self.parameter


@dataclasses.dataclass(frozen=True)
class Link:
    """Two parameters contracted with each other, before either met data."""

    one: int
    one_digit: Digit
    other: int
    other_digit: Digit


@dataclasses.dataclass(frozen=True, eq=False)
class Track:
    """A parameter, or one that has met data, along the axes of an array.

    - `of`: the parameter's number, or the use.
    - `dims`: its digits.
    - `linear`: whether the array is still linear in it.
    - `cuts`: what was sliced away.
    - `marks`: `masked`, `normalised`, `reduced`, `changed`, `mixed`, `pair`.
    - `curve`: of a parameter, the function that it went through before it was put
        together with others.
    """

    of: int | Use
    dims: Dims
    linear: bool = True
    cuts: frozenset[Cut] = frozenset()
    marks: frozenset[str] = frozenset()
    links: frozenset[Link] = frozenset()
    curve: Any = None

    @property
    def use(self) -> Use:
        assert isinstance(self.of, Use)
        return self.of

    @property
    def number(self) -> int:
        assert isinstance(self.of, int)
        return self.of

    @property
    def key(self) -> Key | int:
        return self.of.key if isinstance(self.of, Use) else self.of

    def but(self, **changes: Any) -> "Track":
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True, eq=False)
class Value:
    """An array of the traced program.

    - `spread`: along which axes it differs with data.
    - `tracks`: of the parameters that it shows.
    - `curve`: its values as a function of one input (`roots`) at fixed nodes, where it
        is one: of a parameter's entries, or of the sums that kernels give.
    - `reach`, `near`, `direct`: which earlier values it depends on (one bit each): at
        all, without a kernel between, and linearly so.
    - `notes`: `normalised`, `one-hot`, `buffer`, `picked`, `many` (more tracks than
        are kept), `shared` (more than one equation reads it); of products of data,
        `outer` (each factor varies along an axis where the other is repeated), `routed`
        (one does) and `scaled` (one is one-hot).
    """

    kind: Kind
    spread: Dims
    tracks: tuple[Track, ...] = ()
    curve: Any = None
    roots: frozenset[Any] = frozenset()
    reach: int = 0
    near: int = 0
    direct: int = 0
    notes: frozenset[str] = frozenset()

    @property
    def shape(self) -> Shape:
        return shape_of(self.spread)

    def but(self, **changes: Any) -> "Value":
        return dataclasses.replace(self, **changes)

    def bare(self) -> "Value":
        """The same, as a function of nothing in particular."""
        return self.but(curve=None, roots=frozenset[Any]())

    def noted(self, *notes: str) -> "Value":
        return self.but(notes=self.notes | set(notes))


def constant(shape: Shape, curve: Any = None, notes: Sequence[str] = ()) -> Value:
    """An array of no data and no parameter; `curve` where all entries are that."""
    spread = plain(shape, VARIES if curve is None else BLANK)
    return Value(Kind.CONSTANT, spread, curve=curve, notes=frozenset(notes))


@dataclasses.dataclass(eq=False)
class Fate:
    """What became of the axes of a parameter after a use, all rounds together.

    - `cuts`: its digits that slices took apart; `rejoined`: some were put together;
        `early`: those that were cut before any function or norm; `blended`: those of
        which parts were added up.
    - `summed`: its digits that were summed over.
    - `alive`: those that were there when something else happened.
    - `mixed`: those that were contracted with other data, and whether that was a
        softmax.
    - `scored`: all that was left of them was contracted with other data.
    - `together`: pairs of axes that were treated alike: merged, or contracted at once.
    - `kin`: (axis, other use's key, its axis): the same index of two arrays.
    - `added`: what a bias was added to further.
    - `curves`: the function that the result goes through, by the part it was cut to.
    - `weighed`: its positions were summed with weights from data.
    - `consumed`, `returned`: by a later kernel, by the caller.
    - `averaged`: a mean was taken over them, not a sum.
    - `weights`: those over which a softmax was taken.
    - `attends`: a softmax over positions followed, not over its own outputs.
    - `followed`: by a normalisation; `residual`: places where it joins a stream.
    """

    cuts: set[Cut] = dataclasses.field(default_factory=set)
    rejoined: bool = False
    early: set[Digit] = dataclasses.field(default_factory=set)
    blended: set[Digit] = dataclasses.field(default_factory=set)
    summed: set[Digit] = dataclasses.field(default_factory=set)
    alive: set[Digit] = dataclasses.field(default_factory=set)
    mixed: dict[Digit, bool] = dataclasses.field(default_factory=dict)
    together: set[frozenset[int]] = dataclasses.field(default_factory=set)
    kin: set[tuple[int, Any, int]] = dataclasses.field(default_factory=set)
    added: list[Track] = dataclasses.field(default_factory=list)
    curves: list[tuple[Any, Any]] = dataclasses.field(default_factory=list)
    weighed: bool = False
    scored: bool = False
    averaged: bool = False
    attends: bool = False
    weights: set[Digit] = dataclasses.field(default_factory=set)
    consumed: bool = False
    returned: bool = False
    followed: bool = False
    residual: list[Place] = dataclasses.field(default_factory=list)
