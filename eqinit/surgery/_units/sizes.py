"""The fields of known layers, by what their arrays say."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import equinox as eqx

from ..._models.place import Node
from ..._models.walk import nodes_of
from ..._models.write import rewrite
from ..._parameters.paths import join
from .._edit import node_at
from .._fields import replace_fields
from .pattern import Pattern


_Fields: TypeAlias = dict[str, Any]
_Change: TypeAlias = Callable[[Any], Any]


@dataclasses.dataclass(frozen=True)
class Asked:
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


def _of_linear(layer: Any, asked: Asked) -> _Fields:
    del asked
    if not _is_array(layer.weight):
        return {}
    out, into = layer.weight.shape[-2:]
    sizes = {"out_features": out, "in_features": into}
    return {f: n for f, n in sizes.items() if getattr(layer, f) != "scalar"}


def _of_shared(layer: Any, asked: Asked) -> _Fields:
    """Of layers whose kernel is that of another one, and not here."""
    del asked
    inner, whole = layer.pytree, layer()
    changes: dict[tuple[Any, ...], _Change] = {}
    for node in nodes_of(inner):
        if isinstance(node.module, eqx.nn.Linear) and not _is_array(node.module.weight):
            out, into = node_at(whole, node.path).weight.shape[-2:]
            sizes = {"out_features": out, "in_features": into}
            changes[node.keys] = functools.partial(with_fields, sizes)
    return {"pytree": rewrite(inner, changes)}


def with_fields(fields: _Fields, layer: Any) -> Any:
    return replace_fields(layer, **fields)


def _of_conv(layer: Any, asked: Asked) -> _Fields:
    if not _is_array(layer.weight):
        return {}
    lead = layer.weight.ndim - layer.num_spatial_dims - 2
    out, each = layer.weight.shape[lead : lead + 2]
    groups = asked.outer(layer.groups, "weight", lead)
    return {"out_channels": out, "in_channels": each * groups, "groups": groups}


def _of_norm(layer: Any, asked: Asked) -> _Fields:
    del asked
    for array in (layer.weight, layer.bias):
        if _is_array(array):
            return {"shape": tuple(array.shape[array.ndim - len(layer.shape) :])}
    return {}


def _of_group_norm(layer: Any, asked: Asked) -> _Fields:
    if not _is_array(layer.weight):
        return {}
    lead = layer.weight.ndim - 1
    groups = asked.outer(layer.groups, "weight", lead)
    return {"channels": layer.weight.shape[-1], "groups": groups}


def _of_batch_norm(layer: Any, asked: Asked) -> _Fields:
    del asked
    return {"input_size": layer.weight.shape[-1]} if _is_array(layer.weight) else {}


def _of_embedding(layer: Any, asked: Asked) -> _Fields:
    del asked
    if not _is_array(layer.weight):
        return {}
    tokens, size = layer.weight.shape[-2:]
    return {"num_embeddings": tokens, "embedding_size": size}


def _of_cell(layer: Any, asked: Asked) -> _Fields:
    del asked
    if not (_is_array(layer.weight_ih) and _is_array(layer.weight_hh)):
        return {}
    sizes = layer.weight_ih.shape[-1], layer.weight_hh.shape[-1]
    return {"input_size": sizes[0], "hidden_size": sizes[1]}


def _of_attention(layer: Any, asked: Asked) -> _Fields:
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


def _of_mlp(layer: Any, asked: Asked) -> _Fields:
    del asked
    widths = {getattr(hidden, "out_features", None) for hidden in layer.layers[:-1]}
    return {"width_size": widths.pop()} if len(widths) == 1 else {}


SIZES: Sequence[tuple[Any, Any]] = (
    (eqx.nn.Linear, _of_linear),
    ((eqx.nn.Conv, eqx.nn.ConvTranspose), _of_conv),
    ((eqx.nn.LayerNorm, eqx.nn.RMSNorm), _of_norm),
    (eqx.nn.GroupNorm, _of_group_norm),
    (eqx.nn.BatchNorm, _of_batch_norm),
    (eqx.nn.Embedding, _of_embedding),
    ((eqx.nn.LSTMCell, eqx.nn.GRUCell), _of_cell),
    (eqx.nn.MultiheadAttention, _of_attention),
    (eqx.nn.MLP, _of_mlp),
    (eqx.nn.Shared, _of_shared),
)
