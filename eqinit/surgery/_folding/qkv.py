"""Projections of attention: three layers, or one."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..._articles import with_article
from ..._models.selectors import SelectorLike
from ..._parameters.paths import join
from ..._typing import Array, NonNegativeNumber, checked
from .._checks import check_same
from .._edit import edit
from .._fields import replace_fields
from .._origins import Origin, moved
from .._record import make_record, returned
from .._selection import select


_NAMES = ("query_proj", "key_proj", "value_proj")


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
        flags = {f"use_{n[:-5]}_bias": self.qkv_proj.use_bias for n in _NAMES}
        fields = dict(zip(_NAMES, layers, strict=True))
        return replace_fields(self.attention, **fields, **flags)


def _split(layer: eqx.nn.Linear, ends: tuple[int, int]) -> list[eqx.nn.Linear]:
    weights = jnp.split(layer.weight, ends, axis=-2)
    none: list[Array | None] = [None] * 3
    biases = none if layer.bias is None else jnp.split(layer.bias, ends, axis=-1)
    return [
        replace_fields(layer, weight=w, bias=b, out_features=w.shape[-2])
        for w, b in zip(weights, biases, strict=True)
    ]


def _fused(attention: eqx.nn.MultiheadAttention) -> FusedAttention:
    layers = [getattr(attention, name) for name in _NAMES]
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
    rest = replace_fields(attention, **dict.fromkeys(_NAMES, eqx.nn.Identity()))
    return FusedAttention(joined, rest)


def _bias(layer: Any) -> Array:
    zeros = jnp.zeros(layer.weight.shape[:-1], layer.weight.dtype)
    return zeros if layer.bias is None else layer.bias


@checked
def fuse_qkv(
    model: Any,
    selector: SelectorLike = eqx.nn.MultiheadAttention,
    *,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    """Make one layer of the three that make queries, keys and values.

    One matrix product in the place of three. Where some of the three have a bias, the
    one layer has one, with zeros for the others.

    ```python
    model = surgery.fuse_qkv(model)
    ```

    **Arguments:**

    - `model`: any model; attention may be stacked.
    - `selector`: the `eqx.nn.MultiheadAttention`s of which it selects a parameter.
    - `call`, `args`, `tolerance`: what is to stay as it is, `call(model, *args)`, up to
        so much of its size.
    - `record`: also return the [`eqinit.surgery.Record`][]. Moments are joined too.

    **Returns:** a new model, with [`eqinit.surgery.FusedAttention`][] in it.

    **Raises:** `ValueError` where queries, keys and values have inputs of several
    sizes, or dtypes, or are not made by plain `Linear`s.
    """
    chosen = _attentions(model, selector, eqx.nn.MultiheadAttention)
    if wrong := [path for path, node in chosen.items() if not _alike(node)]:
        raise ValueError(
            f"the three projections of `{wrong[0]}` are not alike: fuse_qkv takes "
            "`Linear`s with inputs of one size and one dtype. Select others."
        )
    changed = edit(model, {path: _fused(node) for path, node in chosen.items()})
    origins: dict[str, Origin] = {}
    for path, node in chosen.items():
        origins |= _fused_origins(path, node)
    note = check_same("fuse_qkv", model, changed, call, args, tolerance)
    made = make_record(
        "fuse_qkv", model, changed, origins, notes=[note], inverse=split_qkv
    )
    return returned(changed, made, record)


@checked
def split_qkv(
    model: Any,
    selector: SelectorLike = FusedAttention,
    *,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    """Make three layers again of the one of a [`eqinit.surgery.FusedAttention`][].

    **Arguments:**

    - `model`: a model that went through [`eqinit.surgery.fuse_qkv`][].
    - `selector`: those of which it selects a parameter.
    - `call`, `args`, `tolerance`, `record`: as in [`eqinit.surgery.fuse_qkv`][].

    **Returns:** a new model. All three layers have a bias if the one had.
    """
    chosen = _attentions(model, selector, FusedAttention)
    changed = edit(model, {path: node.split() for path, node in chosen.items()})
    origins: dict[str, Origin] = {}
    for path, node in chosen.items():
        origins |= _split_origins(path, node)
    note = check_same("split_qkv", model, changed, call, args, tolerance)
    made = make_record("split_qkv", model, changed, origins, notes=[note])
    return returned(changed, made, record)


def _attentions(model: Any, selector: SelectorLike, kind: type) -> dict[str, Any]:
    sites = select(model, selector).sites
    steps = [step for site in sites for step in site.ancestors]
    chosen = {step.path: step.module for step in steps if isinstance(step.module, kind)}
    # What is left of an attention that is fused is one as well.
    inside = {
        join(s.path, "attention") for s in steps if type(s.module) is FusedAttention
    }
    chosen = {path: node for path, node in chosen.items() if path not in inside}
    if not chosen:
        raise ValueError(
            f"{selector!r} selects no parameter of {with_article(kind.__name__)}. "
            "Pass its path."
        )
    return chosen


def _alike(attention: eqx.nn.MultiheadAttention) -> bool:
    layers = [getattr(attention, name) for name in _NAMES]
    if any(type(layer) is not eqx.nn.Linear for layer in layers):
        return False
    return len({(layer.weight.shape[-1], layer.weight.dtype) for layer in layers}) == 1


def _rest(path: str, attention: Any) -> dict[str, Origin]:
    fields = ("weight",) if attention.output_proj.bias is None else ("weight", "bias")
    old = [join(path, "output_proj", field) for field in fields]
    new = [join(path, "attention.output_proj", field) for field in fields]
    return {b: moved(a) for a, b in zip(old, new, strict=True)}


def _fused_origins(path: str, attention: Any) -> dict[str, Origin]:
    layers = [getattr(attention, name) for name in _NAMES]
    weights = tuple(join(path, name, "weight") for name in _NAMES)

    def joined(moments: list[Array], power: int) -> Array:
        del power
        return jnp.concatenate(moments, axis=-2)

    found = {join(path, "qkv_proj.weight"): Origin("joined", weights, joined)}
    biased = [layer.use_bias for layer in layers]
    if any(biased):
        names = [name for name, has in zip(_NAMES, biased, strict=True) if has]

        def with_zeros(moments: list[Array], power: int) -> Array:
            del power
            kept = iter(moments)
            parts = [
                next(kept) if has else jnp.zeros_like(layer.weight[..., 0])
                for has, layer in zip(biased, layers, strict=True)
            ]
            return jnp.concatenate(parts, axis=-1)

        sources = tuple(join(path, name, "bias") for name in names)
        found[join(path, "qkv_proj.bias")] = Origin("joined", sources, with_zeros)
    return found | _rest(path, attention)


def _split_origins(path: str, node: FusedAttention) -> dict[str, Origin]:
    ends, found = node.ends(), {}
    for i, name in enumerate(_NAMES):
        for field, axis in (("weight", -2), ("bias", -1)):
            if getattr(node.qkv_proj, field) is None:
                continue
            found[join(path, name, field)] = _part(
                join(path, "qkv_proj", field), ends, i, axis
            )
    back = {old.sources[0]: new for new, old in _rest(path, node.attention).items()}
    return found | {old: moved(new) for old, new in back.items()}


def _part(source: str, ends: tuple[int, int], i: int, axis: int) -> Origin:
    def follow(moments: list[Array], power: int) -> Array:
        del power
        return jnp.split(moments[0], ends, axis)[i]

    return Origin(f"{i + 1} of 3", (source,), follow)
