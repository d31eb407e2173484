"""From sums to statistics: one row per layer, computed in double precision."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..._typing import Shape
from .._taps.dry_run import CalledLayer, Output
from .._taps.lanes import In, Out
from .readings import Readings


@dataclasses.dataclass(frozen=True)
class LayerSignal:
    """What one layer (one slice of a stacked layer, one array of its output) shows.

    - `path`: of the layer, with the slice of a stacked one: `blocks.linear[3]`.
    - `layer`: the path without the slice.
    - `kind`: the layer's class.
    - `output`: which array, where a layer returns several: `[0]`.
    - `uses`: how often it was called in sequence (mapped axes count once).
    - `count`: how many numbers were measured; 0 where no gradient path led to it.
    - `mean`, `std`, `second_moment`, `max`, `min`: of its output. For complex outputs
        the mean is complex and `max` and `min` are of the modulus.
    - `dead`: fraction of output values that are exactly zero.
    - `nonfinite`: fraction that is infinite or not a number.
    - `grad_mean`, `grad_std`, `grad_max`: of the gradient that reaches the output, the
        last one of its modulus.
    - `blocked`: fraction of output values whose gradient is exactly zero: half of them
        behind a fresh ReLU, all of them in front of a dead one.
    - `feature_corr`: mean correlation between two units, over samples.
    - `sample_corr`: mean inner product of two samples, over their mean square: 1 where
        all inputs look alike.
    """

    path: str
    layer: str
    kind: str
    output: str
    uses: int
    count: int
    mean: float | complex
    std: float
    second_moment: float
    max: float
    min: float
    dead: float
    nonfinite: float
    grad_mean: float | complex
    grad_std: float
    grad_max: float
    blocked: float
    feature_corr: float
    sample_corr: float


@dataclasses.dataclass(frozen=True)
class Label:
    """Which layer, slice and output a row is about."""

    called: CalledLayer
    index: Shape
    output: Output

    @property
    def path(self) -> str:
        slice_ = f"[{','.join(map(str, self.index))}]" if self.index else ""
        return f"{self.called.path}{slice_}"


def slot_labels(layers: Sequence[CalledLayer]) -> list[Label]:
    """One label a row of a pass: layer by layer, output by output, slice by slice."""
    return [
        Label(layer, index, output)
        for layer in layers
        for output in layer.outputs
        for index in np.ndindex(*layer.stack)
    ]


def call_order(layers: Sequence[CalledLayer]) -> list[Label]:
    """The same labels in the order of computation.

    Layers that are scanned together come slice by slice: all of block 0, then all of
    block 1.
    """
    labels: list[Label] = []
    for together in _runs(layers):
        for index in np.ndindex(*together[0].stack):
            labels += [Label(c, index, out) for c in together for out in c.outputs]
    return labels


def _runs(layers: Sequence[CalledLayer]) -> Iterator[list[CalledLayer]]:
    run: list[CalledLayer] = []
    for layer in layers:
        if run and (layer.root, layer.stack) != (run[0].root, run[0].stack):
            yield run
            run = []
        run.append(layer)
    if run:
        yield run


def signals(
    readings: Readings, layers: Sequence[CalledLayer]
) -> tuple[LayerSignal, ...]:
    """Every row's statistics, in call order."""
    tables = (readings.carried, readings.sums, readings.extremes)
    carried, sums, extremes = (np.asarray(t, np.float64) for t in tables)
    position = {label: i for i, label in enumerate(slot_labels(layers))}
    rows: list[LayerSignal] = []
    for label in call_order(layers):
        i = position[label]
        rows.append(_signal(label, carried[i], sums[i], extremes[i]))
    return tuple(rows)


def _signal(
    label: Label, carried: np.ndarray, sums: np.ndarray, extremes: np.ndarray
) -> LayerSignal:
    output = label.output
    single = len(label.called.outputs) == 1
    count = sums[Out.COUNT]
    with np.errstate(all="ignore"):
        scale = np.exp2(carried[In.LOG2_SCALE])
        centre, std = _moments(sums[Out.TOTAL : Out.SQUARE + 1], count, scale)
        mean = centre + carried[In.SHIFT]
        grads = sums[Out.GRAD_TOTAL : Out.GRAD_SQUARE + 1]
        grad_scale = np.exp2(carried[In.LOG2_GRAD_SCALE])
        grad_mean, grad_std = _moments(grads, count, grad_scale)
        square = std**2 + abs(mean) ** 2
        return LayerSignal(
            path=label.path,
            layer=label.called.path,
            kind=label.called.kind,
            output="" if single else output.label,
            uses=int(sums[Out.USES]),
            count=int(count),
            mean=mean if output.complex else mean.real,
            std=std,
            second_moment=float(square),
            max=float(extremes[0]) if count else math.nan,
            min=float(extremes[1]) if count else math.nan,
            dead=float(sums[Out.ZEROS] / count),
            nonfinite=float(sums[Out.NONFINITE] / count),
            grad_mean=grad_mean if output.complex else grad_mean.real,
            grad_std=grad_std,
            grad_max=float(extremes[2]) if count else math.nan,
            blocked=float(sums[Out.GRAD_ZEROS] / count),
            feature_corr=_feature_corr(sums, output),
            sample_corr=_sample_corr(sums, output, carried[In.SHIFT] * scale),
        )


def _moments(
    sums: np.ndarray, count: np.float64, scale: np.float64
) -> tuple[complex, float]:
    """Mean and std from the sums of real part, imaginary part and square."""
    mean = complex(sums[0] / count, sums[1] / count)
    variance = sums[2] / count - abs(mean) ** 2
    std = math.sqrt(max(variance, 0.0)) if not np.isnan(variance) else math.nan
    return mean / float(scale), std / float(scale)


def _feature_corr(sums: np.ndarray, output: Output) -> float:
    """Mean covariance of two units over the mean variance of one, over samples."""
    samples = sums[Out.SAMPLES]
    if output.units < 2 or output.complex or samples < 2:
        return math.nan
    variance = sums[Out.SQUARE] / samples - sums[-1] / samples**2
    of_sum = sums[Out.ROW_SQUARE] / samples - (sums[Out.TOTAL] / samples) ** 2
    # Nothing that varies, nothing to correlate: rounding alone is left.
    if not variance > 1e-6 * sums[Out.SQUARE] / samples:
        return math.nan
    return float((of_sum / variance - 1) / (output.units - 1))


def _sample_corr(sums: np.ndarray, output: Output, shift: float) -> float:
    """Mean inner product of two different samples over that of one with itself."""
    samples = sums[Out.SAMPLES]
    if output.units < 1 or output.complex or samples < 2:
        return math.nan
    count, total = sums[Out.COUNT], sums[Out.TOTAL]
    # The sums are of shifted values; put the shift back.
    of_sum = sums[-1] + samples * shift * (2 * total + count * shift)
    square = sums[Out.SQUARE] + shift * (2 * total + count * shift)
    return float((of_sum / square - 1) / (samples - 1)) if square > 0 else math.nan
