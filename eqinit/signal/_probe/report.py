"""The report: what a probe has measured, as data, as a table and as a plot."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
from jax.core import Tracer

from ..._tables import AbstractReport, Table
from .._taps.dry_run import CalledLayer
from .drift import trends
from .layer_signal import LayerSignal, signals
from .plot import plot_reports
from .readings import Readings
from .rows import row_at, summed_up
from .table import full_table, short_table


class Report(AbstractReport, eqx.Module):
    """What every layer does to signal and gradient: one row per layer, in call order.

    A report is a PyTree: it can be returned from `jit` and, mapped over, from `vmap`
    (take one member with `jax.tree.map(lambda x: x[i], reports)`). Printing it shows a
    table in which arrows mark what drifts; `plot` shows it by depth. Of many layers,
    those that repeat are one line, with their first and their last value; `unfolded`
    has them all.

    - `rows`: the rows ([`eqinit.signal.LayerSignal`][]).
    - `missing`: layers that were selected and never called.
    """

    readings: Readings
    layers: tuple[CalledLayer, ...] = eqx.field(static=True)
    missing: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def rows(self) -> tuple[LayerSignal, ...]:
        sums = self.readings.sums
        if isinstance(sums, Tracer):
            raise ValueError(
                "the numbers of a report are not known inside a transformation; "
                "return the report from it and read its rows outside."
            )
        if sums.ndim != 2:
            raise ValueError(
                f"these are {sums.shape[:-2]} reports in one; take one of them, as in "
                "`jax.tree.map(lambda x: x[0], report)`."
            )
        return signals(self.readings, self.layers)

    def __iter__(self) -> Iterator[LayerSignal]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, path: str) -> LayerSignal:
        return row_at(self.rows, path, "report")

    def plot(self, *others: "Report", labels: Any = None, path: Any = None) -> Any:
        """Plot std by depth, forward and backward, beside other reports.

        **Arguments:**

        - `*others`: further reports, such as other initialisations of the same model.
        - `labels`: a name for each report, this one first.
        - `path`: where to save the figure, such as `"signal.png"`.

        **Returns:** the matplotlib figure.
        """
        reports = (self, *others)
        names = labels or [f"report {i}" for i in range(len(reports))]
        rows = [report.rows for report in reports]
        return plot_reports(dict(zip(names, rows, strict=True)), path=path)

    def summary(self) -> str:
        """How signal and gradient develop, and which layers were not called."""
        return summed_up(self.rows, self.missing)

    def _table(self) -> Table[Any]:
        return full_table(self.rows, self.summary().splitlines(), self.missing)

    def _short_table(self) -> Table[Any]:
        return short_table(self.rows, self.summary().splitlines(), self.missing)

    def __str__(self) -> str:
        return self._short_table().text()

    def __repr__(self) -> str:
        sums = self.readings.sums
        if isinstance(sums, Tracer) or sums.ndim != 2:
            kind = "traced" if isinstance(sums, Tracer) else f"{sums.shape[:-2]} in one"
            return f"Report({sums.shape[-2]} rows, {kind})"
        forward, backward = (t.verdict or str(t) for t in trends(self.rows))
        verdicts = f"signal {forward}, gradient {backward}"
        return f"Report({sums.shape[-2]} rows: {verdicts})"

    def _repr_html_(self) -> str:
        return self._short_table().html()
