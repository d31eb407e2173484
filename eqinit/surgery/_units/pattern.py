"""How the entries along an axis belong to the units of a group."""

import dataclasses
import itertools
from typing import Any, TypeAlias

import numpy as np

from .factors import Axis, Factor, resolved


# The units (`None`), so many other entries, or an axis in an axis.
Step: TypeAlias = "int | Pattern | None"
Indices: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]


@dataclasses.dataclass(frozen=True)
class Pattern:
    """How the entries along an axis belong to units.

    - `parts`: one behind the other; each is a product, the slowest step first, in which
        `None` are the units.
    """

    parts: tuple[tuple[Step, ...], ...]

    def __str__(self) -> str:
        texts = [" ".join(map(_text, part)) or "1" for part in self.parts]
        runs = [(text, len(list(run))) for text, run in itertools.groupby(texts)]
        texts = [_text_of_run(text, n) for text, n in runs]
        return " + ".join(texts)

    @property
    def is_plain(self) -> bool:
        """Whether an entry is a unit."""
        return self.parts == ((None,),)

    @property
    def slower(self) -> int | None:
        """How many entries the steps before the units have; `None` in several parts."""
        if len(self.parts) != 1 or None not in self.parts[0]:
            return None
        total = 1
        for step in itertools.takewhile(lambda s: isinstance(s, int), self.parts[0]):
            assert isinstance(step, int)
            total *= step
        return total

    @property
    def has_repeats(self) -> bool:
        """Whether an entry belongs to two units at once."""
        return any(
            sum(step is None or isinstance(step, Pattern) for step in part) > 1
            or any(isinstance(step, Pattern) and step.has_repeats for step in part)
            for part in self.parts
        )

    def entries(self, units: Indices, size: int) -> tuple[Indices, Indices]:
        """Where the entries of these units were among those of `size` units.

        **Returns:** old places along the axis, in the new order, and the number in
        `units` of the unit that each belongs to; -1 where it belongs to none.
        """
        done = [_entries(part, units, size) for part in self.parts]
        lengths = [_extent(part, size) for part in self.parts]
        starts = np.cumsum([0, *lengths[:-1]])
        places = [at + start for (at, _), start in zip(done, starts, strict=True)]
        return np.concatenate(places), np.concatenate([unit for _, unit in done])

    def extent(self, size: int) -> int:
        """The length of the axis, with so many units."""
        return sum(_extent(part, size) for part in self.parts)


def _text(step: Step) -> str:
    return (
        "unit" if step is None else f"{step}" if isinstance(step, int) else f"({step})"
    )


def _text_of_run(text: str, count: int) -> str:
    if text == "1":
        return str(count)
    return text if count == 1 else f"{count} times {text}"


def _extent(part: tuple[Step, ...], size: int) -> int:
    total = 1
    for step in part:
        total *= _length(step, size)
    return total


def _length(step: Step, size: int) -> int:
    if step is None:
        return size
    return step if isinstance(step, int) else step.extent(size)


def _entries(
    part: tuple[Step, ...], units: Indices, size: int
) -> tuple[Indices, Indices]:
    at, unit = np.zeros(1, np.intp), np.full(1, -1, np.intp)
    for step in part:
        if step is None:
            here, mine = units, np.arange(len(units))
        elif isinstance(step, int):
            here, mine = np.arange(step), np.full(step, -1, np.intp)
        else:
            here, mine = step.entries(units, size)
        at = (at[:, None] * _length(step, size) + here).ravel()
        unit = np.maximum(unit[:, None], mine).ravel()
    return at, unit


def pattern_of(axis: Axis, units: Factor) -> Pattern | None:
    """How an axis is made of these units; `None` where it is not."""
    parts = tuple(tuple(_step(f, units) for f in part) for part in resolved(axis))
    shown = any(not isinstance(step, int) for part in parts for step in part)
    return Pattern(parts) if shown else None


def _step(factor: Factor, units: Factor) -> Step:
    if factor is units:
        return None
    inside = None if factor.bound is None else pattern_of(factor.bound, units)
    return factor.size if inside is None else inside
