"""Projections of attention: three layers, or one."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from ..._articles import with_article
from ..._models.selectors import SelectorLike
from ..._parameters.paths import join
from ..._typing import Array, NonNegativeNumber, checked
from .._checks import check_same
from .._edit import edit, layer, node_at
from .._origins import Origin, moved
from .._record import make_record, returned
from .._selection import select
from .fused_attention import (
    PROJECTIONS,
    FusedAttention,
    alike,
    as_before,
    fused,
    fused_again,
    gained,
)


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
        `undo` leaves out again the biases that there were none of, unless they have
        been trained by then, which is an error.

    **Returns:** a new model, with [`eqinit.surgery.FusedAttention`][] in it.

    **Raises:** `ValueError` where queries, keys and values have inputs of several
    sizes, or dtypes, or are not made by plain `Linear`s.
    """
    chosen = _attentions(model, selector, eqx.nn.MultiheadAttention)
    if wrong := [path for path, node in chosen.items() if not alike(node)]:
        raise ValueError(
            f"the three projections of `{wrong[0]}` are not alike: fuse_qkv takes "
            "`Linear`s with inputs of one size and one dtype. Select others."
        )
    changed = edit(model, {path: fused(node) for path, node in chosen.items()})
    origins: dict[str, Origin] = {}
    for path, node in chosen.items():
        origins |= _fused_origins(path, node)
    note = check_same("fuse_qkv", model, changed, call, args, tolerance)
    made = make_record(
        "fuse_qkv",
        model,
        changed,
        origins,
        notes=[note],
        inverse=lambda later: _unfused(later, list(chosen)),
    )
    return returned(changed, made, record)


def _unfused(model: Any, paths: Sequence[str]) -> Any:
    """Layers as they were before they were fused, each with a bias or without."""
    nodes = {path: layer(model, path, (FusedAttention,)) for path in paths}
    lost = [text for path, node in nodes.items() for text in gained(path, node)]
    if lost:
        listed = "\n".join(f"- {text}" for text in lost)
        raise ValueError(
            "undo would drop biases that there were none of before `fuse_qkv`, and "
            f"that are not zero any more:\n{listed}\nTo keep them, call "
            "`surgery.split_qkv(model)`: it gives a bias to each of the layers."
        )
    return edit(model, {path: as_before(node) for path, node in nodes.items()})


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
    made = make_record(
        "split_qkv",
        model,
        changed,
        origins,
        notes=[note],
        inverse=lambda later: edit(
            later, {p: fused_again(node_at(later, p), n) for p, n in chosen.items()}
        ),
    )
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


def _rest(path: str, attention: Any) -> dict[str, Origin]:
    fields = ("weight",) if attention.output_proj.bias is None else ("weight", "bias")
    old = [join(path, "output_proj", field) for field in fields]
    new = [join(path, "attention.output_proj", field) for field in fields]
    return {b: moved(a) for a, b in zip(old, new, strict=True)}


def _fused_origins(path: str, attention: Any) -> dict[str, Origin]:
    layers = [getattr(attention, name) for name in PROJECTIONS]
    weights = tuple(join(path, name, "weight") for name in PROJECTIONS)

    def joined(moments: list[Array], power: int) -> Array:
        del power
        return jnp.concatenate(moments, axis=-2)

    found = {join(path, "qkv_proj.weight"): Origin("joined", weights, joined)}
    biased = [layer.use_bias for layer in layers]
    if any(biased):
        names = [name for name, has in zip(PROJECTIONS, biased, strict=True) if has]

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
    for i, name in enumerate(PROJECTIONS):
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
