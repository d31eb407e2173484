"""From what stands at the marks to what is expected of each layer."""

import collections
import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from ..._typing import Shape
from .._probe.layer_signal import Label, call_order
from .._taps.dry_run import CalledLayer
from .domain import Record, Rounds
from .independent import moments_of_value
from .moments import Moments, agreeing, differing, spread
from .trace import label
from .values import Random, Unknown, Value


@dataclasses.dataclass(frozen=True)
class LayerForecast:
    """What is expected of one layer (one slice of a stacked one, one of its outputs).

    - `path`, `layer`, `kind`, `output`: as in [`eqinit.signal.LayerSignal`][].
    - `uses`: how often it is called in sequence.
    - `count`: of how many numbers this is the expectation; 0 where nothing is known.
    - `mean`, `std`, `second_moment`: of its output, over units, samples and draws.
    - `sample_corr`: mean inner product of two samples, over their mean square.
    - `grad_std`: of the gradient that reaches the output.
    - `why`: why something is not known (then it is None); empty where all is.
    """

    path: str
    layer: str
    kind: str
    output: str
    uses: int
    count: int
    mean: float | None
    std: float | None
    second_moment: float | None
    sample_corr: float | None
    grad_std: float | None
    why: str = ""


@dataclasses.dataclass(frozen=True)
class _Use:
    """One use of a layer, or several that are alike.

    - `members`: of how many slices the value is, all of them as this one.
    """

    value: Value
    members: int
    times: int


def layer_forecasts(
    records: Sequence[Record], layers: Sequence[CalledLayer], no_gradient: str
) -> tuple[LayerForecast, ...]:
    """One for each row that a probe has, in the same order."""
    by_label: dict[str, list[Record]] = collections.defaultdict(list)
    for record in records:
        by_label[record.label].append(record)
    numbers = {layer.keys: i for i, layer in enumerate(layers)}
    rows: list[LayerForecast] = []
    for row in call_order(layers):
        layer = numbers[row.called.keys]
        output = row.called.outputs.index(row.output)
        ahead = by_label[label(layer, output, backward=False)]
        forward = _uses([r for r in ahead if not r.again], row, False)
        backward = _uses(by_label[label(layer, output, backward=True)], row, True)
        rows.append(_row(row, forward, backward, no_gradient))
    return tuple(rows)


def _uses(records: Sequence[Record], row: Label, backward: bool) -> list[_Use]:
    """The uses of one slice."""
    stack = row.called.stack
    number = int(np.ravel_multi_index(row.index, stack)) if stack else 0
    found = [(r, *_slices(r, stack, backward)) for r in records]
    picked = [
        (r, rest)
        for r, slices, rest in found
        if (number in slices if slices else bool(rest))
    ]
    # Slices behind those that were followed are alike.
    picked = picked or [(r, rest) for r, _, rest in found[-1:]]
    last = {rest[:-1]: r for r, rest in picked}
    return [
        _Use(r.value, _members(r), _times(rest) if last[rest[:-1]] is r else 1)
        for r, rest in picked
    ]


def _members(record: Record) -> int:
    """How many slices of a layer one value is of: those that are mapped over."""
    return 1 if record.slices is None else record.slices.size


def _times(rounds: Rounds) -> int:
    """The last round that was followed stands for those that come after it."""
    number, length = rounds[-1] if rounds else (0, 1)
    return max(length - number, 1)


def _slices(
    record: Record, stack: Shape, backward: bool
) -> tuple[frozenset[int], Rounds]:
    """Which slices of a stack a record is about (none where nobody knows), and which
    loops around it are over other things.
    """
    if record.slices is None:
        return _slice_by_loops(record.rounds, stack, backward)
    numbers = record.slices.ravel().astype(int)
    rounds, shape = list(record.rounds), stack or (1,)
    for size, index in zip(shape, np.unravel_index(numbers, shape), strict=True):
        at = int(size - 1 - index[0] if backward else index[0])
        if np.ptp(index) == 0 and (at, size) in rounds:
            rounds.remove((at, size))
    return frozenset(numbers.tolist()), tuple(rounds)


