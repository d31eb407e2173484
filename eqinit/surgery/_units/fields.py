"""Fields of layers that say how many units there are, after units came or went."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import equinox as eqx
import jax.tree_util as jtu

from ..._models.place import Node
from ..._models.walk import model_of, nodes_of
from ..._models.write import rewrite
from ..._parameters.paths import below
from .._calls import trouble
from .._fields import replace_fields
from .._swap import in_step
from .groups import UnitGroup
from .sizes import SIZES, Asked, with_fields


def follow_sizes(
    operation: str,
    before: Any,
    after: Any,
    group: UnitGroup,
    units: int,
    call: Callable[..., Any],
    args: Sequence[Any],
) -> Any:
    """A model with new arrays, and with fields that say what these are.

    Layers of Equinox are known. Others may repeat a size in a field of their own, such
    as `num_heads`: those without which the call does not run any more are changed.

    **Raises:** `ValueError` where it does not run with them either.
    """
    wanted = _shapes(call, before, args)
    nodes = nodes_of(model_of(before))
    after = _rewritten(after, _known(nodes, group, units))
    error = _problem(call, after, args, wanted)
    if error is None:
        return after
    for fields in _guesses(nodes, group, units):
        changed = _rewritten(after, fields)
        if _problem(call, changed, args, wanted) is None:
            return changed
    if isinstance(error, Exception):
        error = trouble(call, after, args, error)
    raise ValueError(
        f"with {units} units instead of {group.size}, in all {len(group.members)} "
        f"places of `{group.name}`, the call does not run any more, so `{operation}` "
        f"changed nothing: {error} A number in the code of the model, or in a field "
        "that is none of one layer, repeats how many there are. Let the code read it "
        "off an array, such as `len(self.bias)`."
    )


def _shapes(call: Callable[..., Any], model: Any, args: Sequence[Any]) -> Any:
    out = eqx.filter_eval_shape(call, model, *args)
    leaves = jtu.tree_leaves(out, is_leaf=lambda x: isinstance(x, eqx.nn.State))
    return [(x.shape, x.dtype) for x in leaves if hasattr(x, "dtype")]


def _problem(
    call: Callable[..., Any], model: Any, args: Sequence[Any], wanted: Any
) -> str | Exception | None:
    """Why a model cannot be called as before."""
    try:
        got = _shapes(call, model, args)
    except Exception as error:  # whatever the code of a model raises
        return error
    return None if got == wanted else f"it returns {got}, where it returned {wanted}."


def _rewritten(tree: Any, fields: Mapping[tuple[Any, ...], Any]) -> Any:
    model = model_of(tree)
    changed = in_step(rewrite(model, fields))
    if model is tree:
        return changed
    return tuple(changed if part is model else part for part in tree)


_Change: TypeAlias = Callable[[Any], Any]


def _known(
    nodes: Sequence[Node], group: UnitGroup, units: int
) -> Mapping[tuple[Any, ...], _Change]:
    """For each layer of a known type, a function that brings its fields into step."""
    patterns = {(m.path, m.axis): m.pattern for m in group.members}
    changes: dict[tuple[Any, ...], _Change] = {}
    for node in nodes:
        for kind, sizes in SIZES:
            if isinstance(node.module, kind):
                asked = Asked(node, patterns, group.size, units)
                changes[node.keys] = functools.partial(_with_sizes, sizes, asked)
                break
    return changes


def _with_sizes(sizes: Any, asked: Asked, layer: Any) -> Any:
    return with_fields(sizes(layer, asked), layer)


# Kinds of fields that are tried together; more than these would be guessing.
_MOST_TOGETHER = 2


def _guesses(
    nodes: Sequence[Node], group: UnitGroup, units: int
) -> Iterator[Mapping[tuple[Any, ...], _Change]]:
    """Fields that may repeat a size, few of them first."""
    new = _numbers(group, units)
    near = [n for n in nodes if any(_holds(n, m.path) for m in group.members)]
    for among in (near, nodes):
        kinds: dict[tuple[type, str], list[Node]] = {}
        for node in among:
            for name, value in _fields_of(node.module):
                if _renumbered(value, new) is not value:
                    kinds.setdefault((type(node.module), name), []).append(node)
        counts = [*range(1, _MOST_TOGETHER + 1), len(kinds)]
        for count in sorted({n for n in counts if n <= len(kinds)}):
            for chosen in itertools.combinations(kinds.items(), count):
                yield _renumbering(chosen, new)


def _numbers(group: UnitGroup, units: int) -> Mapping[int, int]:
    """Sizes that there were, and what they are now."""
    new = {group.size: units}
    for member in group.members:
        old = member.pattern.extent(group.size)
        new.setdefault(old, member.pattern.extent(units))
    return new


def _holds(node: Node, path: str) -> bool:
    return not node.path or below(path, node.path) is not None


def _fields_of(module: Any) -> Iterable[tuple[str, Any]]:
    for field in dataclasses.fields(module):
        if hasattr(module, field.name):
            yield field.name, getattr(module, field.name)


def _renumbered(value: Any, new: Mapping[int, int]) -> Any:
    """The same object where it is no size that changed."""
    if type(value) is int and value in new:
        return new[value]
    if type(value) is tuple and any(type(n) is int and n in new for n in value):
        return tuple(_renumbered(n, new) for n in value)
    return value


def _renumbering(
    chosen: Iterable[tuple[tuple[type, str], list[Node]]], new: Mapping[int, int]
) -> Mapping[tuple[Any, ...], _Change]:
    names: dict[tuple[Any, ...], list[str]] = {}
    for (_, name), nodes in chosen:
        for node in nodes:
            names.setdefault(node.keys, []).append(name)

    def change(fields: list[str], module: Any) -> Any:
        values = {name: _renumbered(getattr(module, name), new) for name in fields}
        return replace_fields(module, **values)

    return {keys: functools.partial(change, found) for keys, found in names.items()}
