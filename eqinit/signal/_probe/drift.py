"""Where a scale drifts: layers compared with others of their kind, by depth."""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence

from .layer_signal import LayerSignal


# Within a series of like layers (`blocks.*.mlp.up`), a change of scale beyond this is
# marked; between unlike layers, whose scales may differ by design, only beyond that.
SERIES_FACTOR = 4.0
MIXED_FACTOR = 30.0

# All inputs (or all units) look the same beyond this correlation.
ALIKE = 0.999

GROWS, SHRINKS = "\N{UPWARDS ARROW}", "\N{DOWNWARDS ARROW}"


@dataclasses.dataclass(frozen=True)
class Trend:
    """How one scale develops along one series of like layers.

    - `name`: the series, with `*` where its members differ.
    - `count`: how many layers it has.
    - `first`, `last`: the scale at its two ends, in the direction of travel.
    """

    name: str
    count: int
    first: float
    last: float

    @property
    def per_layer(self) -> float:
        """The factor from one layer to the next, on geometric average."""
        if self.count < 2 or not self.first > 0 or not self.last > 0:
            return math.nan
        return (self.last / self.first) ** (1 / (self.count - 1))


def series(rows: Sequence[LayerSignal]) -> dict[str, list[int]]:
    """Row numbers by series: layers of one class whose paths differ in numbers alone.

    Layers without a like form one series, named empty.
    """
    named: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        pattern = re.sub(r"(?<![A-Za-z_])\d+", "*", row.path)
        named.setdefault(f"`{pattern}{row.output}` {row.kind}", []).append(i)
    alone = [members[0] for members in named.values() if len(members) == 1]
    grouped = {name: m for name, m in named.items() if len(m) > 1}
    return {**grouped, **({"": sorted(alone)} if alone else {})}


def marks(rows: Sequence[LayerSignal]) -> list[list[str]]:
    """What is wrong with each row, in a few words; empty where nothing is."""
    notes: list[list[str]] = [_faults(row) for row in rows]
    for name, members in series(rows).items():
        factor = SERIES_FACTOR if name else MIXED_FACTOR
        forward = _arrows(rows, members, lambda r: r.std, factor)
        # Gradients travel from the output, so they are compared with the last layer's.
        back = _arrows(rows, members[::-1], lambda r: r.grad_std, factor)
        for i, arrow in forward.items():
            notes[i].append(f"{arrow} signal")
        for i, arrow in back.items():
            notes[i].append(f"{arrow} gradient")
    return notes


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


def trends(rows: Sequence[LayerSignal]) -> tuple[Trend, Trend]:
    """How signal and gradient develop along the longest series of like layers.

    Blocks have several of one length, and norms among them keep any scale: of those,
    the one that changes most.
    """
    grouped = series(rows)
    longest = max(len(members) for members in grouped.values())
    forward: list[Trend] = []
    backward: list[Trend] = []
    for name, members in grouped.items():
        if len(members) == longest:
            std = [rows[i].std for i in members]
            grad = [rows[i].grad_std for i in members]
            forward.append(Trend(name, longest, std[0], std[-1]))
            backward.append(Trend(name, longest, grad[-1], grad[0]))
    return max(forward, key=_change), max(backward, key=_change)


def _change(trend: Trend) -> float:
    """The size of the logarithm of the factor; infinite where there is none."""
    factor = trend.last / trend.first if trend.first else math.nan
    return abs(math.log(factor)) if 0 < factor < math.inf else math.inf


def verdict(trend: Trend) -> str:
    """One line: `1 to 3.2e-05 over 30 layers, x0.700 a layer: shrinks`."""
    ratio = trend.last / trend.first if trend.first else math.nan
    if not math.isfinite(ratio):
        word = "breaks down"
    elif ratio > SERIES_FACTOR:
        word = "grows"
    elif ratio < 1 / SERIES_FACTOR:
        word = "shrinks"
    else:
        word = "keeps its scale"
    what = f" of {trend.name}" if trend.name else ""
    return (
        f"std {trend.first:.3g} to {trend.last:.3g} over {trend.count} layers{what}, "
        f"x{trend.per_layer:.3g} a layer: {word}"
    )
