"""Attention of which one layer makes queries, keys and values."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer

from ..._parameters.paths import join
from ..._typing import Array
from .._biases import without_bias
from .._fields import replace_fields


PROJECTIONS = ("query_proj", "key_proj", "value_proj")


class FusedAttention(eqx.Module):
    """Attention whose queries, keys and values are made by one layer.

    Called as `eqx.nn.MultiheadAttention` is. Where all three inputs are the same array
    that layer is called once.

    - `qkv_proj`: the layer, outputs in this order.
    - `attention`: everything else.
    """

    qkv_proj: eqx.nn.Linear
    attention: eqx.nn.MultiheadAttention

    def __call__(
        self, query: Array, key_: Array, value: Array, *args: Any, **kwargs: Any
    ) -> Array:
        """What the attention returns."""
        if query is key_ and key_ is value:
            parts = jnp.split(jax.vmap(self.qkv_proj)(query), self.ends(), axis=-1)
        else:
            layers = _split(self.qkv_proj, self.ends())
            inputs = (query, key_, value)
            pairs = zip(layers, inputs, strict=True)
            parts = [jax.vmap(layer)(x) for layer, x in pairs]
        return self.attention(*parts, *args, **kwargs)

    def ends(self) -> tuple[int, int]:
        """Where queries end, and where keys end, among the layer's outputs."""
        size = self.attention.num_heads * self.attention.qk_size
        return size, 2 * size

    def split(self) -> eqx.nn.MultiheadAttention:
        """The attention with a layer each."""
        layers = _split(self.qkv_proj, self.ends())
        flags = {_flag(name): self.qkv_proj.use_bias for name in PROJECTIONS}
        fields = dict(zip(PROJECTIONS, layers, strict=True))
        return replace_fields(self.attention, **fields, **flags)


def _flag(name: str) -> str:
    return f"use_{name.removesuffix('_proj')}_bias"


def _split(layer: eqx.nn.Linear, ends: tuple[int, int]) -> list[eqx.nn.Linear]:
    weights = jnp.split(layer.weight, ends, axis=-2)
    none: list[Array | None] = [None] * 3
    biases = none if layer.bias is None else jnp.split(layer.bias, ends, axis=-1)
    return [
        replace_fields(layer, weight=w, bias=b, out_features=w.shape[-2])
        for w, b in zip(weights, biases, strict=True)
    ]


def fused(attention: eqx.nn.MultiheadAttention) -> FusedAttention:
    """One layer in the place of three; what is left keeps its flags."""
    layers = [getattr(attention, name) for name in PROJECTIONS]
    weight = jnp.concatenate([layer.weight for layer in layers], axis=-2)
    biased = any(layer.use_bias for layer in layers)
    bias = jnp.concatenate([_bias(layer) for layer in layers], -1) if biased else None
    joined = replace_fields(
        layers[0],
        weight=weight,
        bias=bias,
        use_bias=biased,
        out_features=weight.shape[-2],
    )
    rest = replace_fields(attention, **dict.fromkeys(PROJECTIONS, eqx.nn.Identity()))
    return FusedAttention(joined, rest)


def _bias(layer: Any) -> Array:
    zeros = jnp.zeros(layer.weight.shape[:-1], layer.weight.dtype)
    return zeros if layer.bias is None else layer.bias


def alike(attention: eqx.nn.MultiheadAttention) -> bool:
    """Whether the three can be made one."""
    layers = [getattr(attention, name) for name in PROJECTIONS]
    if any(type(layer) is not eqx.nn.Linear for layer in layers):
        return False
    return len({(layer.weight.shape[-1], layer.weight.dtype) for layer in layers}) == 1


def fused_again(
    attention: eqx.nn.MultiheadAttention, before: FusedAttention
) -> FusedAttention:
    """With the flags of the attention that it was split from."""
    new = fused(attention)
    flags = {
        _flag(name): getattr(before.attention, _flag(name)) for name in PROJECTIONS
    }
    return replace_fields(new, attention=replace_fields(new.attention, **flags))


def gained(path: str, node: FusedAttention) -> list[str]:
    """Biases that training gave to layers that had none."""
    parts = zip(PROJECTIONS, _split(node.qkv_proj, node.ends()), strict=True)
    biases = {n: p.bias for n, p in parts if not getattr(node.attention, _flag(n))}
    return [
        f"`{join(path, name, 'bias')}`"
        for name, bias in biases.items()
        # Under `jit` values are not known.
        if bias is not None and not isinstance(bias, Tracer) and bias.any()
    ]


def as_before(node: FusedAttention) -> eqx.nn.MultiheadAttention:
    """With biases where its flags say that there were some."""
    attention, old = node.split(), node.attention  # whose flags are as they were
    flags = {_flag(name): getattr(old, _flag(name)) for name in PROJECTIONS}
    layers = {
        name: getattr(attention, name)
        if flags[_flag(name)]
        else without_bias(getattr(attention, name))
        for name in PROJECTIONS
    }
    return replace_fields(attention, **layers, **flags)
