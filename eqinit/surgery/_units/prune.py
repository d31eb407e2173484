"""Fewer units, and units in another order."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._typing import Array, NonNegativeNumber, checked
from .._checks import check_same
from .._origins import parameters
from .._record import make_record, returned
from .change import Change, as_array, check_values, group_of
from .fields import follow_sizes
from .groups import UnitGroup
from .pattern import Indices


@checked
def prune(
    model: Any,
    layer: str | UnitGroup,
    keep: Any,
    call: Callable[..., Any],
    *args: Any,
    record: bool = False,
) -> Any:
    """Leave units out, in all their places.

    ```python
    scores = surgery.unit_scores(model, "blocks.0.up", call, x)
    model = surgery.prune(model, "blocks.0.up", jnp.argsort(scores)[-256:], call, x)
    ```

    **Arguments:**

    - `model`: any model, or a `(model, state)` tuple.
    - `layer`: path of the layer that makes the units, or one of the groups of
        [`eqinit.surgery.unit_groups`][]. Of attention the units are whole heads.
    - `keep`: which units stay: their numbers, or one bool each. They stay in order. Of
        a group of several `layers` also a row for each of them, all of one length.
    - `call`, `*args`: traced, to see where else the units are; outputs will change in
        value, and not in shape.
    - `record`: also return the [`eqinit.surgery.Record`][]; moments of what stays stay.

    **Returns:** a new model, with static sizes in step.

    **Raises:** `ValueError` where units have to stay where they are, or for numbers
    that no unit has.
    """
    check_values("prune", model)
    group = group_of("prune", model, layer, call, args)
    kept = _kept(group, keep)
    change = Change(group, kept)
    changed = change.leaves(model)
    changed = follow_sizes("prune", model, changed, group, kept.shape[-1], call, args)
    what = f"{group.size} -> {kept.shape[-1]} units"
    origins = change.origins(what, parameters(model))
    made = make_record("prune", model, changed, origins)
    return returned(changed, made, record)


def _kept(group: UnitGroup, keep: Any) -> Indices:
    asked = as_array(keep)
    shapes = _shapes(group)
    if asked.dtype == bool and asked.shape in [(*lead, group.size) for lead in shapes]:
        counts = asked.sum(-1)
        if counts.min() == counts.max():
            asked = np.nonzero(asked)[-1].reshape(*asked.shape[:-1], counts.max())
    if asked.dtype.kind in "iu" and asked.shape[:-1] in shapes and asked.ndim:
        kept = np.sort(asked.astype(np.intp), axis=-1)
        fits = bool((np.diff(kept, axis=-1) > 0).all())
        if fits and kept.shape[-1] and 0 <= kept.min() and kept.max() < group.size:
            return kept
    rows = f", or a row of them for each of {group.layers} layers, as many in each"
    raise ValueError(
        f"prune got keep={keep!r} for the {group.size} units of `{group.name}`: it "
        f"takes different numbers from 0 to {group.size - 1}, at least one of them, or "
        f"{group.size} bools{rows if group.layers > 1 else ''}."
    )


def _shapes(group: UnitGroup) -> list[tuple[int, ...]]:
    """What may stand in front of the units: nothing, or the layers."""
    return [()] if group.layers == 1 else [(), (group.layers,)]


@checked
def permute(
    model: Any,
    layer: str | UnitGroup,
    order: Any,
    call: Callable[..., Any],
    *args: Any,
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    """Put units into another order, in all their places: the function stays.

    **Arguments:**

    - `model`: any model, or a `(model, state)` tuple.
    - `layer`: path of the layer that makes the units, or one of the groups of
        [`eqinit.surgery.unit_groups`][]. Of attention the units are whole heads.
    - `order`: for each new place the number of the unit that goes there. Of a group of
        several `layers` also a row for each of them.
    - `call`, `*args`: `call(model, *args)` is what has to stay.
    - `tolerance`: how far outputs may be off, in units of the largest.
    - `record`: also return the [`eqinit.surgery.Record`][]; `undo` puts them back.

    **Returns:** a new model.

    **Raises:** `ValueError` where `order` is no permutation of the units.
    """
    check_values("permute", model)
    group = group_of("permute", model, layer, call, args)
    asked, order = order, as_array(order)
    whole = np.broadcast_to(np.arange(group.size), order.shape[:-1] + (group.size,))
    fits = order.ndim > 0 and order.shape[:-1] in _shapes(group)
    if not fits or not np.array_equal(np.sort(order, axis=-1), whole):
        rows = f", in a row for each of {group.layers} layers or in one for all of them"
        raise ValueError(
            f"permute got order={_said(asked)}, which is no order of the "
            f"{group.size} units of `{group.name}`. Pass every number from 0 to "
            f"{group.size - 1} once{rows if group.layers > 1 else ''}, such as "
            f"`jax.random.permutation(key, {group.size})`."
        )
    change, back = Change(group, order), Change(group, np.argsort(order, axis=-1))
    changed = change.leaves(model)
    note = check_same("permute", model, changed, call, args, tolerance)
    origins = change.origins("units in another order", parameters(model))
    made = make_record(
        "permute", model, changed, origins, notes=[note], inverse=back.leaves
    )
    return returned(changed, made, record)


def _said(order: Any) -> str:
    return f"{order.tolist() if hasattr(order, 'tolist') else order}"


@checked
def unit_scores(
    model: Any,
    layer: str | UnitGroup,
    call: Callable[..., Any],
    *args: Any,
    gradient: Any = None,
    by_layer: bool = False,
) -> Array:
    r"""How much each unit matters, over all the parameters that belong to it.

    By magnitude, $\sqrt{\sum w^2}$; or, with a gradient of the loss, to first order how
    much the loss changes without the unit, $|\sum w\, \partial L / \partial w|$.

    **Arguments:**

    - `model`: any model, or a `(model, state)` tuple.
    - `layer`: path of the layer that makes the units, or a group.
    - `call`, `*args`: traced, to see where the units are.
    - `gradient`: of the loss, a tree like the model, such as `eqx.filter_grad` gives.
    - `by_layer`: of a group of several `layers`, score the units of each of them.

    **Returns:** an array of shape `(units,)` or `(layers, units)`; higher matters more.

    **Raises:** `ValueError` where a gradient is of another model, or where layers have
    no units of their own.

    Molchanov et al., Importance estimation for neural network pruning,
    arXiv:1906.10771.
    """
    check_values("unit_scores", model)
    group = group_of("unit_scores", model, layer, call, args)
    if by_layer and group.layers == 1:
        raise ValueError(
            f"unit_scores got by_layer=True, and the units of `{group.name}` are the "
            "same in all the places where they are. Leave it out."
        )
    held = parameters(model)
    slopes = None if gradient is None else parameters(gradient)
    lead = (group.layers,) if by_layer else ()
    total = jnp.zeros((*lead, group.size), jnp.float32)
    for path in dict.fromkeys(m.path for m in group.members if m.path in held):
        array = held[path].astype(jnp.float32)
        other = array if slopes is None else _slope(slopes, path, array)
        members = [m for m in group.members if m.path == path]
        entries = array * other
        if by_layer:
            inner = [dataclasses.replace(m, axis=m.axis - 1) for m in members]
            rows = [_per_unit(group, inner, row) for row in entries]
            total = total + jnp.stack(rows)
        else:
            total = total + _per_unit(group, members, entries)
    return jnp.sqrt(total) if slopes is None else jnp.abs(total)


def _slope(slopes: Any, path: str, array: Array) -> Array:
    slope = slopes.get(path)
    if slope is None or slope.shape != array.shape:
        got = "none" if slope is None else f"{list(slope.shape)}"
        raise ValueError(
            f"unit_scores wants a gradient of `{path}`, of shape {list(array.shape)}, "
            f"and got {got}. Pass `eqx.filter_grad(loss)(model, ...)` of this model."
        )
    return slope.astype(jnp.float32)


def _per_unit(group: UnitGroup, members: Sequence[Any], entries: Array) -> Array:
    """Entries summed by the unit that they belong to; once each, if by two axes."""
    total = jnp.zeros(group.size, entries.dtype)
    counted = jnp.zeros(entries.shape, bool)
    units = np.arange(group.size)
    for member in members:
        _, unit = member.pattern.entries(units, group.size)
        shape = [-1 if i == member.axis else 1 for i in range(entries.ndim)]
        number = jnp.broadcast_to(unit.reshape(shape), entries.shape)
        # An entry between a unit and itself counts for it once.
        for other in members[: members.index(member)]:
            _, theirs = other.pattern.entries(units, group.size)
            there = [-1 if i == other.axis else 1 for i in range(entries.ndim)]
            counted = counted | (number == theirs.reshape(there))
        kept = (number >= 0) & ~counted
        total = total.at[number].add(jnp.where(kept, entries, 0))
    return total
