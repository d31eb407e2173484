"""Units that belong together, as a value."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from ..._tables import AbstractReport, Column, Table
from ..._typing import checked
from .domain import Units, Use
from .factors import Factor, freeze, roots_of
from .layers import Shown, layers_of, met_in
from .pattern import Pattern, pattern_of
from .trace import Held, follow


@dataclasses.dataclass(frozen=True)
class UnitMember:
    """One axis of one parameter that runs over the units of a group.

    - `path`, `axis`: which. Paths of an `eqx.nn.State` begin with `state`.
    - `pattern`: how the entries along it belong to units. `unit` for one entry each,
        `unit 16` for blocks of 16, `4 times unit` for the gates of an LSTM.
    - `way`: `in` where sums read the units (the columns of the next kernel), `out`
        where they are made or changed one by one (rows, biases, gains), `both`, or
        empty where the parameter is not used.
    - `position`: of the array among the leaves of the tree.
    """

    path: str
    axis: int
    pattern: Pattern
    way: Literal["in", "out", "both", ""]
    position: int


@dataclasses.dataclass(frozen=True)
class UnitGroup:
    """Units that can only be moved, copied and left out in all places at once.

    - `members`: those places, in tree order.
    - `size`: how many units there are.
    - `frozen`: why they have to stay where they are; empty if they may be moved.
    - `summed`: whether sums of activations run over them (those of a norm, of scores of
        attention), in which a copy would count twice.
    - `layers`: how many layers of a stack that is scanned over have units of their own
        each; 1 where there is one order of units.
    """

    members: tuple[UnitMember, ...]
    size: int
    frozen: str
    summed: bool
    layers: int = 1

    @property
    def name(self) -> str:
        """The first place, such as `layers.0.weight[0]`."""
        return f"{self.members[0].path}[{self.members[0].axis}]"


@dataclasses.dataclass(frozen=True)
class UnitRow:
    """One axis of one parameter, and the group that it is of."""

    member: UnitMember
    group: UnitGroup

    def to_dict(self) -> dict[str, Any]:
        member, group = self.member, self.group
        return {
            "path": member.path,
            "axis": member.axis,
            "pattern": str(member.pattern),
            "way": member.way,
            "group": group.name,
            "size": group.size,
            "layers": group.layers,
            "frozen": group.frozen,
        }


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class UnitGroups(AbstractReport):
    """All groups of a model. Printing it shows a table, one row per axis.

    - `groups`: by their first place.
    """

    groups: tuple[UnitGroup, ...]

    @property
    def free(self) -> tuple[UnitGroup, ...]:
        """Those whose units may be moved."""
        return tuple(group for group in self.groups if not group.frozen)

    @checked
    def of(self, path: str, axis: int) -> tuple[UnitGroup, ...]:
        """The groups that one axis of a parameter is made of, the slowest first."""
        found = [
            (_depth(member.pattern), group)
            for group in self.groups
            for member in group.members
            if (member.path, member.axis) == (path, axis)
        ]
        return tuple(group for _, group in sorted(found, key=lambda pair: pair[0]))

    def _table(self) -> Table[UnitRow]:
        rows = [UnitRow(m, g) for g in self.groups for m in g.members]
        rows.sort(key=lambda row: (row.member.position, row.member.axis))
        free = len(self.free)
        plural = "" if free == 1 else "s"
        frozen = len(self.groups) - free
        summary = [f"{free} group{plural} of units to be moved, {frozen} frozen"]
        return Table(rows, _COLUMNS, summary, UnitRow.to_dict)


def _depth(pattern: Pattern) -> int:
    """How many steps of the axis are slower than the units."""
    steps = [
        number
        for part in pattern.parts
        for number, step in enumerate(part)
        if not isinstance(step, int)
    ]
    return min(steps)


def _several(count: int) -> str:
    return str(count) if count > 1 else ""


_COLUMNS: Sequence[Column[UnitRow]] = (
    Column("parameter", lambda row: row.member.path),
    Column("axis", lambda row: str(row.member.axis)),
    Column("units", lambda row: str(row.group.size)),
    Column("as", lambda row: str(row.member.pattern)),
    Column("way", lambda row: row.member.way),
    Column("group", lambda row: row.group.name),
    Column("layers", lambda row: _several(row.group.layers), quiet=True),
    Column("frozen", lambda row: row.group.frozen, quiet=True),
)


@checked
def unit_groups(model: Any, call: Callable[..., Any], *args: Any) -> UnitGroups:
    """Which axes of which parameters run over the same units.

    A unit is one feature: a row of one kernel, an entry of its bias, of the gain of the
    norm behind it, and a column of every kernel that reads it. Along a residual stream
    these are the same in every block. The call is traced on abstract values, and axes
    are followed: sums and products of arrays make them one, contractions too, reshapes
    and slices take them apart into heads, gates and blocks.

    ```python
    groups = surgery.unit_groups(model, lambda model, x: jax.vmap(model)(x), x)
    print(groups)
    ```

    Units can be moved within a group without a change of what the model computes. What
    an operation tells apart is frozen, as are the inputs and outputs of the call.

    Of a stack that is scanned over, what is inside of its layers alone belongs to each
    of them: `layers` says how many have an order of their own.

    **Arguments:**

    - `model`: any PyTree, or a `(model, state)` tuple, whose running statistics are
        members then.
    - `call`: a function of the model and `*args`. Pass models with dropout in inference
        mode: random numbers tell units apart.
    - `*args`: its inputs, concrete or abstract.

    **Returns:** the groups, as a value that prints as a table.

    **Raises:** `ValueError` where the call does not run.
    """
    return groups_for("unit_groups", model, call, args)


def groups_for(
    operation: str, model: Any, call: Callable[..., Any], args: Sequence[Any]
) -> UnitGroups:
    """The groups, for an operation that errors are told of."""
    units, held = follow(operation, model, call, args)
    factors = _factors(held)
    patterns = {
        factor: [
            (one, axis, pattern)
            for one, axis in places
            if (pattern := pattern_of(one.value.axes[axis], factor)) is not None
        ]
        for factor, places in factors.items()
    }
    for factor, members in patterns.items():
        if any(pattern.has_repeats for _, _, pattern in members):
            freeze(((factor,),), "is a product with itself")
    met = met_in(units.loops)
    ways, summed = _ways(units), {f for axis in units.sums for f in roots_of(axis)}
    return UnitGroups(
        tuple(
            UnitGroup(
                tuple(_member(place, factor, ways) for place in members),
                factor.size,
                factor.reason,
                factor in summed,
                1 if factor.reason else layers_of(factor, _shown(members), met),
            )
            for factor, members in patterns.items()
        )
    )


def _factors(held: Sequence[Held]) -> Mapping[Factor, list[tuple[Held, int]]]:
    """Every dimension, and the axes that show it."""
    found: dict[Factor, list[tuple[Held, int]]] = defaultdict(list)
    for one in held:
        for i, axis in enumerate(one.value.axes):
            for factor in dict.fromkeys(roots_of(axis)):
                found[factor].append((one, i))
    return found


def _shown(members: Iterable[tuple[Held, int, Pattern]]) -> list[Shown]:
    return [
        Shown(one.value.origin, axis, one.value.axes[0], one.length)
        for one, axis, _ in members
    ]


_Place = tuple[int | None, int, Factor]


def _member(
    place: tuple[Held, int, Pattern], factor: Factor, ways: Mapping[_Place, set[str]]
) -> UnitMember:
    one, axis, pattern = place
    known = ways.get((one.value.origin, axis, factor), set())
    way: Any = "both" if len(known) == 2 else next(iter(known), "")
    return UnitMember(one.path, axis, pattern, way, one.position)


def _ways(units: Units) -> Mapping[_Place, set[str]]:
    """By parameter, axis and dimension: how it is used there."""
    ways: dict[_Place, set[str]] = defaultdict(set)
    for use in units.uses:
        for place in _places(use):
            ways[place].add(use.way)
    for pair in units.pairs:
        # One of two parameters reads what the other makes: the one that makes nothing.
        for one, other in zip(_places(pair.one), _places(pair.other), strict=False):
            if "in" in ways[one] or "in" in ways[other]:
                continue
            reader, made = (other, one) if "out" in ways[one] else (one, other)
            ways[reader].add("in")
            ways[made].add("out")
    return ways


def _places(use: Use) -> Iterable[_Place]:
    return [(use.parameter, use.axis, factor) for factor in roots_of(use.over)]
