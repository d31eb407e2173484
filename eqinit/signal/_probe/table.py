"""The printed report of a probe."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ..._tables import Column, Table
from .._lines import ReportLine, ends, full_lines, short_lines
from .drift import Mark, marks
from .layer_signal import LayerSignal


@dataclasses.dataclass(frozen=True)
class _Marked:
    """A row, and what is wrong with it."""

    row: LayerSignal
    mark: Mark


_Line: TypeAlias = ReportLine[_Marked]


def full_table(
    rows: Sequence[LayerSignal], summary: Sequence[str], missing: Sequence[str]
) -> Table[_Line]:
    """A line for each row."""
    return _table(full_lines(_marked(rows)), summary, missing)


def short_table(
    rows: Sequence[LayerSignal], summary: Sequence[str], missing: Sequence[str]
) -> Table[_Line]:
    """One line for layers that repeat, where rows are many."""

    def name(marked: _Marked) -> tuple[str, str]:
        return marked.row.path, f"{marked.row.output} {marked.row.kind}"

    return _table(short_lines(_marked(rows), name), summary, missing)


def _marked(rows: Sequence[LayerSignal]) -> list[_Marked]:
    return [_Marked(*pair) for pair in zip(rows, marks(rows), strict=True)]


def _table(
    lines: Sequence[_Line], summary: Sequence[str], missing: Sequence[str]
) -> Table[_Line]:
    facts = {"missing": list(missing)}
    return Table(lines, _COLUMNS, ["", *summary], _data, facts)


def _data(line: _Line) -> dict[str, object]:
    return dataclasses.asdict(line.row.row)


def _kind(row: LayerSignal) -> str:
    return row.kind + (f" x{row.uses}" if row.uses > 1 else "")


def _mean(row: LayerSignal) -> str:
    # Behind a norm the mean is zero but for rounding, which says nothing.
    return "0" if abs(row.mean) < 1e-6 * row.std else _number(row.mean)


def _number(value: float | complex) -> str:
    return "" if value != value else f"{value:.3g}"


def _percent(value: float) -> str:
    if value != value:
        return ""
    return "0" if value == 0 else f"{100 * value:.3g}%"


def _correlation(value: float) -> str:
    return "" if value != value else f"{value:.2f}"


def _over(cell: Callable[[LayerSignal], str]) -> Callable[[_Line], str]:
    return ends(lambda marked: cell(marked.row))


def _drifting(
    cell: Callable[[LayerSignal], str], arrow: Callable[[Mark], str]
) -> Callable[[_Line], str]:
    """A cell with the arrow that any of the rows has."""

    def shown(line: _Line) -> str:
        arrows = dict.fromkeys(arrow(marked.mark) for marked in line.run)
        return f"{_over(cell)(line)} {''.join(arrows)}".strip()

    return shown


def _remark(line: _Line) -> str:
    faults = [fault for marked in line.run for fault in marked.mark.faults]
    return ", ".join(dict.fromkeys(faults))


def _path(line: _Line) -> str:
    row = line.row.row
    return f"{row.path or '(model)'}{row.output}"


_COLUMNS: Sequence[Column[_Line]] = (
    Column("layer", _path),
    Column("kind", _over(_kind)),
    Column("mean", _over(_mean)),
    Column("std", _drifting(lambda row: _number(row.std), lambda mark: mark.signal)),
    Column("max", _over(lambda row: _number(row.max))),
    Column("dead", _over(lambda row: _percent(row.dead)), quiet=True),
    Column("unit corr", _over(lambda row: _correlation(row.feature_corr))),
    Column("sample corr", _over(lambda row: _correlation(row.sample_corr))),
    Column(
        "grad std",
        _drifting(lambda row: _number(row.grad_std), lambda mark: mark.gradient),
    ),
    Column("blocked", _over(lambda row: _percent(row.blocked)), quiet=True),
    Column("remark", _remark, quiet=True),
)
