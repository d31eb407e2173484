"""An optimiser's state, taken along when the parameters change."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.tree_util as jtu

from .._models.walk import is_parameter
from .._parameters.paths import parent, spell, split
from ._origins import Lineage, Origin, described, parameters


# Fields of optax's states, by the power of the gradient that they are sums of.
_POWERS = {
    "mu": 1,
    "trace": 1,
    "ema": 1,
    "acc_grads": 1,
    "nu": 2,
    "nu_max": 2,
    "sum_of_squares": 2,
    "e_g": 2,
    "v": 2,
}


class _Slot(NamedTuple):
    """A part of an optimiser's state with the structure of the parameters."""

    name: str
    node: Any

    def leaves(self) -> dict[str, Any]:
        return _leaves(self.node)


def _absent(leaf: Any) -> bool:
    # optax's own mark for a parameter that is another optimiser's.
    return leaf is None or type(leaf).__name__ == "MaskedNode"


def _leaves(node: Any) -> dict[str, Any]:
    """Path to leaf, `None`s and masked nodes among them."""
    pairs, _ = jtu.tree_flatten_with_path(node, is_leaf=_absent)
    return {spell(entries): leaf for entries, leaf in pairs}


def follow(lineage: Lineage, opt_state: Any, fresh: Any) -> Any:
    """What `Record.apply_to` says."""
    old = parameters(lineage.before)

    def is_slot(node: Any) -> bool:
        return _like_parameters(node, lineage.before, old)

    pairs, treedef = jtu.tree_flatten_with_path(opt_state, is_leaf=is_slot)
    slots = [is_slot(node) for _, node in pairs]
    if not any(slots) and any(getattr(leaf, "ndim", 0) for _, leaf in pairs):
        raise ValueError(
            f"no part of this state has the structure of the model before "
            f"`{lineage.operation}`. It takes a state that was made by "
            "`optimiser.init(eqx.filter(model, eqx.is_inexact_array))` for that model."
        )
    news = _fresh_slots(lineage, fresh, len(pairs))
    problems: list[str] = []
    leaves = [
        _moved(lineage, _Slot(_name(path), leaf), new, problems) if slot else leaf
        for (path, leaf), slot, new in zip(pairs, slots, news, strict=True)
    ]
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise ValueError(
            f"{len(problems)} moments cannot follow `{lineage.operation}`:\n{listed}\n"
            "Make the state anew: `optimiser.init(eqx.filter(model, "
            "eqx.is_inexact_array))`."
        )
    return jtu.tree_unflatten(treedef, leaves)


def _fresh_slots(lineage: Lineage, fresh: Any, count: int) -> list[Any]:
    if fresh is None:
        return [None] * count
    new = parameters(lineage.after)
    found = jtu.tree_leaves(
        fresh, is_leaf=lambda node: _like_parameters(node, lineage.after, new)
    )
    if len(found) != count:
        raise ValueError(
            f"the state before has {count} parts and `fresh` has {len(found)}: they "
            "are of two optimisers. Pass `fresh=optimiser.init(...)` of the same one."
        )
    return found


def _like_parameters(node: Any, model: Any, known: Mapping[str, Any]) -> bool:
    """Whether a node stands for parameters of this model, or for some of them."""
    if type(node) is not type(model) or _is_leaf(node):
        return False
    leaves = _leaves(node)
    held = {path for path, leaf in leaves.items() if not _absent(leaf)}
    if held:
        return held <= known.keys()
    # Nothing but masked nodes: they stand where the model has leaves, or subtrees.
    paths = {above for path in _leaves(model) for above in _prefixes(path)}
    return bool(leaves) and leaves.keys() <= paths


def _prefixes(path: str) -> list[str]:
    """The path, and the paths of what is above it, innermost first."""
    return [parent(path, levels) for levels in range(len(split(path)))] or [path]


def _is_leaf(node: Any) -> bool:
    return jtu.all_leaves([node]) and not is_parameter(node)


