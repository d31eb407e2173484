"""What a calibration did: data, table, verdict."""

import collections
import dataclasses

import numpy as np

from ..._tables import html_table, text_table


@dataclasses.dataclass(frozen=True)
class CalibratedLayer:
    """One layer, or one slice of a stacked one, before and after.

    - `path`: of the layer, with its slice.
    - `before`, `after`: (mean, std) of its output over the batch, after the layers
        before it were corrected, and without and with its own correction.
    - `scale`: smallest and largest factor on its kernels.
    - `miss`: how far off it still is, in the method's own measure.
    """

    path: str
    before: tuple[float, float]
    after: tuple[float, float]
    scale: tuple[float, float]
    miss: float


@dataclasses.dataclass(frozen=True)
class SkippedLayer:
    """A layer that was left as it is.

    - `path`: of the layer, with its slice where only that was left.
    - `kind`: its class.
    - `why`: why it cannot be calibrated.
    """

    path: str
    kind: str
    why: str


@dataclasses.dataclass(frozen=True, repr=False)
class Calibration:
    """What a calibration did.

    - `rows`: one for each layer, in call order.
    - `passes`: how many were run, the last one to measure the result.
    - `tol`: what was asked for.
    - `skipped`: layers that were selected and left as they are, and why.
    """

    rows: tuple[CalibratedLayer, ...]
    passes: int
    tol: float
    skipped: tuple[SkippedLayer, ...] = ()

    @property
    def miss(self) -> float:
        """How far off the worst layer is; not a number counts as infinitely far."""
        return float(np.nan_to_num(max(r.miss for r in self.rows), nan=np.inf))

    @property
    def ok(self) -> bool:
        """Whether every calibrated layer is within the tolerance."""
        return all(r.miss <= self.tol for r in self.rows)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        header = ["layer", "mean", "std", "scale", "mean after", "std after", "off by"]
        cells = [
            [
                row.path or "(model)",
                *(f"{x:.3g}" for x in row.before),
                f"{row.scale[0]:.3g}"
                + (f" to {row.scale[1]:.3g}" if row.scale[1] > row.scale[0] else ""),
                *(f"{x:.3g}" for x in row.after),
                f"{row.miss:.1e}" + ("" if row.miss <= self.tol else "  not met"),
            ]
            for row in self.rows
        ]
        return header, cells

    def summary(self) -> str:
        """How many layers are as asked for, and which were left as they are."""
        met = sum(row.miss <= self.tol for row in self.rows)
        lines = [
            f"{met} of {len(self.rows)} layers within {self.tol:g} after "
            f"{self.passes} passes (the last one measures)",
            *list_skipped(self.skipped),
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{text_table(*self._cells())}\n\n{self.summary()}"

    def __repr__(self) -> str:
        return f"Calibration({self.summary().splitlines()[0]}; print it for the table)"

    def _repr_html_(self) -> str:
        return html_table(*self._cells(), self.summary())


def list_skipped(skipped: tuple[SkippedLayer, ...]) -> list[str]:
    """One line for each reason, with the layers that it is the reason for."""
    reasons: dict[str, list[str]] = collections.defaultdict(list)
    for layer in skipped:
        reasons[layer.why].append(f"{layer.path or '(model)'} {layer.kind}")
    return [f"left as it is: {', '.join(ls)}: {why}" for why, ls in reasons.items()]
