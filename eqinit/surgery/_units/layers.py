"""Units of which each layer of a scanned stack has its own.

A body that is scanned over a stack of layers is traced once for all of them, so that
the hidden units of all layers are one dimension there. What is inside of the body alone
meets nothing of another layer, though, and may be in another order in each of them. It
meets others by what is carried from round to round, by what rounds return, by arrays
that all rounds see, and before and after the loop: a dimension that is in any of these
is shared by all layers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..._inference.walker import Place
from .factors import Axis, Factor, roots_of


class Loops:
    """What a walk sees of loops.

    - `rows`: by parameter, the loops that are handed it layer by layer.
    - `shared`: axes of what is carried, and of what rounds return.
    - `seen`: by the innermost loop around it, axes of what operations work on.
    """

    def __init__(self) -> None:
        self.rows: dict[int, set[Place]] = defaultdict(set)
        self.shared: list[Axis] = []
        self.seen: dict[Place, dict[int, Axis]] = defaultdict(dict)
        self._known: dict[Place, Place] = {(): ()}
        self._last: Place = ()

    def begin(self, place: Place) -> None:
        self._last = place
        self._known[place] = place

    def row(self, parameter: int) -> None:
        """A parameter is handed to the loop that has just begun, layer by layer."""
        self.rows[parameter].add(self._last)

    def see(self, place: Place, axes: Iterable[Axis]) -> None:
        around = self._around(place[:-1])
        # Axes are shared by most of the arrays that have them.
        self.seen[around].update((id(axis), axis) for axis in axes)

    def _around(self, place: Place) -> Place:
        if place not in self._known:
            self._known[place] = self._around(place[:-1])
        return self._known[place]


class Met(NamedTuple):
    """Which dimensions meet which, after a walk.

    - `rows`, `shared`, `seen`: as of the loops, by dimensions in the place of axes.
    """

    rows: Mapping[int, set[Place]]
    shared: set[Factor]
    seen: Mapping[Place, set[Factor]]


def met_in(loops: Loops) -> Met:
    """What a walk has seen, when all axes are known."""
    seen = {place: _roots(axes.values()) for place, axes in loops.seen.items()}
    return Met(loops.rows, _roots(loops.shared), seen)


def _roots(axes: Iterable[Axis]) -> set[Factor]:
    return {factor for axis in axes for factor in roots_of(axis)}


class Shown(NamedTuple):
    """One axis of a parameter that runs over a dimension.

    - `parameter`: its number, `None` where it is not used.
    - `axis`: which.
    - `lead`: what its first axis runs over.
    - `length`: of that.
    """

    parameter: int | None
    axis: int
    lead: Axis
    length: int


def layers_of(factor: Factor, places: Sequence[Shown], met: Met) -> int:
    """How many layers have units of their own along a dimension; 1 where it is one."""
    lengths = {place.length for place in places}
    handed = [met.rows.get(p.parameter) for p in places if p.parameter is not None]
    by_layer = len(handed) == len(places) and all(place.axis for place in places)
    if not (by_layer and all(handed) and len(lengths) == 1) or factor in met.shared:
        return 1
    around = {loop for loops in handed if loops for loop in loops}
    leads = _roots(place.lead for place in places)
    for place, factors in met.seen.items():
        inside = any(place[: len(loop)] == loop for loop in around)
        # Outside it meets other layers; inside, the whole stack would be all of them.
        if not (leads if inside else {factor}).isdisjoint(factors):
            return 1
    return lengths.pop()
