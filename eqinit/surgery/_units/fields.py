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
from ..._parameters.paths import below, join
from .._fields import replace_fields
from .._swap import in_step
from .groups import UnitGroup
from .pattern import Pattern


_Fields: TypeAlias = dict[str, Any]


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
    error = _trouble(call, after, args, wanted)
    if error is None:
        return after
    for fields in _guesses(nodes, group, units):
        changed = _rewritten(after, fields)
        if _trouble(call, changed, args, wanted) is None:
            return changed
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


def _trouble(
    call: Callable[..., Any], model: Any, args: Sequence[Any], wanted: Any
) -> str | None:
    """Why a model cannot be called as before."""
    try:
        got = _shapes(call, model, args)
    except Exception as error:  # whatever the code of a model raises
        return f"{type(error).__name__}, {str(error).splitlines()[0]}"
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
        for kind, sizes in _SIZES:
            if isinstance(node.module, kind):
                asked = _Asked(node, patterns, group.size, units)
                changes[node.keys] = functools.partial(_with_sizes, sizes, asked)
                break
    return changes


def _with_sizes(sizes: Any, asked: "_Asked", layer: Any) -> Any:
    new = {f: v for f, v in sizes(layer, asked).items() if getattr(layer, f) != v}
    return replace_fields(layer, **new) if new else layer


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What happened to one layer.

    - `size`, `units`: how many units there were, and are.
    """

    node: Node
    patterns: Mapping[tuple[str, int], Pattern]
    size: int
    units: int

    def outer(self, count: int, field: str, axis: int) -> int:
        """How many groups there are, if there were `count` along this axis."""
        pattern = self.patterns.get((join(self.node.path, field), axis))
        ahead = None if pattern is None else pattern.slower
        if ahead is None or count % (ahead * self.size):
            return count
        return count // self.size * self.units


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape")


def _of_linear(layer: Any, asked: _Asked) -> _Fields:
    del asked
    if not _is_array(layer.weight):
        return {}
    out, into = layer.weight.shape[-2:]
    sizes = {"out_features": out, "in_features": into}
    return {f: n for f, n in sizes.items() if getattr(layer, f) != "scalar"}


def _of_conv(layer: Any, asked: _Asked) -> _Fields:
    if not _is_array(layer.weight):
        return {}
    lead = layer.weight.ndim - layer.num_spatial_dims - 2
    out, each = layer.weight.shape[lead : lead + 2]
    groups = asked.outer(layer.groups, "weight", lead)
    return {"out_channels": out, "in_channels": each * groups, "groups": groups}


def _of_norm(layer: Any, asked: _Asked) -> _Fields:
    del asked
    for array in (layer.weight, layer.bias):
        if _is_array(array):
            return {"shape": tuple(array.shape[array.ndim - len(layer.shape) :])}
    return {}


def _of_group_norm(layer: Any, asked: _Asked) -> _Fields:
    if not _is_array(layer.weight):
        return {}
    lead = layer.weight.ndim - 1
    groups = asked.outer(layer.groups, "weight", lead)
    return {"channels": layer.weight.shape[-1], "groups": groups}


def _of_batch_norm(layer: Any, asked: _Asked) -> _Fields:
    del asked
    return {"input_size": layer.weight.shape[-1]} if _is_array(layer.weight) else {}


def _of_embedding(layer: Any, asked: _Asked) -> _Fields:
    del asked
    if not _is_array(layer.weight):
        return {}
    tokens, size = layer.weight.shape[-2:]
    return {"num_embeddings": tokens, "embedding_size": size}


def _of_cell(layer: Any, asked: _Asked) -> _Fields:
    del asked
    if not (_is_array(layer.weight_ih) and _is_array(layer.weight_hh)):
        return {}
    sizes = layer.weight_ih.shape[-1], layer.weight_hh.shape[-1]
    return {"input_size": sizes[0], "hidden_size": sizes[1]}


def _of_attention(layer: Any, asked: _Asked) -> _Fields:
    names = ("query", "key", "value", "output")
    query, key, value, output = (getattr(layer, f"{name}_proj") for name in names)
    if not all(isinstance(p, eqx.nn.Linear) for p in (query, key, value, output)):
        return {}
    lead = getattr(query.weight, "ndim", 2) - 2
    heads = asked.outer(layer.num_heads, "query_proj.weight", lead)
    return {
        "num_heads": heads,
        "query_size": query.in_features,
        "key_size": key.in_features,
        "value_size": value.in_features,
        "output_size": output.out_features,
        "qk_size": query.out_features // heads,
        "vo_size": value.out_features // heads,
    }


def _of_mlp(layer: Any, asked: _Asked) -> _Fields:
    del asked
    widths = {getattr(hidden, "out_features", None) for hidden in layer.layers[:-1]}
    return {"width_size": widths.pop()} if len(widths) == 1 else {}


_SIZES: Sequence[tuple[Any, Any]] = (
    (eqx.nn.Linear, _of_linear),
    ((eqx.nn.Conv, eqx.nn.ConvTranspose), _of_conv),
    ((eqx.nn.LayerNorm, eqx.nn.RMSNorm), _of_norm),
    (eqx.nn.GroupNorm, _of_group_norm),
    (eqx.nn.BatchNorm, _of_batch_norm),
    (eqx.nn.Embedding, _of_embedding),
    ((eqx.nn.LSTMCell, eqx.nn.GRUCell), _of_cell),
    (eqx.nn.MultiheadAttention, _of_attention),
    (eqx.nn.MLP, _of_mlp),
)

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
