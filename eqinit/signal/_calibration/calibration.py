"""What a calibration did: data, table, verdict."""

import collections
import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._folding import Line, fold
from ..._tables import WIDTH, AbstractReport, Column, Table
from .._lines import ReportLine, ends, full_lines, short_lines


@dataclasses.dataclass(frozen=True)
class CalibratedLayer:
    """One layer, or one slice of a stacked one, before and after.

    - `path`: of the layer, with its slice.
    - `before`, `after`: (mean, std) of its output over the batch, after the layers
        before it were corrected, and without and with its own correction.
    - `scale`: smallest and largest factor on its kernels.
    - `miss`: how far off it still is, in the method's own measure.
    """

    path: str
    before: tuple[float, float]
    after: tuple[float, float]
    scale: tuple[float, float]
    miss: float


@dataclasses.dataclass(frozen=True)
class SkippedLayer:
    """A layer that was left as it is.

    - `path`: of the layer, with its slice where only that was left.
    - `kind`: its class.
    - `why`: why it cannot be calibrated.
    """

    path: str
    kind: str
    why: str


@dataclasses.dataclass(frozen=True, repr=False)
class Calibration(AbstractReport):
    """What a calibration did.

    - `rows`: one for each layer, in call order.
    - `passes`: how many were run, the last one to measure the result.
    - `tol`: what was asked for.
    - `skipped`: layers that were selected and left as they are, and why.
    """

    rows: tuple[CalibratedLayer, ...]
    passes: int
    tol: float
    skipped: tuple[SkippedLayer, ...] = ()

    @property
    def miss(self) -> float:
        """How far off the worst layer is; not a number counts as infinitely far."""
        return float(np.nan_to_num(max(r.miss for r in self.rows), nan=np.inf))

    @property
    def ok(self) -> bool:
        """Whether every calibrated layer is within the tolerance."""
        return all(r.miss <= self.tol for r in self.rows)

    def summary(self) -> str:
        """How many layers are as asked for, and which were left as they are."""
        met = sum(row.miss <= self.tol for row in self.rows)
        lines = [
            f"{met} of {len(self.rows)} layers within {self.tol:g} after "
            f"{self.passes} passes (the last one measures)",
            *list_skipped(self.skipped),
        ]
        return "\n".join(textwrap.fill(x, WIDTH, subsequent_indent="  ") for x in lines)

    def _table(self) -> Table[Any]:
        return self._table_of(full_lines(self.rows))

    def _short_table(self) -> Table[Any]:
        return self._table_of(short_lines(self.rows, lambda row: (row.path, "")))

    def _table_of(self, lines: Sequence[ReportLine[CalibratedLayer]]) -> Table[Any]:
        facts = {
            "ok": self.ok,
            "passes": self.passes,
            "tol": self.tol,
            "skipped": [dataclasses.asdict(layer) for layer in self.skipped],
        }
        columns = (*_COLUMNS, Column("off by", self._miss))
        summary = ["", *self.summary().splitlines()]
        return Table(lines, columns, summary, _data, facts)

    def _miss(self, line: ReportLine[CalibratedLayer]) -> str:
        worst = float(np.max([row.miss for row in line.run]))  # NaN if there is one
        return f"{worst:.1e}" + ("" if worst <= self.tol else " not met")

    def __str__(self) -> str:
        return self._short_table().text()

    def __repr__(self) -> str:
        return f"Calibration({self.summary().splitlines()[0]})"

    def _repr_html_(self) -> str:
        return self._short_table().html()


def _data(line: ReportLine[CalibratedLayer]) -> dict[str, Any]:
    return dataclasses.asdict(line.row)


def _mean(mean: float, std: float) -> str:
    # What is left of it is rounding.
    return "0" if abs(mean) < 1e-6 * std else f"{mean:.3g}"


def _scale(row: CalibratedLayer) -> str:
    low, high = (f"{factor:.3g}" for factor in row.scale)
    return low if low == high else f"{low}..{high}"


_COLUMNS: Sequence[Column[ReportLine[CalibratedLayer]]] = (
    Column("layer", lambda line: line.row.path or "(model)"),
    Column("mean", ends(lambda row: _mean(*row.before))),
    Column("std", ends(lambda row: f"{row.before[1]:.3g}")),
    Column("scale", ends(_scale)),
    Column("mean after", ends(lambda row: _mean(*row.after))),
    Column("std after", ends(lambda row: f"{row.after[1]:.3g}")),
)


def list_skipped(skipped: Sequence[SkippedLayer]) -> list[str]:
    """One line for each reason, with the layers that it is the reason for."""
    reasons: dict[str, list[SkippedLayer]] = collections.defaultdict(list)
    for layer in skipped:
        reasons[layer.why].append(layer)
    return [
        f"left as they are: {', '.join(_folded(layers))}: {why}"
        for why, layers in reasons.items()
    ]


def _folded(layers: Sequence[SkippedLayer]) -> list[str]:
    lines = [Line(s.path or "(model)", (s.kind,), i) for i, s in enumerate(layers)]
    return [f"{line.path} {line.cells[0]}" for line in fold(lines)]
