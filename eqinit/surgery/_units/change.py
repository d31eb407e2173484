"""Units moved, copied and left out, in all their places at once."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from ..._models.walk import model_of
from ..._models.write import replace_leaves
from ..._parameters.paths import below, join
from ..._typing import Array
from .._edit import node_at
from .._origins import Origin
from .groups import UnitGroup, UnitGroups, UnitMember, groups_for
from .pattern import Indices


@dataclasses.dataclass(frozen=True)
class Change:
    """What happens to the units of one group.

    - `units`: for each new unit the old one that it is; one row for each layer of a
        stack, or one for all of them.
    - `share`: of each new unit in what kernels read, 1 for all of them if `None`.
    """

    group: UnitGroup
    units: Indices
    share: Any = None

    def value(self, array: Array, members: Sequence[UnitMember]) -> Array:
        """One array of the model; what reads copies shares what was read."""
        return self._moved(array, members, "in", 1)

    def moment(self, array: Array, members: Sequence[UnitMember], power: int) -> Array:
        """A moment: the gradient of a copy is its share of the old one's."""
        return self._moved(array, members, "out", power)

    def _moved(
        self, array: Array, members: Sequence[UnitMember], way: str, power: int
    ) -> Array:
        for member in members:
            if self.units.ndim == 2:
                array = self._by_layer(array, member)
                continue
            places, unit = member.pattern.entries(self.units, self.group.size)
            array = jnp.take(array, places, axis=member.axis)
            if self.share is None or member.way != way:
                continue
            factor = jnp.where(unit < 0, 1.0, self.share[unit]) ** power
            shape = [-1 if i == member.axis else 1 for i in range(array.ndim)]
            array = array * factor.reshape(shape).astype(array.dtype)
        return array

    def _by_layer(self, array: Array, member: UnitMember) -> Array:
        """The array with the units of each layer in an order of their own."""
        assert self.share is None
        found = [member.pattern.entries(row, self.group.size)[0] for row in self.units]
        shape = [-1 if i == member.axis else 1 for i in range(array.ndim)]
        places = np.stack([places.reshape(shape[1:]) for places in found])
        return jnp.take_along_axis(array, jnp.asarray(places), axis=member.axis)

    def leaves(self, tree: Any) -> Any:
        """The tree with its arrays changed, and every other field as it was."""
        leaves = jtu.tree_leaves(tree)
        new = {i: self.value(leaves[i], m) for i, m in self.by_position().items()}
        return replace_leaves(tree, new)

    def by_position(self) -> Mapping[int, list[UnitMember]]:
        found: dict[int, list[UnitMember]] = {}
        for member in self.group.members:
            found.setdefault(member.position, []).append(member)
        return found

    def origins(self, what: str, known: Mapping[str, Any]) -> Mapping[str, Origin]:
        """Where the parameters of the new model come from."""
        members = {m[0].path: m for m in self.by_position().values()}
        return {
            path: Origin(what, (path,), self._follow(found), self.share is not None)
            for path, found in members.items()
            if path in known
        }

    def _follow(self, members: Sequence[UnitMember]) -> Callable[..., Any]:
        return lambda moments, power: self.moment(moments[0], members, power)


def as_array(value: Any) -> np.ndarray:
    """What was passed as numbers or flags of units; rows need not be of one length."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.array(None)


def group_of(
    operation: str, model: Any, layer: Any, call: Callable[..., Any], args: Any
) -> UnitGroup:
    """The units that a layer makes, or the group that was passed.

    **Raises:** `ValueError` where they are frozen, or where it makes several kinds.
    """
    groups = groups_for(operation, model, call, args)
    if isinstance(layer, UnitGroup):
        known = {(m.path, m.axis, m.pattern) for g in groups.free for m in g.members}
        if not {(m.path, m.axis, m.pattern) for m in layer.members} <= known:
            raise ValueError(
                f"{operation} got the group `{layer.name}` of another model, or of the "
                "model as it was. Pass one of `unit_groups(model, call, *args).free`."
            )
        return layer
    path = layer
    if isinstance(node_at(model, path), eqx.nn.MultiheadAttention):
        path = join(path, "query_proj")
    made = {
        (member.path, member.axis): groups.of(member.path, member.axis)
        for group in groups.groups
        for member in group.members
        if member.way in ("out", "both") and below(member.path, path) is not None
    }
    # Of heads and what is in a head, the heads.
    first = [next((g for g in found if not g.frozen), None) for found in made.values()]
    free = list(dict.fromkeys(group for group in first if group is not None))
    if len(free) == 1:
        return free[0]
    raise ValueError(f"{operation} got `{layer}`, " + _why_not(groups, made, free))


def _why_not(
    groups: UnitGroups, made: Mapping[Any, Sequence[UnitGroup]], free: Sequence[Any]
) -> str:
    fix = "Pass one of `unit_groups(model, call, *args).free`."
    if free:
        names = ", ".join(f"`{group.name}`" for group in free)
        return f"which makes {len(free)} kinds of units: {names}. {fix}"
    reasons = dict.fromkeys(g.frozen for found in made.values() for g in found)
    if reasons:
        return f"whose units have to stay: the axis {'; '.join(reasons)}. {fix}"
    names = sorted({m.path for g in groups.free for m in g.members})
    return f"which makes no units. There are those of {', '.join(names[:4])}. {fix}"


def check_values(operation: str, model: Any) -> None:
    """That there are arrays, and no shapes alone."""
    leaves = jtu.tree_leaves(model_of(model))
    if any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves):
        raise ValueError(
            f"{operation} works on values, and this model has shapes alone. Make them "
            "first, with `eqinit.apply` or `eqinit.build`."
        )
