"""Units of one model in the order of those of another."""

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax.tree_util as jtu
import numpy as np

from ..._typing import Array, Natural, NonNegativeNumber, checked
from .._checks import check_same
from .._origins import Origin, described, differences, parameters
from .._record import make_record, returned
from .change import Change, check_values
from .groups import UnitGroup, UnitMember, groups_for
from .pattern import Indices, Pattern


_Arrays: TypeAlias = Mapping[int, np.ndarray]  # by position among the leaves


@checked
def match(
    model: Any,
    reference: Any,
    call: Callable[..., Any],
    *args: Any,
    rounds: Natural = 50,
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    r"""Put the units of a model into the order of those of another: Git Re-Basin.

    Two models that were trained apart have learned units in different orders. Of every
    group of units that order is taken under which parameters are most alike,
    $\max_P \sum \langle w_\text{reference}, P w \rangle$, one group after the other
    until none moves any more: from the order that there is, and from that in which
    units hold the most alike numbers, wherever they hold them. Which axes belong
    together is read off a trace: no specification of permutations is needed. Layers of
    a stack that is scanned over have an order each of what is inside of them.

    ```python
    model = surgery.match(model, reference, call, x)
    soup = surgery.merge([model, reference])
    ```

    **Arguments:**

    - `model`: what is put into another order, or a `(model, state)` tuple.
    - `reference`: a model of the same structure.
    - `call`, `*args`: `call(model, *args)` stays.
    - `rounds`: how often every group is looked at, at most.
    - `tolerance`: how far outputs may be off, in units of the largest.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** the model, with the same function.

    **Raises:** `ValueError` where the two do not have the same parameters.

    Ainsworth, Hayase and Srinivasa, Git Re-Basin: Merging models modulo permutation
    symmetries, arXiv:2209.04836.
    """
    check_values("match", model)
    _check_alike(model, reference)
    groups = groups_for("match", model, call, args).free
    ours = _held(groups, reference)
    changes = _closest(groups, ours, model, rounds)
    changed = _after(changes, model)
    note = check_same("match", model, changed, call, args, tolerance)
    made = make_record(
        "match", model, changed, _origins(changes, parameters(model)), notes=[note]
    )
    return returned(changed, made, record)


def _closest(
    groups: Sequence[UnitGroup], ours: _Arrays, model: Any, rounds: Natural
) -> list[Change]:
    """What brings a model closest to the reference.

    Orders of groups hang together, and one after the other they may come to an end too
    early. So they start twice: as they are, and with the units that hold the same
    numbers, in whatever order.
    """
    found = list[tuple[float, list[Change]]]()
    for by_values in (False, True):
        changes = list[Change]()
        if by_values:
            changes = [
                _change(group, _best_orders(group, ours, model, np.sort))
                for group in groups
            ]
        changes += _descent(groups, ours, _after(changes, model), rounds)
        theirs = _held(groups, _after(changes, model))
        found.append((_total(ours, theirs), changes))
        if found[-1][0] >= (1 - 1e-6) * math.sqrt(
            _total(ours, ours) * _total(theirs, theirs)
        ):
            break  # no two arrays are more alike
    return max(found, key=lambda pair: pair[0])[1]


def _descent(
    groups: Sequence[UnitGroup], ours: _Arrays, model: Any, rounds: Natural
) -> list[Change]:
    """One group after the other, until none comes closer."""
    changes = list[Change]()
    for _ in range(rounds):
        before = len(changes)
        for group in groups:
            change = _closer(group, ours, model)
            if change is not None:
                model = change.leaves(model)
                changes.append(change)
        if len(changes) == before:
            break
    return changes


def _after(changes: Sequence[Change], model: Any) -> Any:
    for change in changes:
        model = change.leaves(model)
    return model


def _total(ours: _Arrays, theirs: _Arrays) -> float:
    return sum(_inner(one, theirs[i], 1)[0] for i, one in ours.items())


def _check_alike(model: Any, reference: Any) -> None:
    mine, theirs = (
        {path: described(leaf) for path, leaf in parameters(tree).items()}
        for tree in (model, reference)
    )
    if wrong := differences(mine, theirs):
        listed = "\n".join(wrong)
        raise ValueError(
            f"match got two models that differ in their parameters:\n{listed}\n"
            "Pass two of the same structure, made by one constructor."
        )


def _weights(group: UnitGroup) -> list[UnitMember]:
    return [m for m in group.members if not m.path.startswith("state.")]


def _closer(group: UnitGroup, ours: _Arrays, model: Any) -> Change | None:
    """The order, of each layer, under which the parameters of a group are most alike.

    With a kernel along two of whose axes the group runs, an order that is best for
    each axis may be worse for both: then units stay, and so they do for rounding.
    """
    orders = _best_orders(group, ours, model)
    before, after = (
        _alike(group, ours, _held([group], tree))
        for tree in (model, _change(group, orders).leaves(model))
    )
    closer = after - before > 1e-6 * _alike(group, ours, ours)
    if not closer.any():
        return None
    return _change(group, np.where(closer[:, None], orders, np.arange(group.size)))


def _change(group: UnitGroup, orders: Indices) -> Change:
    return Change(group, orders if group.layers > 1 else orders[0])


def _held(groups: Sequence[UnitGroup], model: Any) -> _Arrays:
    leaves = jtu.tree_leaves(model)
    positions = {m.position for group in groups for m in _weights(group)}
    return {i: np.asarray(leaves[i]) for i in sorted(positions)}


def _best_orders(
    group: UnitGroup,
    ours: _Arrays,
    model: Any,
    seen: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> Indices:
    """For each unit of the reference, the unit of the model that goes there.

    One row for each layer. `seen` says as what the entries of units are compared.
    """
    # A dependency of jax itself; its types are not known to checkers.
    optimize: Any = importlib.import_module("scipy.optimize")
    theirs = _held([group], model)
    orders: list[Indices] = []
    for number in range(group.layers):
        alike = np.zeros((group.size, group.size))
        for member in _weights(group):
            one, other = (
                seen(_by_unit(group, member, arrays[member.position], number))
                for arrays in (ours, theirs)
            )
            alike += np.real(one.conj() @ other.T)
        orders.append(optimize.linear_sum_assignment(alike, maximize=True)[1])
    return np.stack(orders)


def _by_unit(
    group: UnitGroup, member: UnitMember, array: np.ndarray, number: int
) -> np.ndarray:
    """The entries of each unit of a layer, as an array of shape `(units, entries)`."""
    axis = member.axis
    if group.layers > 1:
        array, axis = array[number], axis - 1
    places = _places(member.pattern, group.size)
    taken = np.moveaxis(array.take(places.ravel(), axis), axis, 0)
    return taken.reshape(group.size, -1).astype(np.complex128)


def _alike(group: UnitGroup, ours: _Arrays, theirs: _Arrays) -> np.ndarray:
    """How alike the parameters of a group are, layer by layer."""
    positions = {m.position for m in _weights(group)}
    return sum(
        (_inner(ours[i], theirs[i], group.layers) for i in positions),
        start=np.zeros(group.layers),
    )


def _inner(one: np.ndarray, other: np.ndarray, layers: int) -> np.ndarray:
    """Real part of the inner product of two arrays, layer by layer."""
    wide = (a.reshape(layers, -1).astype(np.complex128) for a in (one, other))
    left, right = wide
    return np.real(left.conj() * right).sum(1)


def _places(pattern: Pattern, size: int) -> Indices:
    """Where along the axis the entries of each unit are, one row each."""
    _, unit = pattern.entries(np.arange(size), size)
    order = np.argsort(unit, kind="stable")
    return order[np.count_nonzero(unit < 0) :].reshape(size, -1)


def _origins(
    changes: Sequence[Change], known: Mapping[str, Any]
) -> Mapping[str, Origin]:
    steps: dict[str, list[Callable[[Array], Array]]] = {}
    for change in changes:
        for path, origin in change.origins("", known).items():
            assert origin.follow is not None
            steps.setdefault(path, []).append(_step(origin.follow))
    return {
        path: Origin("units in another order", (path,), _all_of(found))
        for path, found in steps.items()
    }


def _step(follow: Callable[..., Any]) -> Callable[[Array], Array]:
    return lambda moment: follow([moment], 1)


def _all_of(steps: Sequence[Callable[[Array], Array]]) -> Callable[..., Any]:
    def follow(moments: list[Any], power: int) -> Any:
        del power
        moment = moments[0]
        for step in steps:
            moment = step(moment)
        return moment

    return follow
