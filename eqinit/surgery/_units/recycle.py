"""Units that do nothing, started anew."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

from ..._models.write import replace_leaves
from ..._planning.plan import Plan, plan
from ..._typing import Array, Key, NonNegativeNumber, checked
from .._checks import check_same
from .._origins import Origin, parameters
from .._record import make_record, returned
from .._wrapped import wrapped_among
from .change import as_array, check_values, group_of
from .groups import UnitGroup, UnitMember


@checked
def recycle(
    model: Any,
    key: Key,
    rules: Any,
    layer: str | UnitGroup,
    dormant: Any,
    call: Callable[..., Any],
    *args: Any,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
    tolerance: NonNegativeNumber | None = None,
    record: bool = False,
) -> Any:
    """ReDo: give dormant units fresh incoming weights and no outgoing ones.

    In every place that a trace of the call finds: what makes a unit, or changes it on
    its own (rows of kernels, biases, depthwise kernels, gains), is drawn anew, and
    kernels that read it are zero where they do. Where a unit was exactly zero on all
    inputs the model computes what it did, and the unit can learn again.

    ```python
    idle = dormant_units(jax.vmap(lambda x: jax.nn.relu(mlp.layers[0](x)))(batch), 0.1)
    mlp, record = recycle(mlp, key, rules, "layers.0", idle, call, batch, record=True)
    opt_state = record.apply_to(opt_state)
    ```

    !!! warning

        Other units notice where norms or other sums run over the units, as along a
        residual stream: pass `tolerance=` to see that they do not.

    **Arguments:**

    - `model`: any model, or a `(model, state)` tuple, whose running statistics stay.
    - `key`: a PRNG key; the fresh weights are those that [`eqinit.apply`][] would draw.
    - `rules`, `layouts`: as in [`eqinit.apply`][]; they must claim the kernels that
        make the units. What they do not claim beside these stays.
    - `layer`: path of the layer that makes the units, or one of the groups of
        [`eqinit.surgery.unit_groups`][]. Of attention the units are whole heads.
    - `dormant`: bools of shape `(units,)`, such as
        [`eqinit.surgery.dormant_units`][] returns. Of a group of several `layers` also
        a row for each of them.
    - `call`, `*args`: traced, to see where the units are.
    - `tolerance`: how far outputs may be off, in units of the largest; by default that
        is in the record alone.
    - `record`: also return the [`eqinit.surgery.Record`][]; moments of what is fresh,
        and of what is zero now, start at zero.

    **Returns:** a new model.

    **Raises:** `ValueError` where units have to stay as they are, where nothing reads
    them through a kernel, or where no rule claims what makes them.

    Sokar et al., The dormant neuron phenomenon in deep reinforcement learning,
    arXiv:2302.12902.
    """
    check_values("recycle", model)
    group = group_of("recycle", model, layer, call, args)
    idle = _flags(group, dormant)
    planned = plan(model, rules, layouts=layouts)
    _check(model, group, planned)
    fresh = jtu.tree_leaves(planned.apply(model, key))
    leaves, new = jtu.tree_leaves(model), dict[int, Any]()
    steps: dict[str, list[Array]] = {}
    drawn = {row.path for row in planned if row.status == "set"}
    # What is read of a unit goes last: between a unit and itself nothing is.
    for member in sorted(_changed(group, drawn), key=lambda m: m.way == "in"):
        at = member.position
        old: Any = new.get(at, leaves[at])
        mask = _mask(group, member, idle, old.ndim)
        value = jnp.zeros_like(old) if member.way == "in" else fresh[at]
        new[at] = jnp.where(mask, value, old)
        steps.setdefault(member.path, []).append(mask)
    changed = replace_leaves(model, new)
    limit = float("inf") if tolerance is None else tolerance
    note = check_same("recycle", model, changed, call, args, limit)
    known = parameters(model)
    origins = {p: _without(p, masks) for p, masks in steps.items() if p in known}
    made = make_record("recycle", model, changed, origins, notes=[note])
    return returned(changed, made, record)


def _flags(group: UnitGroup, dormant: Any) -> Array:
    idle: Any = dormant if isinstance(dormant, jax.Array) else as_array(dormant)
    shapes = [(group.size,)]
    shapes += [(group.layers, group.size)] if group.layers > 1 else []
    if idle.dtype == bool and idle.shape in shapes:
        return jnp.asarray(idle)
    rows = f", or as many for each of {group.layers} layers" if shapes[1:] else ""
    raise ValueError(
        f"recycle got {idle.dtype}{list(idle.shape)} for the {group.size} units of "
        f"`{group.name}`: it takes a bool for each of them{rows}. Pass "
        "`dormant_units(outputs)` of that layer's own outputs."
    )


def _changed(group: UnitGroup, drawn: set[str]) -> list[UnitMember]:
    return [
        member
        for member in group.members
        if member.way == "in" or (member.way == "out" and member.path in drawn)
    ]


def _check(model: Any, group: UnitGroup, planned: Plan) -> None:
    """That every unit is made by what is drawn, and read by kernels."""
    name = group.name
    if bake := wrapped_among(model, [member.path for member in group.members]):
        raise ValueError(f"recycle got the units of `{name}`, and {bake}")
    if tied := [m for m in group.members if m.way == "both"]:
        raise ValueError(
            f"recycle got the units of `{name}`, and `{tied[0].path}` both makes and "
            f"reads them, along axis {tied[0].axis}: what reads them is to be zero, "
            "and what makes them is not. Untie it first."
        )
    if all(member.way != "in" for member in group.members):
        raise ValueError(
            f"recycle got the units of `{name}`, which no kernel reads by a sum of its "
            "own: there is nothing to silence them by. Pass one of "
            "`unit_groups(model, call, *args).free` with a way `in`."
        )
    rows = {row.path: row for row in planned}
    makes = {m.path for m in group.members if m.way == "out" and m.path in rows}
    kernels = ("kernel", "embedding")
    unclaimed = [
        path
        for path in sorted(makes)
        if rows[path].spec.role in kernels and rows[path].status != "set"
    ]
    if unclaimed:
        listed = ", ".join(f"`{path}`" for path in unclaimed)
        raise ValueError(
            f"recycle draws {listed} anew, and no rule claims it. Pass the rules that "
            f'initialised the model, or `Rule("{unclaimed[0]}", ...)`.'
        )


def _mask(group: UnitGroup, member: UnitMember, idle: Array, ndim: int) -> Array:
    """Whether an entry is one of a unit that is recycled."""
    _, unit = member.pattern.entries(np.arange(group.size), group.size)
    flags = jnp.where(unit >= 0, idle[..., unit], False)
    shape = [-1 if i == member.axis else 1 for i in range(ndim)]
    if flags.ndim == 2:
        shape[0] = group.layers
    return flags.reshape(shape)


def _without(path: str, masks: list[Array]) -> Origin:
    def follow(moments: list[Array], power: int) -> Array:
        del power
        moment = moments[0]
        for mask in masks:
            moment = jnp.where(mask, jnp.zeros_like(moment), moment)
        return moment

    return Origin("units recycled", (path,), follow)