def _slice_by_loops(
    rounds: Rounds, stack: Shape, backward: bool
) -> tuple[frozenset[int], Rounds]:
    """The same by the lengths of loops: a checkpoint keeps no numbers of slices."""
    index: list[int] = []
    left = list(rounds)
    for size in stack:
        found = next((i for i, (_, length) in enumerate(left) if length == size), None)
        if found is None:
            return frozenset(), rounds
        number, length = left.pop(found)
        index.append(length - 1 - number if backward else number)
    number = int(np.ravel_multi_index(index, stack)) if stack else 0
    return frozenset({number}), tuple(left)


def _row(
    row: Label, forward: Sequence[_Use], backward: Sequence[_Use], no_gradient: str
) -> LayerForecast:
    ahead, back = _pooled(forward), _pooled(backward)
    single = len(row.called.outputs) == 1
    known = isinstance(ahead, _Pooled)
    reasons = [p for p in (ahead, no_gradient, back) if isinstance(p, str) and p]
    return LayerForecast(
        path=row.path,
        layer=row.called.path,
        kind=row.called.kind,
        output="" if single else row.output.label,
        uses=sum(use.times for use in forward),
        count=ahead.count if known else 0,
        mean=ahead.mean if known else None,
        std=ahead.std if known else None,
        second_moment=ahead.square if known else None,
        sample_corr=_sample_corr(row, forward) if known else None,
        grad_std=back.std if isinstance(back, _Pooled) and not no_gradient else None,
        why=next(iter(reasons), ""),
    )


@dataclasses.dataclass(frozen=True)
class _Pooled:
    mean: float
    std: float
    square: float
    count: int


def _pooled(uses: Sequence[_Use]) -> _Pooled | str:
    """Over all uses, as a probe adds them up; or why nothing is known."""
    if not uses:
        return "no gradient comes by"
    unknown = [use.value.why for use in uses if isinstance(use.value, Unknown)]
    if unknown:
        return unknown[0]
    times = np.array([use.times for use in uses])
    each = [moments_of_value(use.value) for use in uses]
    means = np.array([float(m.mean.mean()) for m in each])
    squares = np.array([float(m.square.mean()) for m in each])
    # About the mean of all entries, which differs from draw to draw.
    about = np.array([spread(m) ** 2 for m in each]) + means**2
    mean, square, second = (
        np.average(x, weights=times) for x in (means, about, squares)
    )
    if not np.isfinite(square):
        return "its second moment is not finite"
    sizes = [math.prod(use.value.shape) // use.members for use in uses]
    count = sum(size * use.times for size, use in zip(sizes, uses, strict=True))
    std = math.sqrt(max(square - mean**2, 0.0))
    return _Pooled(float(mean), std, float(second), count)


def _sample_corr(row: Label, uses: Sequence[_Use]) -> float | None:
    value, members = uses[-1].value, uses[-1].members
    if not isinstance(value, Random) or not value.atom.units:
        return None
    one, units = value.moments, value.atom.units
    samples = [a for a in range(one.ndim) if a not in units]
    count = math.prod(one.shape[axis] for axis in samples)
    square = float(one.square.mean())
    # Members of an ensemble have nothing in common: as units, or as other samples.
    if math.prod(one.shape[axis] for axis in units) > row.output.units:
        members = 1
    others = count // members - 1
    if others < 1 or not square > 0:
        return None
    mean = _mean_over_pairs(one, samples)
    return (mean * count / square - 1) / others


def _mean_over_pairs(one: Moments, samples: Sequence[int]) -> float:
    """Of one unit in any two samples, which may be the same."""
    pairs = one.pairs
    for axis in range(one.ndim):
        agree, n = agreeing(pairs, axis), one.shape[axis]
        if axis in samples:
            agree = (agree + (n - 1) * differing(pairs, axis)) / n
        pairs = agree
    return float(pairs.mean())