def _name(path: tuple[Any, ...]) -> str:
    """The field of the optimiser's state, such as `mu`."""
    fields = [entry.name for entry in path if isinstance(entry, jtu.GetAttrKey)]
    return fields[-1] if fields else ""


def _moved(lineage: Lineage, slot: _Slot, fresh: Any, problems: list[str]) -> Any:
    """One part of a state with the structure of the new parameters."""
    held, old = slot.leaves(), parameters(lineage.before)
    wanted = None if fresh is None else _leaves(fresh)
    pairs, treedef = jtu.tree_flatten_with_path(
        lineage.after, is_leaf=lambda leaf: leaf is None
    )
    leaves: list[Any] = []
    for entries, leaf in pairs:
        path = spell(entries)
        if not is_parameter(leaf):
            # Where a parameter was dropped its moment is as well.
            leaves.append(None if path in old else held.get(path))
            continue
        mover = _Mover(path, leaf, lineage.origins.get(path), held, old, slot.name)
        new = mover.new() if wanted is None else mover.fitted(wanted.get(path))
        leaves.append(new)
        problems.extend(mover.problems)
    return jtu.tree_unflatten(treedef, leaves)


def _held(held: Mapping[str, Any], path: str) -> Any:
    """The moment at a path, or the mark that stands for a subtree around it."""
    return next((held[above] for above in _prefixes(path) if above in held), None)


class _Mover:
    """One moment of one new parameter."""

    def __init__(
        self,
        path: str,
        leaf: Any,
        origin: Origin | None,
        held: Mapping[str, Any],
        old: Mapping[str, Any],
        slot: str,
    ) -> None:
        self.path, self.leaf, self.slot = path, leaf, slot
        self.origin = origin
        here = (path,) if path in old else ()
        self.anchors = here if origin is None else origin.anchors or here
        self.held = {source: _held(held, source) for source in self.anchors}
        self.old = old
        self.problems: list[str] = []

    def new(self) -> Any:
        """Inferred from where the moments of its anchors are."""
        absent = [_absent(moment) for moment in self.held.values()]
        if absent and all(absent):
            return next(iter(self.held.values()))
        if any(absent):
            return self._problem("it is made of parameters of several optimisers")
        return self._value(jnp.zeros(self.leaf.shape, self._dtype()))

    def fitted(self, fresh: Any) -> Any:
        """In the place that a fresh state has for it."""
        absent = [_absent(moment) for moment in self.held.values()]
        return fresh if _absent(fresh) or any(absent) else self._value(fresh)

    def _value(self, zero: Any) -> Any:
        origin = self.origin
        if origin is None:
            return self.held[self.path]
        if origin.follow is None:
            return zero
        shapes = [(p, m.shape, self.old[p].shape) for p, m in self.held.items()]
        if wrong := [p for p, got, wanted in shapes if tuple(got) != tuple(wanted)]:
            return self._problem(f"`{wrong[0]}` has a moment of another shape than it")
        power = _POWERS.get(self.slot, 0)
        if origin.scales and not power:
            return self._problem("nobody has said which power of the gradient it holds")
        moments = list(self.held.values())
        moment = origin.follow(moments, power or 1)
        assert moment.shape == self.leaf.shape, f"{self.path}: {moment.shape}"
        return moment.astype(self._dtype())

    def _dtype(self) -> Any:
        """That of the old moment; a moment as wide as its parameter stays so."""
        moments = [(p, m) for p, m in self.held.items() if not _absent(m)]
        if not moments:
            return self.leaf.dtype
        path, moment = moments[0]
        same = moment.dtype == self.old[path].dtype
        return self.leaf.dtype if same else moment.dtype

    def _problem(self, text: str) -> None:
        field = f"`{self.slot}` of " if self.slot else ""
        self.problems.append(f"{field}`{self.path}` ({described(self.leaf)}): {text}")
