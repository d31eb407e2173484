"""The report: what a probe has measured, as data, as a table and as a plot."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
from jax.core import Tracer

from ..._tables import html_table, text_table
from .._taps.dry_run import CalledLayer
from .drift import marks, trends, verdict
from .layer_signal import LayerSignal, signals
from .readings import Readings


_HEADER = (
    "layer", "kind", "mean", "std", "E[x^2]", "max", "dead", "feature corr",
    "sample corr", "grad std", "blocked", "",
)  # fmt: skip


class Report(eqx.Module):
    """What every layer does to signal and gradient: one row a layer, in call order.

    A report is a PyTree: it can be returned from `jit` and, mapped over, from `vmap`
    (take one member with `jax.tree.map(lambda x: x[i], reports)`). Printing it shows a
    table whose last column marks what drifts; `plot` shows it by depth.

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
        from .plot import plot_reports

        reports = (self, *others)
        names = labels or [f"report {i}" for i in range(len(reports))]
        return plot_reports(dict(zip(names, reports, strict=True)), path=path)

    def summary(self) -> str:
        """How signal and gradient develop, and which layers were not called."""
        forward, backward = trends(self.rows)
        lines = [
            f"signal    {verdict(forward)}",
            f"gradient  {verdict(backward)}",
        ]
        if self.missing:
            lines.append(f"not called: {', '.join(self.missing)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{text_table(_HEADER, _cells(self.rows))}\n\n{self.summary()}"

    def __repr__(self) -> str:
        sums = self.readings.sums
        return f"Report({sums.shape[-2]} rows; print it for the table)"

    def _repr_html_(self) -> str:
        return html_table(_HEADER, _cells(self.rows), self.summary())


def _cells(rows: tuple[LayerSignal, ...]) -> list[list[str]]:
    return [
        [
            f"{row.path or '(model)'}{row.output}",
            row.kind + (f" x{row.uses}" if row.uses > 1 else ""),
            _mean(row),
            _number(row.std),
            _number(row.second_moment),
            _number(row.max),
            _percent(row.dead),
            _correlation(row.feature_corr),
            _correlation(row.sample_corr),
            _number(row.grad_std),
            _percent(row.blocked),
            ", ".join(notes),
        ]
        for row, notes in zip(rows, marks(rows), strict=True)
    ]


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
