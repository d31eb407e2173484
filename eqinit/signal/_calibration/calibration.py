"""What a calibration did: data, table, verdict."""

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
class Calibration:
    """What a calibration did.

    - `rows`: one a layer, in call order.
    - `passes`: how many were run, the last one to measure the result.
    - `tol`: what was asked for.
    - `missing`: layers that were selected and never called, left as they are.
    """

    rows: tuple[CalibratedLayer, ...]
    passes: int
    tol: float
    missing: tuple[str, ...] = ()

    @property
    def miss(self) -> float:
        """How far off the worst layer is; not a number counts as infinitely far."""
        return float(np.nan_to_num(max(r.miss for r in self.rows), nan=np.inf))

    @property
    def ok(self) -> bool:
        """Whether every layer is within the tolerance."""
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

    def _summary(self) -> str:
        met = sum(row.miss <= self.tol for row in self.rows)
        missing = f"; not called: {', '.join(self.missing)}" if self.missing else ""
        return (
            f"{met} of {len(self.rows)} layers within {self.tol:g} after "
            f"{self.passes} passes (the last one measures){missing}"
        )

    def __str__(self) -> str:
        return f"{text_table(*self._cells())}\n\n{self._summary()}"

    def _repr_html_(self) -> str:
        return html_table(*self._cells(), self._summary())
