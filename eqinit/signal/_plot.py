"""Plots of reports: scale by depth, forward and backward. matplotlib, on demand."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._signal import LayerSignal


if TYPE_CHECKING:
    from ._report import Report


# Okabe and Ito's colours: told apart by everyone, and in print.
_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
_MARKERS = "os^Dv<>"

# A panel of the figure: title, what to read from a row.
_PANELS = (
    ("signal: std of each layer's output", "std"),
    ("gradient: std at each layer's output", "grad_std"),
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


def plot_reports(
    reports: "Mapping[str, Report] | Report", *, path: Any = None, title: str = ""
) -> Any:
    """Plot the std of signal and gradient by depth, one line a report.

    Both axes of scale are logarithmic and are shared by the two panels: a model that
    keeps its scale is a flat line, one that explodes or vanishes a straight slope. The
    forward panel is read from left to right, the backward one from right to left, as
    the gradient travels. A layer whose scale is zero or not finite is a cross at the
    edge.

    **Arguments:**

    - `reports`: a report, or a dict of name to report, such as one an initialisation.
    - `path`: where to save the figure (`"signal.png"`); not saved if left out.
    - `title`: above both panels.

    **Returns:** the matplotlib figure, which a notebook shows by itself.

    **Raises:** `ImportError` without matplotlib.
    """
    named = reports if isinstance(reports, Mapping) else {"": reports}
    plt = require_pyplot()
    figure, axes = plt.subplots(
        1, 2, figsize=(10, 4), sharey=True, layout="constrained"
    )
    for axis, (heading, field) in zip(axes, _PANELS, strict=True):
        for i, (name, report) in enumerate(named.items()):
            _line(axis, [getattr(row, field) for row in report.rows], name, i)
        axis.set_title(heading, fontsize="medium")
        _label_depth(axis, [report.rows for report in named.values()])
    axes[0].set_ylabel("std (log scale)")
    axes[0].annotate("reads left to right", (0.01, 0.02), **_HINT)
    axes[1].annotate("reads right to left", (0.70, 0.02), **_HINT)
    if any(named):
        axes[1].legend(loc="best", fontsize="small")
    figure.suptitle(title)
    if path is not None:
        figure.savefig(path, dpi=120)
    plt.close(figure)  # a notebook shows what a cell returns, once
    return figure


_HINT = {"xycoords": "axes fraction", "fontsize": "small", "color": "0.45"}


def _line(axis: Any, values: Sequence[float], name: str, number: int) -> None:
    style = {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
    }
    axis.set_yscale("log")
    good = [(i, v) for i, v in enumerate(values) if 0 < v < math.inf]
    # At least one point, so that the legend names reports that broke down as well.
    x, y = zip(*good, strict=True) if good else ([math.nan], [math.nan])
    axis.plot(x, y, label=name, markersize=4, linewidth=1.5, **style)
    for i, value in enumerate(values):
        if not 0 < value < math.inf:
            # Zero at the bottom, infinite or not a number at the top.
            edge = 0.0 if value == 0 else 1.0
            axis.plot(
                i,
                edge,
                marker="x",
                color=style["color"],
                transform=axis.get_xaxis_transform(),
                clip_on=False,
            )


def _label_depth(axis: Any, reports: Sequence[Sequence[LayerSignal]]) -> None:
    """Name the layers where all reports have the same few; number them elsewhere."""
    paths = [[row.path + row.output for row in rows] for rows in reports]
    if all(p == paths[0] for p in paths) and len(paths[0]) <= 24:
        axis.set_xticks(range(len(paths[0])), paths[0], rotation=90, fontsize="x-small")
    else:
        axis.set_xlabel("layer, in call order")
    axis.grid(visible=True, which="major", alpha=0.3)
