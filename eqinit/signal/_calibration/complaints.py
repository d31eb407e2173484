"""What a calibration could not do, as errors and warnings."""

import inspect
import warnings
from collections.abc import Sequence

import numpy as np

from ..._registry import is_ours
from .calibration import Calibration, SkippedLayer, list_skipped


UNREACHED = "no data reach it: its output is its bias, whatever the input"


def nothing(skipped: Sequence[SkippedLayer]) -> str:
    """Why no layer can be calibrated."""
    listed = "\n".join(f"  {line}" for line in list_skipped(skipped))
    return (
        "there is no layer to calibrate: it takes those with kernels of `in` and `out` "
        "(and a bias, to shift) that return one array of floats.\n"
        f"{listed or '  (no selected layer holds parameters)'}\n"
        "Select others with `select=`, or say what a layer's parameters are with "
        '`register_layout(Layer, weight="out in", bias="out")`.'
    )


def complain(report: Calibration, *, strict: bool) -> None:
    """Warn where a tolerance is not met; with `strict`, raise there and elsewhere."""
    unreached = [layer.path for layer in report.skipped if layer.why == UNREACHED]
    if strict and unreached:
        raise ValueError(
            f"no data reach {unreached}: their outputs are their biases, whatever the "
            "input. Open the gate in front of them (or pass other data), or leave them "
            "out with `select=`."
        )
    if report.ok:
        return
    text = _not_met(report)
    if strict:
        raise ValueError(text)
    # Point at the user's own line, above our frames and the type checkers'. In here and
    # not in a function: how many frames a call takes depends on who checks it.
    frame, level = inspect.currentframe(), 1
    while frame is not None and is_ours(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def _not_met(report: Calibration) -> str:
    worst = sorted(report.rows, key=lambda row: -np.nan_to_num(row.miss, nan=np.inf))
    listed = "\n".join(
        f"  {row.path or '(model)'}: mean {row.after[0]:.3g}, std {row.after[1]:.3g}, "
        f"off by {row.miss:.3g}"
        for row in worst[:5]
        if not row.miss <= report.tol
    )
    return (
        f"calibration did not reach {report.tol:g} in {report.passes} passes:\n"
        f"{listed}\nA layer whose output is not linear in its kernels may need more "
        "passes or another layout, and biases that vary more than the target need a "
        "method that sets them."
    )
