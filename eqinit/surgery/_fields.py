"""The static fields of layers that repeat what their arrays say."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx

from .._typing import Shape


# From a layer to what each of its arrays must look like behind any stacks: a shape, or
# None where its flags say that it is absent.
Wanted = Mapping[str, Shape | None]


def _size(said: Any) -> int:
    return 1 if said == "scalar" else int(said)


def _linear(m: Any) -> Wanted:
    out = _size(m.out_features)
    return {
        "weight": (out, _size(m.in_features)),
        "bias": (out,) if m.use_bias else None,
    }


def _conv(m: Any) -> Wanted:
    out, ones = m.out_channels, (1,) * m.num_spatial_dims
    return {
        "weight": (out, m.in_channels // m.groups, *m.kernel_size),
        "bias": (out, *ones) if m.use_bias else None,
    }


def _gru(m: Any) -> Wanted:
    hidden = m.hidden_size
    return {
        "weight_ih": (3 * hidden, m.input_size),
        "weight_hh": (3 * hidden, hidden),
        "bias": (3 * hidden,) if m.use_bias else None,
        "bias_n": (hidden,) if m.use_bias else None,
    }


def _lstm(m: Any) -> Wanted:
    hidden = m.hidden_size
    return {
        "weight_ih": (4 * hidden, m.input_size),
        "weight_hh": (4 * hidden, hidden),
        "bias": (4 * hidden,) if m.use_bias else None,
    }


def _norm(m: Any) -> Wanted:
    shape = tuple(m.shape)
    return {
        "weight": shape if m.use_weight else None,
        "bias": shape if m.use_bias else None,
    }


def _channels(m: Any) -> Wanted:
    shape = (m.channels,) if m.channelwise_affine else None
    return {"weight": shape, "bias": shape}


def _embedding(m: Any) -> Wanted:
    return {"weight": (m.num_embeddings, m.embedding_size)}


WANTED: dict[type, Callable[[Any], Wanted]] = {
    eqx.nn.Linear: _linear,
    eqx.nn.Conv: _conv,
    eqx.nn.ConvTranspose: _conv,
    eqx.nn.GRUCell: _gru,
    eqx.nn.LSTMCell: _lstm,
    eqx.nn.LayerNorm: _norm,
    eqx.nn.RMSNorm: _norm,
    eqx.nn.GroupNorm: _channels,
    eqx.nn.Embedding: _embedding,
}


def wanted(layer: Any) -> Wanted:
    """What the static fields of a layer say of its arrays; empty where unknown."""
    for base in type(layer).__mro__:
        if base in WANTED:
            return WANTED[base](layer)
    return {}


def inconsistent(layer: Any) -> list[str]:
    """Where the arrays of a layer differ from what its static fields say."""
    found: list[str] = []
    for field, shape in wanted(layer).items():
        array = getattr(layer, field)
        got = getattr(array, "shape", None)
        if array is None and shape is not None:
            found.append(f"`{field}` is None, and its flags ask for {list(shape)}")
        elif array is not None and shape is None:
            # Linear would use it; convolutions and cells ignore it, silently.
            found.append(f"`{field}` is set, and its flags say that there is none")
        elif got is not None and shape is not None and not _ends_with(got, shape):
            found.append(f"`{field}` is {list(got)}, its fields ask for {list(shape)}")
    return found


def _ends_with(got: Shape, shape: Shape) -> bool:
    return len(got) >= len(shape) and got[len(got) - len(shape) :] == shape


def replace_fields(module: Any, **values: Any) -> Any:
    """A copy of a module with some fields, static ones included, set anew."""
    # What `tree_unflatten` does for a module: neither `__init__` nor conversions run.
    copy = object.__new__(type(module))
    for field in dataclasses.fields(module):
        if field.name in values or hasattr(module, field.name):
            value = values.get(field.name, getattr(module, field.name, None))
            object.__setattr__(copy, field.name, value)
    return copy
