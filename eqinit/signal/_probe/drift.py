"""Where a scale drifts: layers compared with others of their kind, by depth.

The verdict on a scale (the std of outputs, or of gradients) along a series of layers:

- *breaks down*: at some layer it is zero, infinite or not a number;
- *grows*, *shrinks*: from the first layer to the last it changes by more than a factor
  of 4, or by more than 2 per layer;
- *goes up and down*: neither, and yet two of the layers differ by more than 4;
- *keeps its scale*: otherwise.

Unlike layers (an embedding, a convolution, a head) may differ by design: a series of
those drifts beyond a factor of 30, and has no factor per layer.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from .layer_signal import LayerSignal


SERIES_FACTOR = 4.0
MIXED_FACTOR = 30.0
PER_LAYER_FACTOR = 2.0

# All inputs (or all units) look the same beyond this correlation.
ALIKE = 0.999

GROWS, SHRINKS = "\N{UPWARDS ARROW}", "\N{DOWNWARDS ARROW}"


@runtime_checkable
class Named(Protocol):
    """Of which layer a row is."""

    @property
    def path(self) -> str: ...

    @property
    def output(self) -> str: ...

    @property
    def kind(self) -> str: ...


@runtime_checkable
class Scales(Named, Protocol):
    """The scales of one row; None where nobody knows them."""

    @property
    def count(self) -> int: ...

    @property
    def std(self) -> float | None: ...

    @property
    def grad_std(self) -> float | None: ...


@dataclasses.dataclass(frozen=True)
class Trend:
    """How one scale develops along one series of layers, in the direction of travel.

    - `name`: the series, with `*` where its members differ; empty for unlike layers.
    - `paths`, `scales`: its layers.
    """

    name: str
    paths: tuple[str, ...]
    scales: tuple[float, ...]

    @property
    def count(self) -> int:
        return len(self.scales)

    @property
    def broken(self) -> int | None:
        """The first layer whose scale is zero, infinite or not a number."""
        sound = [0 < scale < math.inf for scale in self.scales]
        return None if all(sound) else sound.index(False)

    @property
    def factor(self) -> float:
        """From the first layer to the last."""
        if self.count < 2 or self.broken is not None:
            return math.nan
        return self.scales[-1] / self.scales[0]

    @property
    def per_layer(self) -> float:
        """From one layer to the next, on geometric average."""
        return self.factor ** (1 / (self.count - 1)) if self.count > 1 else math.nan

    @property
    def spread(self) -> float:
        """The largest scale over the smallest; infinite where it breaks down."""
        if self.broken is not None:
            return math.inf
        return max(self.scales) / min(self.scales) if self.scales else 1.0

    @property
    def verdict(self) -> str:
        """One of five, by the rule above; empty for less than two layers."""
        limit = SERIES_FACTOR if self.name else MIXED_FACTOR
        steepest = PER_LAYER_FACTOR if self.name else math.inf
        if self.broken is not None:
            return "breaks down"
        if self.count < 2:
            return ""
        if self.factor > limit or self.per_layer > steepest:
            return "grows"
        if self.factor < 1 / limit or self.per_layer < 1 / steepest:
            return "shrinks"
        return "goes up and down" if self.spread > limit else "keeps its scale"

    def __str__(self) -> str:
        if not self.count:
            return "nothing is measured"
        if self.broken is not None:
            return f"{self.verdict}: {self._fault} at {self.paths[self.broken]}"
        if self.count == 1:
            return f"std {self.scales[0]:.3g} at {self.paths[0]}, one layer"
        ends = f"std {self.scales[0]:.3g} to {self.scales[-1]:.3g}"
        if not self.name:
            return f"{self.verdict}: {ends} over {self.count} unlike layers"
        slope = f"x{self.per_layer:.3g} per layer"
        return f"{self.verdict}: {ends} over {self.count} of {self.name}, {slope}"

    @property
    def _fault(self) -> str:
        scale = self.scales[self.broken or 0]
        return {0.0: "zero", math.inf: "infinite"}.get(scale, "not a number")


def series(rows: Sequence[Named]) -> dict[str, list[int]]:
    """Row numbers by series: layers of one class whose paths differ in numbers alone.

    Layers without a like form one series, named empty.
    """
    named: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        pattern = re.sub(r"(?<![A-Za-z_])\d+", "*", row.path)
        named.setdefault(f"{pattern}{row.output} ({row.kind})", []).append(i)
    alone = [members[0] for members in named.values() if len(members) == 1]
    grouped = {name: m for name, m in named.items() if len(m) > 1}
    return {**grouped, **({"": sorted(alone)} if alone else {})}


def trends(rows: Sequence[Scales]) -> tuple[Trend, Trend]:
    """How signal and gradient develop along the longest series of like layers.

    Blocks have several of one length, and norms among them keep any scale: of those,
    the one that changes most. Layers that are not measured (no gradient reaches them)
    do not count.
    """
    some = [row for row in rows if row.count]
    # Gradients travel from the output.
    backward = _trend(some[::-1], lambda row: row.grad_std)
    return _trend(some, lambda row: row.std), backward


def _trend(rows: Sequence[Scales], scale: Callable[[Scales], float | None]) -> Trend:
    """Of one scale, for rows in the direction in which it travels."""
    some = [(row, value) for row in rows if (value := scale(row)) is not None]
    grouped = series([row for row, _ in some]) or {"": []}
    longest = max(len(members) for members in grouped.values())
    candidates: list[Trend] = []
    for name, members in grouped.items():
        if len(members) == longest:
            run = [some[i] for i in members]
            paths = tuple(row.path + row.output or "(model)" for row, _ in run)
            candidates.append(Trend(name, paths, tuple(value for _, value in run)))
    return max(candidates, key=lambda trend: trend.spread)


@dataclasses.dataclass(frozen=True)
class Mark:
    """What is wrong with one row; empty where nothing is.

    - `signal`, `gradient`: an arrow where its scale has drifted.
    - `faults`: in a few words each.
    """

    signal: str
    gradient: str
    faults: tuple[str, ...]


def marks(rows: Sequence[LayerSignal]) -> list[Mark]:
    """One for each row."""
    signal: dict[int, str] = {}
    gradient: dict[int, str] = {}
    for name, members in series(rows).items():
        factor = SERIES_FACTOR if name else MIXED_FACTOR
        signal |= _arrows(rows, members, lambda r: r.std, factor)
        # Gradients travel from the output, so they are compared with the last layer's.
        gradient |= _arrows(rows, members[::-1], lambda r: r.grad_std, factor)
    return [
        Mark(signal.get(i, ""), gradient.get(i, ""), tuple(_faults(row)))
        for i, row in enumerate(rows)
    ]


def _faults(row: LayerSignal) -> list[str]:
    if not row.count:
        return ["not reached by a gradient"]
    faults: list[str] = []
    if row.nonfinite:
        faults.append("not finite")
    elif row.std == 0:
        faults.append("constant")
    if row.dead > 0.9:
        faults.append("dead")
    if row.blocked == 1:
        faults.append("no gradient")
    # Not a number where there is nothing to correlate, and then not marked.
    if row.sample_corr > ALIKE:
        faults.append("inputs alike")
    if row.feature_corr > ALIKE:
        faults.append("units alike")
    return faults


def _arrows(
    rows: Sequence[LayerSignal],
    members: Sequence[int],
    scale: Callable[[LayerSignal], float],
    factor: float,
) -> dict[int, str]:
    usable = [i for i in members if 0 < scale(rows[i]) < math.inf]
    if not usable:
        return {}
    start = scale(rows[usable[0]])
    ratios = {i: scale(rows[i]) / start for i in usable}
    grown = {i: GROWS for i, ratio in ratios.items() if ratio > factor}
    shrunk = {i: SHRINKS for i, ratio in ratios.items() if ratio < 1 / factor}
    return grown | shrunk
