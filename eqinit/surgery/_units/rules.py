"""One rule per primitive."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..._inference.walker import Equation, Rule
from . import entrywise, picks, sums
from .domain import Units, Value, union


def _depending(rule: Rule[Any]) -> Rule[Any]:
    """A rule whose outputs depend on what its inputs do, seen where it is."""

    def noted(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
        depends = union(values)
        outputs = rule(domain, eqn, values)
        if eqn.name not in entrywise.LINEAR:  # or nothing meets anything
            found = (axis for value in (*values, *outputs) for axis in value.axes)
            domain.loops.see(eqn.place, found)
        return [value._replace(depends=depends) for value in outputs]

    return noted


RULES: Mapping[str, Rule[Any]] = {
    name: _depending(rule)
    for room in (entrywise, picks, sums)
    for name, rule in room.RULES.items()
}
