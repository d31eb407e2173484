"""Units of one model in the order of those of another."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.tree_util as jtu
import numpy as np

from ..._typing import Array, Natural, NonNegativeNumber, checked
from .._checks import check_same
from .._origins import Origin, described, differences, parameters
from .._record import make_record, returned
from .change import Change, check_values
from .groups import UnitGroup, UnitMember, groups_for
from .pattern import Indices, Pattern


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
    until none moves any more. Which axes belong together is read off a trace: no
    specification of permutations is needed.

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
    ours = {i: np.asarray(leaf) for i, leaf in enumerate(jtu.tree_leaves(reference))}
    changed, changes = model, list[Change]()
    for _ in range(rounds):
        moves = 0
        for group in groups:
            change = Change(group, _best_order(group, ours, changed))
            closer = change.leaves(changed)
            if not _is_closer(group, ours, changed, closer):
                continue
            changed, moves = closer, moves + 1
            changes.append(change)
        if not moves:
            break
    note = check_same("match", model, changed, call, args, tolerance)
    made = make_record(
        "match", model, changed, _origins(changes, parameters(model)), notes=[note]
    )
    return returned(changed, made, record)


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


def _best_order(group: UnitGroup, ours: Mapping[int, Any], model: Any) -> Indices:
    """For each unit of the reference, the unit of the model that goes there."""
    leaves = jtu.tree_leaves(model)
    alike = np.zeros((group.size, group.size))
    for member in _weights(group):
        one, other = (
            _by_unit(np.asarray(array), member, group.size)
            for array in (ours[member.position], leaves[member.position])
        )
        alike += (one.conj() @ other.T).real
    # A dependency of jax itself; its types are not known to checkers.
    optimize: Any = importlib.import_module("scipy.optimize")
    return np.asarray(optimize.linear_sum_assignment(alike, maximize=True)[1])


def _by_unit(array: Any, member: UnitMember, size: int) -> Any:
    """The entries of each unit, as an array of shape `(units, entries)`."""
    places = _places(member.pattern, size)
    taken = np.moveaxis(array.take(places.ravel(), member.axis), member.axis, 0)
    return taken.reshape(size, -1).astype(np.complex128)


def _places(pattern: Pattern, size: int) -> Indices:
    """Where along the axis the entries of each unit are, one row each."""
    _, unit = pattern.entries(np.arange(size), size)
    order = np.argsort(unit, kind="stable")
    return order[np.count_nonzero(unit < 0) :].reshape(size, -1)


def _is_closer(
    group: UnitGroup, ours: Mapping[int, Any], before: Any, after: Any
) -> bool:
    """Whether the parameters of a group came closer, by more than rounding.

    With a kernel along two of whose axes the group runs, an order that is best for
    each axis may be worse for both.
    """
    totals: list[float] = []
    positions = {m.position for m in _weights(group)}
    for tree in (before, after):
        leaves = jtu.tree_leaves(tree)
        pairs = [(ours[i], np.asarray(leaves[i])) for i in positions]
        totals.append(sum(float(np.vdot(a, b).real) for a, b in pairs))
    size = sum(float(np.vdot(ours[i], ours[i]).real) for i in positions)
    return totals[1] - totals[0] > 1e-6 * size


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
