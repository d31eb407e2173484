"""Realised against expected: does a model show what its plan promised?"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from .._laws.law import Moments
from .._tables import AbstractReport, Column, Table, number


BOUND = 5.0


@dataclasses.dataclass(frozen=True)
class CheckRow:
    """One parameter: expected and realised moments, and how unlikely they are.

    - `path`: of the parameter.
    - `size`: how many values it has.
    - `expected`, `realised`: mean and std; a law may have none (Cauchy's).
    - `z_mean`, `z_std`: how far off they are, in standard deviations of a normal.
    - `by`: what the values were held against: their `law`; the `moments` of a rotation;
        or `draws` of the scheme itself, where its entries have no law of their own.
    """

    path: str
    size: int
    expected: Moments | None
    realised: Moments
    z_mean: float
    z_std: float
    by: str

    @property
    def worst(self) -> float:
        """The larger |z| of the two."""
        return max(abs(self.z_mean), abs(self.z_std))

    @property
    def ok(self) -> bool:
        """Whether no |z| is beyond 5."""
        return self.worst <= BOUND

    @property
    def remark(self) -> str:
        """Where a std looks wrong and is not."""
        std = 0.0 if self.expected is None else self.expected.std
        if not self.ok or not std or not math.isfinite(std):
            return ""
        off = abs(self.realised.std / std - 1)
        # What five sigmas would be if these were normals.
        far = off > BOUND * math.sqrt(0.5 / self.size)
        return "heavy tails: its std says little" if far else ""


@dataclasses.dataclass(frozen=True, repr=False)
class Check(AbstractReport):
    """Every claimed parameter, realised against expected.

    `bool(check)` is whether all is well; `check.raise_if_bad()` raises otherwise.

    `z_mean` and `z_std` are scores: a parameter drawn as planned has one beyond 5 as
    seldom as a normal is, once in 1.7 million. That is corrected for laws that are
    lopsided or have long tails and for parameters of a few values: beyond 4 there are
    at most three times as many as of normals.

    - `rows`: one per parameter, with `path`, `expected`, `realised`, `z_mean`, `z_std`.
    - `skipped`: paths of those of which nothing can be said, with the reason.
    - `worst`: the largest |z| of all.
    - `ok`: whether none is beyond 5.
    """

    rows: tuple[CheckRow, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def worst(self) -> float:
        """The largest |z| of all; 0 where there is nothing to check."""
        return max((row.worst for row in self.rows), default=0.0)

    @property
    def ok(self) -> bool:
        """Whether no |z| is beyond 5."""
        return self.worst <= BOUND

    def __bool__(self) -> bool:
        return self.ok

    def raise_if_bad(self) -> None:
        """Raise if any |z| is beyond 5.

        **Raises:** `ValueError` that lists the parameters, the worst first.
        """
        if self.ok:
            return
        wrong = [row for row in self.rows if not row.ok]
        worst = sorted(wrong, key=lambda row: -row.worst)
        lines = [f"- {_told(row)}" for row in worst[:12]]
        more = [f"- ... and {len(wrong) - 12} more"] if wrong[12:] else []
        listed = "\n".join([*lines, *more])
        raise ValueError(
            f"{len(wrong)} of {len(self.rows)} parameters are not what their plan "
            f"says:\n{listed}\nA plan is checked on what `plan.apply(model, key)` "
            "returned, before any training; `print(check)` shows all."
        )

    def _table(self) -> Table[Any]:
        wrong = sum(not row.ok for row in self.rows)
        verdict = f"within {BOUND:g}" if self.ok else f"{wrong} BEYOND {BOUND:g}"
        skipped = f", {len(self.skipped)} cannot be judged" if self.skipped else ""
        summary = (
            f"{len(self.rows)} parameters checked{skipped}; "
            f"largest |z| {_z(self.worst)[1:]}, {verdict}"
        )
        facts = {"ok": self.ok, "worst": self.worst}
        # What is wrong comes first: it must not be among the lines that are left out.
        rows = sorted(self.rows, key=lambda row: row.ok)
        lines = [*rows, *(_Skipped(*pair) for pair in self.skipped)]
        return Table(lines, _COLUMNS, [summary], dataclasses.asdict, facts)


@dataclasses.dataclass(frozen=True)
class _Skipped:
    path: str
    remark: str


def _planned(row: CheckRow) -> tuple[float | None, float | None]:
    return (None, None) if row.expected is None else row.expected


def _told(row: CheckRow) -> str:
    (mean, std), (planned_mean, planned_std) = row.realised, _planned(row)
    return (
        f"`{row.path}`: mean {number(mean)}, planned {number(planned_mean)} (z "
        f"{_z(row.z_mean)}), and std {number(std)}, planned {number(planned_std)} (z "
        f"{_z(row.z_std)})"
    )


def _cell(heading: str, read: Any) -> Column[Any]:
    return Column(heading, lambda row: "" if isinstance(row, _Skipped) else read(row))


_COLUMNS: Sequence[Column[Any]] = (
    Column("parameter", lambda row: row.path),
    _cell("mean", lambda row: number(row.realised.mean)),
    _cell("expected", lambda row: number(_planned(row)[0])),
    _cell("z", lambda row: _z(row.z_mean)),
    _cell("std", lambda row: number(row.realised.std)),
    _cell("expected", lambda row: number(_planned(row)[1])),
    _cell("z", lambda row: _z(row.z_std)),
    Column("remark", lambda row: row.remark, quiet=True),
)


def _z(score: float) -> str:
    return f"{score:+.2f}" if abs(score) < 1000 else f"{score:+.0e}"
