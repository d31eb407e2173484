"""`calibrate`: data-dependent initialisation, all layers in one compiled pass."""

import dataclasses
import inspect
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from ..._layouts.registry import call_layouts
from ..._models.selectors import SelectorLike
from ..._typing import Key, Shape, checked
from .._probe.passes import default_dtype, scalarise
from .._taps.dry_run import Seen, dry_run
from .._taps.layers import parameter_layers
from .._taps.tap import KeyPath, attach_all
from .adjust import BIAS, MEAN, MISS, ROWS, SCALE, USES, VAR, Adjust, Ruler
from .affine import AffineLayer, affine_layers, set_layers, stack_of
from .calibration import CalibratedLayer, Calibration
from .methods import LSUV, AbstractMethod


@dataclasses.dataclass(frozen=True)
class _Target:
    """What the traced pass needs to know of one layer."""

    path: str
    keys: KeyPath
    stack: Shape
    units: int
    axis: int
    bias: str | None


@eqx.filter_jit
def _measure(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    targets: tuple[_Target, ...],
    method: AbstractMethod,
    key: Key,
) -> list[Array]:
    """One pass in which every layer is corrected: `(*stack, rows, units)` a layer."""
    ruler = Ruler(method)

    def objective(slots: list[Array]) -> Array:
        pairs = zip(targets, slots, strict=True)
        taps = {t.keys: Adjust(slot, ruler, t.bias, t.axis) for t, slot in pairs}
        return scalarise(call(attach_all(model, taps), *args), key)

    dtype = default_dtype()
    slots = [jnp.zeros((*t.stack, ROWS, t.units), dtype) for t in targets]
    return jax.grad(objective)(slots)


def _target(layer: AffineLayer, seen: Seen) -> _Target:
    stacks = {stack_of(site) for site in layer.kernels}
    if stacks != {seen.stack}:
        raise ValueError(
            f"`{seen.path}` is called with arrays that have lost axes {seen.stack}, "
            f"and its layout says {sorted(stacks)} are in front of its kernels. "
            "Correct its layout, or leave it out with `select=`."
        )
    bias = None if layer.bias is None else layer.bias.field
    output = seen.outputs[0]
    units, axis = output.units, output.axis
    return _Target(seen.path, seen.keys, seen.stack, units, axis, bias)


def _check_uses(targets: Sequence[_Target], rows: Sequence[np.ndarray]) -> None:
    pairs = list(zip(targets, rows, strict=True))
    often = [t.path for t, r in pairs if (r[..., USES, :] > 1).any()]
    never = [t.path for t, r in pairs if (r[..., USES, :] < 1).any()]
    if often:
        raise ValueError(
            f"{often} are used several times in sequence (steps with shared weights, "
            "or a loop over the batch): one correction cannot serve different inputs. "
            "Batch with `jax.vmap`, or leave them out with `select=`."
        )
    if never:
        raise ValueError(
            f"the output of {never} does not reach the output of `call` by a path that "
            "carries gradients, so it cannot be measured; leave it out with `select=`."
        )


def _moments(rows: np.ndarray, index: Shape) -> tuple[float, float]:
    mean = rows[(*index, MEAN)].astype(np.float64)
    var = rows[(*index, VAR)].astype(np.float64)
    return float(mean.mean()), float(np.sqrt(var.mean() + mean.var()))


def _report(
    targets: Sequence[_Target],
    passes: Sequence[Sequence[np.ndarray]],
    tol: float,
    missing: Sequence[str],
) -> Calibration:
    found: list[CalibratedLayer] = []
    for i, target in enumerate(targets):
        for index in np.ndindex(*target.stack):
            scales = [rows[i][(*index, SCALE)] for rows in passes[:-1]]
            total = np.prod([np.ones(target.units), *scales], axis=0)
            found.append(
                CalibratedLayer(
                    target.path + (f"[{','.join(map(str, index))}]" if index else ""),
                    _moments(passes[0][i], index),
                    _moments(passes[-1][i], index),
                    (float(total.min()), float(total.max())),
                    float(passes[-1][i][(*index, MISS, 0)]),
                )
            )
    return Calibration(tuple(found), len(passes), tol, tuple(missing))


