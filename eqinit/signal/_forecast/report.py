"""The forecast: rows, a table, and a plot beside what a probe measures."""

import collections
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..._folding import Line, fold
from ..._tables import AbstractReport, Column, Table
from .._lines import ReportLine, ends, full_lines, short_lines
from .._probe.drift import trends
from .._probe.plot import Rows, plot_reports
from .._probe.rows import row_at, summed_up
from .layer_forecast import LayerForecast


@dataclasses.dataclass(frozen=True, repr=False)
class Forecast(AbstractReport):
    """What a plan will do to signal and gradient: one row per layer, in call order.

    - `rows`: the rows ([`eqinit.signal.LayerForecast`][]).
    - `missing`: layers that were selected and never called.
    """

    rows: tuple[LayerForecast, ...]
    missing: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[LayerForecast]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, path: str) -> LayerForecast:
        return row_at(self.rows, path, "forecast")

    def plot(
        self,
        measured: Mapping[str, Rows] | Rows | None = None,
        *,
        path: Any = None,
        title: str = "",
    ) -> Any:
        """Plot std by depth, forward and backward, beside what was measured.

        **Arguments:**

        - `measured`: a report of [`eqinit.probe`][], or a dict of name to report.
        - `path`: where to save the figure, such as `"signal.png"`.
        - `title`: above both panels.

        **Returns:** the matplotlib figure.
        """
        named: dict[str, Rows] = {"forecast": self.rows}
        if isinstance(measured, Mapping):
            named |= {str(name): rows for name, rows in measured.items()}
        elif measured is not None:
            named["measured"] = measured
        return plot_reports(named, path=path, title=title)

    def summary(self) -> str:
        """How signal and gradient will develop, and what is not known."""
        notes = [f"not known: {text}" for text in _reasons(self.rows)]
        return summed_up(self.rows, self.missing, notes)

    def _table(self) -> Table[Any]:
        return self._table_of(full_lines(self.rows))

    def _short_table(self) -> Table[Any]:
        return self._table_of(
            short_lines(self.rows, lambda row: (row.path, f"{row.output} {row.kind}"))
        )

    def _table_of(self, lines: Sequence[ReportLine[LayerForecast]]) -> Table[Any]:
        summary = ["", *self.summary().splitlines()]
        return Table(lines, _COLUMNS, summary, _data, {"missing": list(self.missing)})

    def __str__(self) -> str:
        return self._short_table().text()

    def __repr__(self) -> str:
        forward, backward = (trend.verdict or str(trend) for trend in trends(self.rows))
        return f"Forecast({len(self.rows)} rows: signal {forward}, gradient {backward})"

    def _repr_html_(self) -> str:
        return self._short_table().html()


def _reasons(rows: Sequence[LayerForecast]) -> list[str]:
    """What is not known, by the reason."""
    reasons: dict[str, list[str]] = collections.defaultdict(list)
    for row in rows:
        if row.why:
            what = "" if row.std is None else " (gradient)"
            reasons[row.why].append(f"{row.path or '(model)'}{row.output}{what}")
    return [
        f"{', '.join(line.path for line in _folded(paths))}: {why}"
        for why, paths in reasons.items()
    ]


def _folded(paths: Sequence[str]) -> list[Line]:
    return fold([Line(path, (), i) for i, path in enumerate(paths)])


def _data(line: ReportLine[LayerForecast]) -> dict[str, Any]:
    return dataclasses.asdict(line.row)


def _number(
    field: Callable[[LayerForecast], float | None], form: str = ".3g"
) -> Callable[[ReportLine[LayerForecast]], str]:
    def cell(row: LayerForecast) -> str:
        value = field(row)
        return "" if value is None else f"{value:{form}}"

    return ends(cell)


def _mean(row: LayerForecast) -> float | None:
    if row.mean is None or row.std is None:
        return None
    return 0.0 if abs(row.mean) < 1e-6 * row.std else row.mean


_COLUMNS: Sequence[Column[ReportLine[LayerForecast]]] = (
    Column("layer", lambda line: f"{line.row.path or '(model)'}{line.row.output}"),
    Column(
        "kind",
        ends(lambda row: row.kind + (f" x{row.uses}" if row.uses > 1 else "")),
    ),
    Column("mean", _number(_mean)),
    Column("std", _number(lambda row: row.std)),
    Column("sample corr", _number(lambda row: row.sample_corr, ".2f"), quiet=True),
    Column("grad std", _number(lambda row: row.grad_std)),
)
