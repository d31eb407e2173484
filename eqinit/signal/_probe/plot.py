"""Plots of reports: scale by depth, forward and backward. matplotlib, on demand."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from .drift import Scales, series


# Okabe and Ito's colours: told apart by everyone, and in print.
_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
_MARKERS = "os^Dv<>"

# A panel of the figure: title, what to read from a row.
_PANELS = (
    ("signal: std of each layer's output  (left to right \N{RIGHTWARDS ARROW})", "std"),
    (
        "gradient: std at each layer's output  (\N{LEFTWARDS ARROW} right to left)",
        "grad_std",
    ),
)


def require_pyplot() -> Any:
    """matplotlib's pyplot, or an error that says how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "plots need matplotlib: `pip install eqinit[plot]`."
        ) from error
    return plt


Rows: TypeAlias = Iterable[Scales]


def plot_reports(
    reports: Mapping[str, Rows] | Rows, *, path: Any = None, title: str = ""
) -> Any:
    """Plot the std of signal and gradient by depth, one line for each report.

    Both axes of scale are logarithmic and are shared by the two panels: a model that
    keeps its scale is a flat line, one that explodes or vanishes a straight slope. The
    forward panel is read from left to right, the backward one from right to left, as
    the gradient travels. Lines connect like layers (`blocks.*.mlp.up`), so that a model
    of blocks has several of one colour; layers without a like are points. A layer whose
    scale is zero or not finite is a cross at the edge.

    **Arguments:**

    - `reports`: a report, or a dict of name to report, such as one for each
        initialisation: anything that has rows to iterate over.
    - `path`: where to save the figure (`"signal.png"`); not saved if left out.
    - `title`: above both panels.

    **Returns:** the matplotlib figure, which a notebook shows by itself.

    **Raises:** `ImportError` without matplotlib, `ValueError` without a report.
    """
    if not isinstance(reports, Mapping):
        return plot_reports({"": reports}, path=path, title=title)
    named = {str(name): tuple(rows) for name, rows in reports.items()}
    if not named:
        raise ValueError(
            "plot_reports got no report; pass one, `plot_reports(probe(model, call, "
            "x))`, or a dict of several."
        )
    plt = require_pyplot()
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 4), sharey=True, layout="constrained"
    )
    for axis, (heading, field) in zip(axes, _PANELS, strict=True):
        for i, (name, rows) in enumerate(named.items()):
            _lines(axis, rows, field, name, i)
        axis.set_title(heading, fontsize="medium")
        _label_depth(axis, list(named.values()))
    axes[0].set_ylabel("std (log scale)")
    if any(named):
        # Below both panels, where it covers no line.
        lines = axes[0].get_legend_handles_labels()
        columns = min(len(named), 5)
        figure.legend(*lines, loc="outside lower center", ncols=columns)
    figure.suptitle(title)
    if path is not None:
        figure.savefig(path, dpi=120)
    plt.close(figure)  # a notebook shows what a cell returns, once
    return figure


def _lines(
    axis: Any, rows: Sequence[Scales], field: str, name: str, number: int
) -> None:
    style = {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 4,
    }
    axis.set_yscale("log")
    groups = series(rows)
    # One entry in the legend, also for a report that broke down or starts with points.
    axis.plot([], [], label=name, **style)
    for group, members in groups.items():
        some = [(i, getattr(rows[i], field)) for i in members if rows[i].count]
        values = [(i, value) for i, value in some if value is not None]
        good = [(i, v) for i, v in values if 0 < v < math.inf]
        if good:
            line = "-" if group or len(groups) == 1 else ""
            axis.plot(*zip(*good, strict=True), linestyle=line, linewidth=1.5, **style)
        for i, value in values:
            if not 0 < value < math.inf:
                _cross(axis, i, value, style["color"])


def _cross(axis: Any, depth: int, value: float, colour: object) -> None:
    # Zero at the bottom, infinite or not a number at the top.
    axis.plot(
        depth,
        0.0 if value == 0 else 1.0,
        marker="x",
        color=colour,
        transform=axis.get_xaxis_transform(),
        clip_on=False,
    )


def _label_depth(axis: Any, reports: Sequence[Sequence[Scales]]) -> None:
    """Name the layers where all reports have the same few; number them elsewhere."""
    paths = [[row.path + row.output for row in rows] for rows in reports]
    if all(p == paths[0] for p in paths) and len(paths[0]) <= 24:
        axis.set_xticks(range(len(paths[0])), paths[0], rotation=90, fontsize="x-small")
    else:
        axis.set_xlabel("layer, in call order")
    axis.grid(visible=True, which="major", alpha=0.3)
