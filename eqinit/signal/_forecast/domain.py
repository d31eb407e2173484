"""Second moments as values of the walker of jaxprs."""

import dataclasses
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from ..._inference.walker import AbstractDomain, Equation, Place, Rule, walk
from .atoms import Atom, Origin, numbers
from .curves import Curve
from .independent import moments_of_value
from .moments import Moments, agreeing, centred, measured, scaled
from .moves import broadcast, concatenated, taken
from .profiles import Product
from .trace import SLICES
from .values import Known, Random, Unknown, Value, random, why_of


# (number, length) of each loop around an equation, the outermost first.
Rounds: TypeAlias = tuple[tuple[int, int], ...]

# A float constant of more different values is data.
_FEW = 64


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """What each round of a loop returned; the last one stands for more."""

    rows: tuple[Value, ...]
    length: int

    def row(self, index: int) -> Value:
        return self.rows[min(index, len(self.rows) - 1)]


@dataclasses.dataclass(frozen=True)
class Record:
    """What stands at a mark, in one round of each loop around it.

    - `rounds`: of these loops.
    - `slices`: the numbers of those slices of a stacked layer that it is about, several
        where that is mapped over; `None` where nobody knows.
    - `again`: whether this is where a gradient computes a checkpoint's body again.
    """

    label: str
    rounds: Rounds
    value: Value
    slices: np.ndarray | None
    again: bool


