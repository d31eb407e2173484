"""The report: what a probe has measured, as data, as a table and as a plot."""

import textwrap
from collections.abc import Iterator
from typing import Any

import equinox as eqx
from jax.core import Tracer

from ..._tables import WIDTH, AbstractReport, Table
from .._taps.dry_run import CalledLayer
from .drift import trends
from .layer_signal import LayerSignal, signals
from .plot import plot_reports
from .readings import Readings
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
        for row in self.rows:
            if path in (row.path, f"{row.path}{row.output}"):
                return row
        raise KeyError(
            f"no row `{path}` in this report; it has {[r.path for r in self.rows]}."
        )

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
        forward, backward = trends(self.rows)
        lines = [f"signal    {forward}", f"gradient  {backward}"]
        if self.missing:
            lines.append(f"not called: {', '.join(self.missing)}")
        indent = " " * len("gradient  ")
        return "\n".join(
            textwrap.fill(x, WIDTH, subsequent_indent=indent) for x in lines
        )

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
