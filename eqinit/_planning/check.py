"""Realised against expected: does a model show what its plan promised?"""

import dataclasses
import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from .._drawing.row import Row
from .._laws.law import Moments
from .._tables import AbstractReport, Column, Table, number


@dataclasses.dataclass(frozen=True)
class CheckRow:
    """One parameter: expected and realised moments, and how unlikely they are."""

    path: str
    expected: Moments
    realised: Moments
    z_mean: float
    z_std: float

    @property
    def worst(self) -> float:
        return max(abs(self.z_mean), abs(self.z_std))


@dataclasses.dataclass(frozen=True, repr=False)
class Check(AbstractReport):
    """Every claimed parameter with a known law, realised against expected.

    `z_mean` and `z_std` are in units of their sampling error: for values that follow
    their law, one in 1.7 million is beyond 5.

    - `rows`: one per parameter, with `path`, `expected`, `realised`, `z_mean`, `z_std`.
    - `skipped`: paths of parameters without a known law.
    - `worst`: the largest |z| of all.
    - `ok`: whether none is beyond 5.
    """

    rows: tuple[CheckRow, ...]
    skipped: tuple[str, ...] = ()

    @property
    def worst(self) -> float:
        """The largest |z| of all; 0 where there is nothing to check."""
        return max((row.worst for row in self.rows), default=0.0)

    @property
    def ok(self) -> bool:
        """Whether no |z| is beyond 5."""
        return self.worst <= 5.0

    def _table(self) -> Table[CheckRow]:
        verdict = "within" if self.ok else "BEYOND"
        skipped = f", {len(self.skipped)} without a known law" if self.skipped else ""
        summary = (
            f"{len(self.rows)} parameters checked{skipped}; "
            f"largest |z| {_z(self.worst)[1:]}, {verdict} 5"
        )
        facts = {"ok": self.ok, "worst": self.worst, "skipped": list(self.skipped)}
        return Table(self.rows, _COLUMNS, [summary], dataclasses.asdict, facts)


_COLUMNS: Sequence[Column[CheckRow]] = (
    Column("parameter", lambda row: row.path),
    Column("mean", lambda row: number(row.realised.mean)),
    Column("expected", lambda row: number(row.expected.mean)),
    Column("z", lambda row: _z(row.z_mean)),
    Column("std", lambda row: number(row.realised.std)),
    Column("expected", lambda row: number(row.expected.std)),
    Column("z", lambda row: _z(row.z_std)),
)


def _z(score: float) -> str:
    return f"{score:+.2f}" if abs(score) < 1000 else f"{score:+.0e}"


def check_row(row: Row, value: np.ndarray) -> CheckRow | None:
    """`None` where the law is unknown or there is nothing to look at."""
    init = row.init
    moments = None if init is None else init.moments(row.spec)
    if init is None or moments is None or value.size == 0:
        return None
    wide = np.complex128 if row.spec.is_complex else np.float64
    value = np.asarray(value).astype(wide)
    realised = _moments(value)
    law = init.law(row.spec)
    is_complex = row.spec.is_complex
    # Values that no law allows (the log of a negative weight) become nan, then inf.
    with np.errstate(all="ignore"):
        if law is None:
            scores, unit = value, (moments.mean, moments.std, 3.0)
            nudged = _nudged(value, row)
        else:
            scores, unit = law.normalise(value, is_complex), law.normalised(is_complex)
            nudged = law.normalise(_nudged(value, row), is_complex)
        z_mean, z_std = _scores(
            np.asarray(scores), np.asarray(np.abs(nudged - scores)), *unit
        )
    return CheckRow(row.path, moments, realised, z_mean, z_std)


def _moments(value: np.ndarray) -> Moments:
    mean = value.mean()
    return Moments(float(mean.real), float(np.sqrt((np.abs(value - mean) ** 2).mean())))


def _nudged(value: np.ndarray, row: Row) -> np.ndarray:
    """The values moved by as much as storing them in the leaf's dtype may do.

    Relative to each value's own magnitude: normalised values are differences, and
    float32 knows ln(0.01/0.99) = -4.595 no closer than 4e-7.
    """
    limits = jnp.finfo(row.spec.dtype)
    tiny = float(limits.smallest_normal) * float(limits.eps)
    # A scalar parameter: numpy arithmetic on 0-d arrays gives numbers.
    return np.asarray(value * (1 + float(limits.eps)) + tiny)


def _scores(
    value: np.ndarray, grains: np.ndarray, mean: float, std: float, kurtosis: float
) -> tuple[float, float]:
    """z-scores of the sample mean and the sample variance about the *true* mean.

    `grains` is what rounding may have done to each value: no law is met closer.
    """
    deviation = value - mean
    off = complex(deviation.mean())
    worst = math.copysign(abs(off), off.real)
    if std == 0:
        grain = float(grains.max())
        return (
            _ratio(worst, 0.0, grain),
            _ratio(float(np.abs(deviation).max()), 0.0, grain),
        )
    grain = float(np.sqrt((grains**2).mean()))
    z_mean = _ratio(worst, std / math.sqrt(value.size), grain)
    variance = float((np.abs(deviation) ** 2).mean()) / std**2 - 1
    spread = math.sqrt(max(kurtosis - 1, 1e-12) / value.size)
    return z_mean, _ratio(variance, spread, grain / std)


def _ratio(value: float, error: float, grain: float) -> float:
    total = math.hypot(error, grain)
    # Not a number: there is no comparing it, and `max` would pass over it.
    if not math.isfinite(value) or not math.isfinite(total):
        return math.inf
    return value / total if total else math.copysign(math.inf, value) if value else 0.0


def check_rows(rows: Sequence[Row], values: Sequence[np.ndarray]) -> Check:
    pairs = [(row, check_row(row, v)) for row, v in zip(rows, values, strict=True)]
    done = tuple(result for _, result in pairs if result is not None)
    skipped = tuple(row.path for row, result in pairs if result is None and row.init)
    return Check(done, skipped)
