"""How a plan looks: its table, and its rows as plain data."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._drawing.row import Row
from .._memo import Memo
from .._parameters.axes import Axes
from .._tables import Column, Table, count, number, short_dtype
from .spelling import spelled


@dataclasses.dataclass(frozen=True)
class _Slot:
    """A line for what `eqx.nn.Shared` fills; `source` is its path, if it is a row."""

    path: str
    source: str = ""


def plan_table(
    rows: Sequence[Row],
    shared: Sequence[str],
    sources: Mapping[str, str],
    notes: Sequence[str],
) -> Table[Row | _Slot]:
    """The table of a plan: a line for each parameter and each shared slot."""
    slots = [_Slot(path, sources.get(path, "")) for path in shared]
    lines = [summary(rows, shared), *(f"Note: {note}" for note in notes)]
    facts = {"notes": list(notes)}
    return Table([*rows, *slots], _columns(), lines, _data, facts, _alike)


def summary(rows: Sequence[Row], shared: Sequence[str]) -> str:
    """What a plan does, in one line."""
    set_rows = [row for row in rows if row.init is not None]
    numbers = sum(row.spec.size for row in set_rows)
    tally = Counter(row.status for row in rows)
    others = {"follow": tally["follows"], "shared": len(shared)}
    return (
        f"{len(set_rows)} parameters set ({numbers:,} numbers), "
        f"{tally['kept']} kept"
        + "".join(f", {n} {word}" for word, n in others.items() if n)
    )


def _alike(row: Row | _Slot) -> tuple[object, ...]:
    if isinstance(row, _Slot):
        return (row,)
    # What follows another tells of its path: a text that no other row has.
    return row.spec, row.init, row.rule, row.through, row.follows


def _of_row(cell: Callable[[Row], str]) -> Callable[[Row | _Slot], str]:
    return lambda row: "" if isinstance(row, _Slot) else cell(row)


def _array(row: Row) -> str:
    return f"{short_dtype(row.spec.dtype)}[{','.join(map(str, row.spec.shape))}]"


def _axes(row: Row) -> str:
    axes = row.spec.axes
    if axes is None:
        return "?"
    return "".join(f"{n} x " for n in axes.stack) + _notation(axes)


def _notation(axes: Axes) -> str:
    return " ".join(axes.text.split("<-")[0].split())


def _fans(row: Row) -> str:
    fans = row.spec.fan_in, row.spec.fan_out
    return "" if fans == (None, None) else "/".join(count(f) or "-" for f in fans)


def _becomes(row: Row | _Slot) -> str:
    if isinstance(row, _Slot):
        return f"shared with {row.source}" if row.source else "shared"
    init = "kept" if row.init is None else spelled(row.init)
    init = f"follows {row.follows}" if row.follows is not None else init
    return init + (f", through {row.through}" if row.through else "")


def _columns() -> Sequence[Column[Row | _Slot]]:
    # What a law says of its moments may take a millisecond, for integrals.
    known: Memo[tuple[float | None, float | None]] = Memo()

    def moment(which: int) -> Callable[[Row | _Slot], str]:
        def cell(row: Row) -> str:
            moments = known.once((row.init, row.spec), lambda: row.moments)
            return number(moments[which])

        return _of_row(cell)

    return (
        Column("parameter", lambda row: row.path),
        Column("array", _of_row(_array)),
        Column("axes", _of_row(_axes)),
        Column("fan in/out", _of_row(_fans), quiet=True),
        Column("initializer", _becomes),
        Column("mean", moment(0), quiet=True),
        Column("std", moment(1), quiet=True),
        Column("rule", _of_row(lambda row: row.rule or ""), quiet=True),
    )


def _data(row: Row | _Slot) -> dict[str, Any]:
    if isinstance(row, _Slot):
        return {"path": row.path, "status": "shared", "source": row.source or None}
    spec, (mean, std) = row.spec, row.moments
    axes = spec.axes
    return {
        "path": row.path,
        "status": row.status,
        "shape": list(spec.shape),
        "dtype": str(spec.dtype),
        "role": spec.role,
        "axes": None if axes is None else _notation(axes),
        "stack": [] if axes is None else list(axes.stack),
        "fan_in": spec.fan_in,
        "fan_out": spec.fan_out,
        "initializer": None if row.init is None else spelled(row.init, most=None),
        "mean": mean,
        "std": std,
        "rule": row.rule,
        "through": row.through or None,
        "follows": row.follows,
    }