class SecondMoments(AbstractDomain[Any]):
    """Every value by its second moments; what stands at marks is recorded."""

    # A recurrent net is followed to the end, unless it settles before.
    rounds = 4096

    def __init__(self, rules: "Mapping[str, Rule[Any]]") -> None:
        self.rules = rules
        self.records: list[Record] = []
        # By the key of `x`: what `x / sum(x)` is, and what of a gradient's square it
        # leaves in each row.
        self.shares: dict[Hashable, tuple[Random, np.ndarray]] = {}
        # By the number of a gradient minus its mean: what of its square that leaves.
        self.left: dict[int, float] = {}
        # By the number of weights: what they were used on, if they were used once.
        self.products: dict[int, Product | None] = {}
        self._rounds: dict[Place, tuple[int, int]] = {}
        # Arrays that were made of another one, so that the same is made but once.
        self._made: dict[Hashable, Atom] = {}
        self._rows: dict[Hashable, Random] = {}
        self._numbers: dict[Hashable, int] = {}
        # Of the round at hand: its number, and which row it was given.
        self._number = self._index = 0
        self._again = False
        # Which slices the next mark is about.
        self._slices: np.ndarray | None = None

    def constant(self, value: Any) -> Value:
        if jnp.issubdtype(jnp.result_type(value), jax.dtypes.extended):
            return Unknown(value.shape, "a PRNG key")
        array = np.asarray(value)
        if jnp.issubdtype(array.dtype, jnp.floating):
            array = array.astype(np.float64)
            if np.unique(array).size > _FEW:
                return random(measured(array))  # data that the call closes over
        return Known(array)

    def unknown(self, eqn: Equation, values: Sequence[Any]) -> Sequence[Value]:
        plain = [self.plain(value) for value in values]
        why = why_of(plain) or f"there is no rule for `{eqn.name}`"
        return [Unknown(tuple(out.shape), why) for out in eqn.outputs]

    def join(self, one: Any, other: Any) -> Value:
        one, other = self.plain(one), self.plain(other)
        if why := why_of([one, other]):
            return Unknown(one.shape, why)
        if isinstance(one, Known) and isinstance(other, Known):
            if np.array_equal(one.array, other.array):
                return one
        # Either, and nobody knows which.
        a, b = moments_of_value(one), moments_of_value(other)
        both = Moments(a.shape, (a.mean + b.mean) / 2, (a.pairs + b.pairs) / 2)
        return random(both, of=[one, other])

    def row(self, value: Any, index: int) -> Value:
        self._index = index
        if isinstance(value, Rows):
            return value.row(index)
        if isinstance(value, Known):
            return Known(np.asarray(value.array[index]))
        if isinstance(value, Unknown):
            return Unknown(value.shape[1:], value.why)
        one = value.moments
        if one.profile[0] > 1 or one.mean.shape[0] > 1:
            one = taken(one, 0, np.asarray([index]))
        # Both of two entries are in this row.
        pairs = agreeing(one.pairs, 0)
        pairs = pairs.reshape(one.flags[1:] + one.profile[1:])
        moments = Moments(one.shape[1:], one.mean.reshape(one.mean.shape[1:]), pairs)
        units = frozenset(axis - 1 for axis in value.atom.units if axis > 0)
        # A gradient meets the very row of the weights that was used.
        key = value.key, value.atom.place, "row", index
        if key not in self._rows:
            self._rows[key] = random(moments, value.unevenness, units, of=[value])
        return self._rows[key]

    def stacked(self, rows: Sequence[Any], length: int) -> Rows:
        return Rows(tuple(self.plain(row) for row in rows), length)

    def begin_round(self, place: Place, number: int, length: int | None) -> None:
        self._rounds[place] = (number, length or 1)
        self._number = self._index = number

    def settled(self, before: Sequence[Any], after: Sequence[Any]) -> bool:
        if self._index != self._number:
            return False  # backwards: those left out would be the first rows
        pairs = zip(before, after, strict=True)
        return all(_same(self.plain(a), self.plain(b)) for a, b in pairs)

    def record(self, label: str, place: Place, value: Value) -> None:
        """Keep what stands at a mark."""
        if label == SLICES:
            self._slices = value.array if isinstance(value, Known) else None
            return
        slices, self._slices = self._slices, None
        loops = (place[:i] for i in range(1, len(place)))
        rounds = tuple(self._rounds[loop] for loop in loops if loop in self._rounds)
        self.records.append(Record(label, rounds, value, slices, self._again))

    def used(self, weights: Atom, product: Product) -> None:
        """Weights were used. That a gradient does so again is no second use."""
        first = weights.number not in self.products
        once = first or (self._again and self.products[weights.number] is not None)
        self.products[weights.number] = product if once else None

    def checkpoint(self, eqn: Equation, values: Sequence[Any]) -> Sequence[Value]:
        """Its body; in a gradient, the body once more and what goes backward."""
        outside, self._again = self._again, self._again or eqn.params["differentiated"]
        outs = walk(self, eqn.params["jaxpr"], values, eqn.place)
        self._again = outside
        return outs

    def plain(self, value: Any) -> Value:
        """A value without rows: stacked along a new first axis."""
        if not isinstance(value, Rows):
            return value
        rows = [value.row(i) for i in range(value.length)]
        shape = (value.length, *rows[0].shape)
        if why := why_of(rows):
            return Unknown(shape, why)
        if all(isinstance(row, Known) for row in rows):
            return Known(np.stack([self.array(row) for row in rows]))
        axes = tuple(range(1, len(shape)))
        parts = [broadcast(moments_of_value(r), (1, *r.shape), axes) for r in rows]
        some = [row for row in rows if isinstance(row, Random)]
        unevenness = max(row.unevenness for row in some)
        units = frozenset(axis + 1 for axis in some[0].atom.units)
        return random(concatenated(parts, 0), unevenness, units, of=rows)

    def array(self, value: Value) -> np.ndarray:
        """That of a known value."""
        assert isinstance(value, Known)
        return value.array

    def centred(self, value: Random, origin: Origin) -> Value:
        """The value minus its own mean over some axes."""
        key, place = (value.key, "centred", origin.summed), value.atom.place

        def make() -> Atom:
            moments = centred(value.moments, sorted(origin.over))
            return value.whole.with_moments(moments)

        return Random(self._once(key, place, make))

    def without_mean(self, value: Random, gradient: Atom, origin: Origin) -> Value:
        """What is linear in a gradient, of that gradient minus a weighted mean."""
        n = math.prod(gradient.moments.shape[axis] for axis in origin.over)
        # With weights w, 1 - 2/n + sum w^2 is left of what is not common to all.
        left = max(1 - 2 / n + origin.share, 0.0)

        def make() -> Atom:
            one = centred(gradient.moments, sorted(origin.over))
            ratio = left / (1 - 1 / n) if n > 1 else 0.0
            return gradient.with_moments(scaled(one, math.sqrt(ratio)))

        key = gradient.number, "without mean", origin.summed, round(origin.share, 9)
        rest = self._once(key, gradient.place, make)
        self.left[rest.number] = left
        if value.factor is None:
            return Random(rest, origin=value.origin)
        return Random(value.atom, value.curve, value.origin, rest)

    def _once(self, key: Hashable, place: Any, make: Callable[[], Atom]) -> Atom:
        """One array, however often it is made and in whatever order its axes are."""
        number = self._numbers.setdefault(key, next(numbers))
        if (number, place) not in self._made:
            made = dataclasses.replace(make(), number=number, moved=place)
            self._made[number, place] = made
        return self._made[number, place]

    def moved(
        self,
        value: Random,
        move: Callable[[Moments], Moments],
        axes: Sequence[int | None],
        how: Hashable,
    ) -> Random:
        """A random array with its entries moved about.

        Functions of one array are functions of one array still: the array itself is
        moved once.

        **Arguments:**

        - `move`: of the moments.
        - `axes`: for each axis of the result the axis that it was; None for a new one.
        - `how`: what tells this move from others with these axes.
        """

        def moved(atom: Atom) -> Atom:
            key = (atom.id, atom.moments.shape, tuple(axes), how)
            if key not in self._made:
                self._made[key] = atom.rearranged(move(atom.moments), axes)
            return self._made[key]

        return Random(
            moved(value.atom),
            None if value.curve is None else _moved_curve(value, move),
            _moved_origin(value.origin, axes),
            None if value.factor is None else moved(value.factor),
        )


def _moved_curve(value: Random, move: Callable[[Moments], Moments]) -> Curve:
    """The same function: which class a position has moves as the array does."""
    curve, ndim = value.values, len(value.shape)
    index = curve.index.reshape((1,) * (ndim - curve.index.ndim) + curve.index.shape)
    classes = Moments(value.shape, index, np.zeros((1,) * 2 * ndim))
    return Curve(np.asarray(move(classes).mean, int), curve.values)


def _moved_origin(origin: Origin | None, axes: Sequence[int | None]) -> Origin | None:
    if origin is None:
        return None
    moved = tuple(None if axis is None else origin.axes[axis] for axis in axes)
    return dataclasses.replace(origin, axes=moved)


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, Known) and isinstance(other, Known):
        return np.array_equal(one.array, other.array)
    if isinstance(one, Random) and isinstance(other, Random):
        a, b = one.moments.pairs, other.moments.pairs
        if a.shape != b.shape:
            return False
        close = 1e-5 * float(np.abs(b).max())
        return bool(np.allclose(a, b, rtol=1e-5, atol=close))
    return False
