"""Lines of a printed report: one for each layer, or one for layers that repeat."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar


_T = TypeVar("_T")

# Up to so many rows each has a line of its own.
_MOST_ROWS = 24

# What is in front of the last number of a path, and that number.
_LAST_NUMBER = re.compile(r"(.*[.\[]|^)\d+(?=$|[.\]])")


@dataclasses.dataclass(frozen=True)
class ReportLine(Generic[_T]):
    """A row, and the run of like layers that it is shown for."""

    row: _T
    run: tuple[_T, ...]


def full_lines(rows: Sequence[_T]) -> list[ReportLine[_T]]:
    """A line for each row."""
    return [ReportLine(row, (row,)) for row in rows]


def short_lines(
    rows: Sequence[_T], name: Callable[[_T], tuple[str, str]]
) -> list[ReportLine[_T]]:
    """A line for each row where they are few; else one for layers that repeat.

    Layers that differ in the last number of their paths alone (`blocks.*.mlp.up`) are
    given the cells of their run, all the same ones, by which a `Table` folds them.

    - `name`: from a row to its path, and to what else must be the same.
    """
    if len(rows) <= _MOST_ROWS:
        return full_lines(rows)
    names = [name(row) for row in rows]
    keys = [(_LAST_NUMBER.sub(r"\1*", path), kind) for path, kind in names]
    runs: dict[tuple[str, str], list[_T]] = {}
    for row, key in zip(rows, keys, strict=True):
        runs.setdefault(key, []).append(row)
    pairs = zip(rows, keys, strict=True)
    return [ReportLine(row, tuple(runs[key])) for row, key in pairs]


def ends(cell: Callable[[_T], str]) -> Callable[[ReportLine[_T]], str]:
    """The cell of the first of a run, and that of the last where it is another."""

    def shown(line: ReportLine[_T]) -> str:
        first, last = cell(line.run[0]), cell(line.run[-1])
        return first if first == last else f"{first} to {last}"

    return shown
