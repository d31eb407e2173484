"""Random arrays, and what later equations have to know of where they come from."""

import dataclasses
import functools
import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np

from ..._typing import Shape
from .curves import Curve, identity
from .moments import Moments, known


# By the number of an array, at the nodes of that: how large a gradient is there.
Profiles: TypeAlias = Mapping[int, np.ndarray]

# Arrays are told apart by a number that none has twice; 0 is that of plain ones.
numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, eq=False)
class Atom:
    """A random array, an entry of which is taken to be Gaussian at the scale it has.

    - `unevenness`: relative variance, over samples and draws, of the square of that
        scale. A little below zero where the sum of squares is fixed, behind a norm.
    - `tilt`: of a gradient, where its squares are: at samples and draws whose scale is
        so many standard deviations (of its logarithm) above the mean.
    - `units`: axes along which entries have their scale in common.
    - `drawn`: whether it is made of parameters alone.
    - `gradient`: whether it is a gradient on its way back.
    - `positive`: whether it is a sum of what is not negative, which may be divided by.
    - `multiple_of`: the number of another array that this one is a positive multiple
        of, by what is independent of that.
    - `parts`: of a sum, the gradients in it: their sources, and as `moved`.
    - `terms`: of any other sum, what is added up.
    - `profiles`: of a gradient, as in `profiles.py`.
    - `at`, `along`: of a gradient behind weights, what these were used on, and by how
        much more it is along that than along any other direction (`R - 1`).
    - `moved`: which axis of the array with this number each axis is, where they have
        been moved about; a negative number for one along which it was repeated.
    """

    moments: Moments
    unevenness: float = 0.0
    tilt: float = 0.0
    units: frozenset[int] = frozenset()
    drawn: bool = False
    gradient: bool = False
    positive: bool = False
    multiple_of: int | None = None
    parts: tuple[tuple[int, Shape], ...] = ()
    terms: "tuple[Term, ...]" = ()
    profiles: Profiles = dataclasses.field(default_factory=dict)
    at: "Term | None" = None
    along: float = 0.0
    number: int = dataclasses.field(default_factory=lambda: next(numbers))
    moved: Shape | None = None

    @property
    def place(self) -> Shape:
        return tuple(range(self.moments.ndim)) if self.moved is None else self.moved

    @property
    def id(self) -> Hashable:
        """The same for the same array with its axes in the same order."""
        return self.number, self.place

    @property
    def source(self) -> int:
        """The array that it is a multiple of, or itself."""
        return self.number if self.multiple_of is None else self.multiple_of

    @functools.cached_property
    def identity(self) -> Curve:
        """Itself, as a function of itself."""
        return identity(self.moments, self.unevenness, self.positive)

    def profile_on(self, atom: "Atom") -> np.ndarray | float:
        """Of a gradient, at the nodes of an array."""
        return self.profiles.get(atom.number, 1.0)

    def rearranged(self, moments: Moments, axes: Sequence[int | None]) -> "Atom":
        """The same array, with its axes moved about.

        - `axes`: for each axis the one that it was; None for a new one.
        """
        old = self.moments.shape
        # An axis of length 1 that has become longer is not what it was.
        kept = [
            None if axis is None or old[axis] != n else axis
            for axis, n in zip(axes, moments.shape, strict=True)
        ]

        def among(place: Shape) -> Shape:
            return tuple(-1 - i if a is None else place[a] for i, a in enumerate(kept))

        return dataclasses.replace(
            self,
            moments=moments,
            units=frozenset(i for i, axis in enumerate(axes) if axis in self.units),
            parts=tuple((source, among(place)) for source, place in self.parts),
            moved=among(self.place),
        )

    def with_moments(self, moments: Moments) -> "Atom":
        """Another array like it, with moments of its own."""
        number = next(numbers) if self.number else 0
        plain = Atom(moments, number=number)
        kept = ("unevenness", "tilt", "units", "drawn", "gradient", "positive")
        return dataclasses.replace(
            plain, **{name: getattr(self, name) for name in kept}
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Term:
    """A function of an array, maybe times a gradient, in a sum or a product.

    - `square`: its mean second moment.
    """

    atom: Atom
    curve: Curve | None
    factor: Atom | None
    square: float

    @property
    def values(self) -> Curve:
        """The function, without the factor."""
        return self.atom.identity if self.curve is None else self.curve


def ones(shape: Shape) -> Atom:
    """What a gradient is a multiple of, by nothing but numbers."""
    return Atom(known(np.ones(shape)), number=0)


Kind: TypeAlias = Literal[
    "square", "sum", "power", "max", "quotient", "weighted", "projected", "projection"
]


@dataclasses.dataclass(frozen=True)
class Origin:
    """What a value was made of, where a later equation may have to know.

    - `kind`: of the array `of`, the `square`; the `sum`; a function of the sum of its
        squares (`power`); the `max`; a `quotient` by its sum. Or the sum of that array
        times weights, which are of one sign (`weighted`) or of any (`projected`), and
        this times the weights once more (`projection`).
    - `of`: the key of that array, or the source of that gradient.
    - `summed`: along which of its axes, as they were numbered at first.
    - `axes`: which of its axes each axis of this value is; None where it was broadcast.
    - `factor`: what a sum was multiplied by; of a weighted one, the sign.
    - `share`: of weights, the sum of their squares over the square of their sum.
    - `weights`: what they are up to a factor.
    - `over`: along which axes was summed, as they are in the array beside this value.
    """

    kind: Kind
    of: Hashable
    summed: frozenset[int]
    axes: tuple[int | None, ...]
    factor: float = 1.0
    share: float = 0.0
    weights: Hashable = None
    over: frozenset[int] = frozenset()

    def beside(self, place: Shape) -> "Origin | None":
        """With axes numbered as in the array beside it, if they are where those are.

        - `place`: of that array.
        """
        over = frozenset(i for i, axis in enumerate(place) if axis in self.summed)
        fits = len(self.axes) == len(place) and all(
            own == axis or (own is None and axis in self.summed)
            for own, axis in zip(self.axes, place, strict=True)
        )
        return dataclasses.replace(self, over=over) if fits and over else None
