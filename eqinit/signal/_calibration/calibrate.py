"""`calibrate`: data-dependent initialisation, all layers in one compiled pass."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._layouts.layout import Layout
from ..._layouts.registry import call_layouts
from ..._models.selectors import SelectorLike
from ..._typing import Natural, NonNegativeNumber, checked
from .._taps.dry_run import dry_run
from .._taps.layers import parameter_layers
from .adjust import Row
from .affine import AffineLayer, affine_layers
from .calibration import CalibratedLayer, Calibration, SkippedLayer
from .complaints import UNREACHED, complain, nothing
from .measure import Run, measure, misused
from .methods import LSUV, AbstractMethod
from .rescale import rescaled
from .target import Target, find_targets


@checked
def calibrate(
    model: Any,
    call: Callable[..., Any],
    *args: Any,
    method: AbstractMethod = LSUV(),
    select: SelectorLike | None = None,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
    tol: NonNegativeNumber = 0.01,
    max_passes: Natural = 5,
    strict: bool = False,
) -> tuple[Any, Calibration]:
    r"""Rescale layers on data, in call order, until their outputs are as asked for.

    ```python
    model, report = calibrate(model, lambda m, x: jax.vmap(m)(x), x, method=LSUV())
    ```

    Every layer is measured on what the already corrected layers before it return, and
    all of them in one traced pass: one compilation, however many layers. A second run
    of it measures the result; where that is not within `tol` (layers whose output is
    not linear in their kernels, dropout), it corrects again.

    Batches are seen through `jax.vmap`, anywhere in `call`: a layer's statistics are
    over all its mapped axes, as over all others but the one that counts its units.
    Stacked layers under `lax.scan` get a correction for each slice.

    Layers that no correction can serve are left as they are, and the report says which
    and why: recurrent ones, those that are never called, and those that no data reach
    (behind a gate at zero, on a batch of zeros).

    **Arguments:**

    - `model`: a model, initialised by whatever scheme; directions of weights are kept.
    - `call`, `*args`: a function of the model and `args` that runs it on a *batch*.
    - `method`: [`eqinit.signal.LSUV`][], [`eqinit.signal.ActNorm`][],
        [`eqinit.signal.ScaleShift`][] or [`eqinit.signal.OutputBias`][].
    - `select`: which layers; by default every one whose layout has kernels of `in` and
        `out` (and a bias, for a method that shifts).
    - `layouts`: layouts for this call, as in [`eqinit.plan`][].
    - `tol`: how far off a layer may be, in the method's measure (relative variance,
        absolute mean).
    - `max_passes`: when to give up.
    - `strict`: raise where the tolerance is not met, or no data reach a layer, instead
        of warning.

    **Returns:** the calibrated model, and a [`eqinit.signal.Calibration`][] to print.

    **Raises:** `ValueError` where no layer can be calibrated, or a layout does not fit
    what its layer returns; a `UserWarning` (or with `strict` a `ValueError`) where the
    tolerance is not met.
    """
    known = call_layouts(layouts)
    run = Run(call, args, method)
    targets, skipped = _choose(model, run, select, known)
    targets, first, more = _first_pass(model, run, targets)
    skipped += more
    skipped, passes = [*skipped, *more], [first]
    report = _report(targets, passes, tol, skipped)
    while not report.ok and len(passes) < max_passes:
        layers, _ = affine_layers(model, select, known, need_bias=method.shifts)
        model = _corrected(model, layers, targets, passes[-1], method)
        passes.append(measure(model, run, targets))
        report = _report(targets, passes, tol, skipped)
    if not report.rows:
        raise ValueError(nothing(report.skipped))
    complain(report, strict=strict)
    return model, report


def _choose(
    model: Any,
    run: Run,
    select: SelectorLike | None,
    layouts: Mapping[type, Layout],
) -> tuple[tuple[Target, ...], list[SkippedLayer]]:
    """The layers to calibrate, in call order, and the selected ones that cannot be."""
    method = run.method
    layers, unfit = affine_layers(model, select, layouts, need_bias=method.shifts)
    if not layers:
        return (), unfit
    points, context = [a.point for a in layers], parameter_layers(model, layouts)
    called, missing = dry_run(model, run.call, run.args, points, context)
    uncalled = [
        SkippedLayer(a.point.path, a.kind, "not called")
        for a in layers
        if a.point.path in missing
    ]
    targets, unmeasured = find_targets(layers, called, per_unit=method.per_unit)
    return targets, unfit + uncalled + unmeasured


def _first_pass(
    model: Any, run: Run, targets: tuple[Target, ...]
) -> tuple[tuple[Target, ...], list[np.ndarray], list[SkippedLayer]]:
    """The first pass, without the layers of which it says that they cannot be served.

    They would have been corrected at each use anew, and what follows them measured on
    that; so the pass is run again.
    """
    skipped: list[SkippedLayer] = []
    while targets:
        tables = measure(model, run, targets)
        wrong = misused(targets, tables)
        if not wrong:
            return targets, tables, skipped
        skipped += wrong
        paths = {layer.path for layer in wrong}
        targets = tuple(t for t in targets if t.path not in paths)
    return targets, [], skipped


def _corrected(
    model: Any,
    layers: Sequence[AffineLayer],
    targets: Sequence[Target],
    tables: Sequence[np.ndarray],
    method: AbstractMethod,
) -> Any:
    by_path = {layer.point.path: layer for layer in layers}
    return rescaled(
        model,
        [by_path[t.path] for t in targets],
        [table[..., Row.SCALE, :] for table in tables],
        [table[..., Row.BIAS, :] for table in tables] if method.shifts else None,
        per_unit=method.per_unit,
    )


def _report(
    targets: Sequence[Target],
    passes: Sequence[Sequence[np.ndarray]],
    tol: float,
    skipped: Sequence[SkippedLayer],
) -> Calibration:
    rows: list[CalibratedLayer] = []
    unreached: list[SkippedLayer] = []
    for i, target in enumerate(targets):
        tables = [tables[i] for tables in passes]
        for index in np.ndindex(*target.stack):
            slice_ = f"[{','.join(map(str, index))}]" if index else ""
            path = f"{target.path}{slice_}"
            slices = [table[index] for table in tables]
            if slices[-1][Row.REACHED].all():
                rows.append(_calibrated(path, slices))
            else:
                unreached.append(SkippedLayer(path, target.kind, UNREACHED))
    return Calibration(tuple(rows), len(passes), tol, (*skipped, *unreached))


def _calibrated(path: str, tables: Sequence[np.ndarray]) -> CalibratedLayer:
    """One layer, from `(rows, units)` of each pass, the last of which only measures."""
    scales = [table[Row.SCALE] for table in tables[:-1]]
    total = np.prod([np.ones(tables[0].shape[-1]), *scales], axis=0)
    return CalibratedLayer(
        path,
        before=_moments(tables[0]),
        after=_moments(tables[-1]),
        scale=(float(total.min()), float(total.max())),
        miss=float(tables[-1][Row.MISS, 0]),
    )


def _moments(table: np.ndarray) -> tuple[float, float]:
    mean, var = table[[Row.MEAN, Row.VAR]].astype(np.float64)
    return float(mean.mean()), float(np.sqrt(var.mean() + mean.var()))
