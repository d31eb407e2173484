"""Stored arrays and parameters, matched before a number moves."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from ..._models.read import Sites
from ..._tables import AbstractReport, Column, Table
from ..._typing import Shape
from .targets import Target, Way


@dataclasses.dataclass(frozen=True)
class MatchRow:
    """One parameter, and the arrays that it is made of.

    - `path`: of the parameter; of running statistics, that of their layer.
    - `shape`: of the parameter.
    - `names`: of the arrays, as they are stored; empty where there are none.
    - `how`: what is done to them; empty where they are taken as they are.
    """

    path: str
    shape: Shape
    names: tuple[str, ...]
    how: str


@dataclasses.dataclass(frozen=True, repr=False)
class WeightMatch(AbstractReport):
    """What [`eqinit.surgery.load_weights`][] would do. Printing it shows the table.

    - `rows`: one per parameter, in tree order.
    - `unused`: names of stored arrays that nothing was made of, with their shapes.
    - `left_out`: names that `rename` leaves out.
    - `problems`: arrays whose names fit a parameter and whose shapes do not.
    """

    rows: tuple[MatchRow, ...]
    unused: tuple[tuple[str, Shape], ...]
    left_out: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def unfilled(self) -> tuple[str, ...]:
        """Paths of the parameters for which there is no array."""
        return tuple(row.path for row in self.rows if not row.names)

    @property
    def complete(self) -> bool:
        """Whether every array and every parameter has its counterpart."""
        return not (self.unused or self.unfilled or self.problems)

    def _table(self) -> "Table[_Line]":
        filled = len(self.rows) - len(self.unfilled)
        summary = (
            f"{filled} of {len(self.rows)} parameters have their arrays, "
            f"{len(self.unused)} arrays are unused, {len(self.problems)} do not fit"
        )
        notes = [f"Problem: {problem}" for problem in self.problems]
        facts = {
            "unused": [name for name, _ in self.unused],
            "left_out": list(self.left_out),
            "problems": list(self.problems),
        }
        lines = [*map(_line, self.rows)]
        lines += [_Line("", "", f"{n} {shaped(s)}", "unused") for n, s in self.unused]
        lines += [_Line("", "", name, "left out") for name in self.left_out]
        return Table(lines, _COLUMNS, [summary, *notes], _Line._asdict, facts)


class _Line(NamedTuple):
    path: str
    shape: str
    stored: str
    how: str


_COLUMNS: Sequence[Column[_Line]] = (
    Column("parameter", lambda line: line.path),
    Column("shape", lambda line: line.shape),
    Column("stored", lambda line: line.stored),
    Column("how", lambda line: line.how),
)


def _line(row: MatchRow) -> _Line:
    stored = [" + ".join(row.names), row.how] if row.names else ["", "not stored"]
    return _Line(row.path, shaped(row.shape), *stored)


def shaped(shape: Shape) -> str:
    return f"[{','.join(str(n) for n in shape)}]"


@dataclasses.dataclass(frozen=True, eq=False)
class Matched:
    """A match, and what is needed to carry it out: for each target its way."""

    match: WeightMatch
    ways: tuple[tuple[Target, Way, tuple[str, ...]], ...]


def match_weights(
    targets: Sequence[Target],
    arrays: Mapping[str, np.ndarray],
    names: Mapping[str, str | None],
    sites: Sites,
    torch_name: Callable[[str], str],
) -> Matched:
    """Find for every target the arrays that it is made of, by name and shape.

    `names` are those of the model for stored ones, `None` for those that are left out.
    """
    stored = {name: key for key, name in names.items() if name is not None}
    shapes = {key: tuple(array.shape) for key, array in arrays.items()}
    rows: list[MatchRow] = []
    ways: list[tuple[Target, Way, tuple[str, ...]]] = []
    problems: list[str] = []
    for target in targets:
        way, misfits = _fitting(target, stored, shapes)
        keys = () if way is None else tuple(stored[name] for name in way.names)
        how = "" if way is None else way.form.how
        rows.append(MatchRow(target.path, target.shapes[0], keys, how))
        ways += [] if way is None else [(target, way, keys)]
        problems += misfits if way is None else []
    used = {key for _, _, keys in ways for key in keys}
    used |= _tied(sites, stored, ways, arrays, torch_name, problems)
    unused = tuple(
        (key, shapes[key])
        for key, name in names.items()
        if name is not None and key not in used
    )
    left_out = tuple(key for key, name in names.items() if name is None)
    match = WeightMatch(tuple(rows), unused, left_out, tuple(problems))
    return Matched(match, tuple(ways))


def _fitting(
    target: Target, stored: Mapping[str, str], shapes: Mapping[str, Shape]
) -> tuple[Way | None, list[str]]:
    """The first way whose arrays are there and fit, or what is wrong with one."""
    misfits: list[str] = []
    for way in target.ways:
        if not all(name in stored for name in way.names):
            continue
        keys = [stored[name] for name in way.names]
        got = _loaded(way, [shapes[key] for key in keys], target)
        if got == target.shapes:
            return way, []
        named = " + ".join(f"`{key}` {shaped(shapes[key])}" for key in keys)
        wanted = " and ".join(shaped(shape) for shape in target.shapes)
        misfits.append(f"{named} does not make `{target.path}` {wanted}")
        if [shapes[key][::-1] for key in keys] == [*target.shapes]:
            misfits[-1] += " (but transposed: see `transposed=`)"
    return None, misfits[:1]


def _loaded(way: Way, shapes: Sequence[Shape], target: Target) -> tuple[Shape, ...]:
    """Shapes of what would be loaded; empty where it cannot be."""
    if len(target.shapes) > 1:  # statistics, as they are
        return tuple(shapes[: len(target.shapes)])
    structs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes]
    try:
        return (tuple(jax.eval_shape(way.form.load, *structs).shape),)
    except (TypeError, ValueError, IndexError):
        return ()


def _tied(
    sites: Sites,
    stored: Mapping[str, str],
    ways: Sequence[tuple[Target, Way, tuple[str, ...]]],
    arrays: Mapping[str, np.ndarray],
    torch_name: Callable[[str], str],
    problems: list[str],
) -> set[str]:
    """Arrays of slots that `eqx.nn.Shared` fills: stored twice, and to be equal."""
    sources = {target.path: keys for target, _, keys in ways}
    used: set[str] = set()
    for slot, source in sites.sources:
        key = stored.get(torch_name(slot)) or stored.get(slot)
        if key is None or source not in sources:
            continue
        used.add(key)
        if not np.array_equal(arrays[key], arrays[sources[source][0]]):
            problems.append(
                f"`{key}` differs from `{sources[source][0]}`, and in this model "
                f"`{slot}` is tied to `{source}`"
            )
    return used