@checked
def calibrate(
    model: Any,
    call: Callable[..., Any],
    *args: Any,
    method: AbstractMethod = LSUV(),
    select: SelectorLike | None = None,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
    tol: float = 0.01,
    max_passes: int = 5,
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
    Stacked layers under `lax.scan` get a correction a slice.

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
    - `strict`: raise where the tolerance is not met, instead of warning.

    **Returns:** the calibrated model, and a [`eqinit.signal.Calibration`][] to print.

    **Raises:** `ValueError` for layers that cannot be calibrated; a `UserWarning` (or
    with `strict` a `ValueError`) where the tolerance is not met.
    """
    need_bias = method.shifts
    known = call_layouts(layouts)
    layers = affine_layers(model, select, known, need_bias=need_bias)
    found = [layer.found for layer in layers]
    seen, missing = dry_run(model, call, args, found, parameter_layers(model, known))
    targets = _targets(layers, seen)
    passes: list[list[np.ndarray]] = []
    key = jax.random.key(0)
    while True:
        passes.append(_concrete(_measure(model, call, args, targets, method, key)))
        _check_uses(targets, passes[-1])
        report = _report(targets, passes, tol, missing)
        if report.ok or len(passes) >= max_passes:
            break
        layers = affine_layers(model, select, known, need_bias=need_bias)
        model = _corrected(model, layers, targets, passes[-1], method)
    if not report.ok:
        _complain(report, strict=strict)
    return model, report


def _targets(
    layers: Sequence[AffineLayer], seen: Sequence[Seen]
) -> tuple[_Target, ...]:
    if not seen:
        raise ValueError(
            "`call` calls none of the selected layers: "
            f"{[layer.found.path for layer in layers]}."
        )
    by_path = {layer.found.path: layer for layer in layers}
    return tuple(_target(by_path[s.path], s) for s in seen)


def _concrete(rows: Sequence[Array]) -> list[np.ndarray]:
    if any(isinstance(r, Tracer) for r in rows):
        raise ValueError(
            "calibrate decides by the numbers that it measures and cannot be traced: "
            "call it outside of `jit`, `vmap` and `grad` (it compiles its own pass)."
        )
    return [np.asarray(r) for r in rows]


def _corrected(
    model: Any,
    layers: Sequence[AffineLayer],
    targets: Sequence[_Target],
    rows: Sequence[np.ndarray],
    method: AbstractMethod,
) -> Any:
    by_path = {layer.found.path: layer for layer in layers}
    return set_layers(
        model,
        [by_path[t.path] for t in targets],
        [r[..., SCALE, :] for r in rows],
        [r[..., BIAS, :] for r in rows] if method.shifts else None,
        per_unit=method.per_unit,
    )


def _complain(report: Calibration, *, strict: bool) -> None:
    worst = sorted(report.rows, key=lambda row: -np.nan_to_num(row.miss, nan=np.inf))
    listed = "\n".join(
        f"  {row.path or '(model)'}: mean {row.after[0]:.3g}, std {row.after[1]:.3g}, "
        f"off by {row.miss:.3g}"
        for row in worst[:5]
        if not row.miss <= report.tol
    )
    text = (
        f"calibration did not reach {report.tol:g} in {report.passes} passes:\n"
        f"{listed}\nA layer that does not vary at all cannot be scaled, one whose "
        "output is not linear in its kernels may need more passes or another layout, "
        "and biases that vary more than the target need a method that sets them."
    )
    if strict:
        raise ValueError(text)
    # Point at the user's own line, above our frames and the type checkers'. In here and
    # not in a function: how many frames a call takes depends on who checks it.
    frame, level = inspect.currentframe(), 1
    while frame is not None and _is_ours(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def _is_ours(frame: types.FrameType) -> bool:
    root = str(frame.f_globals.get("__name__")).partition(".")[0]
    return root in ("eqinit", "jaxtyping", "beartype")
