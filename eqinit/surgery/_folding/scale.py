"""Gains and biases of norms, folded into the layers that read them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu

from ..._articles import kind_of
from ..._models.walk import model_of
from ..._parameters.paths import join, spell
from ..._typing import Array, NonNegativeNumber, checked
from .._checks import check_same
from .._edit import edit, node_at
from .._fields import replace_fields
from .._origins import Origin, fresh
from .._record import make_record, returned
from .partners import partners


_NORMS = (eqx.nn.LayerNorm, eqx.nn.RMSNorm, eqx.nn.GroupNorm)


@checked
def fold_scale(
    model: Any,
    readers: Mapping[str, str | Sequence[str]],
    *,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    r"""Fold the gains and biases of norms into the kernels that read them.

    $$W' = W \operatorname{diag}(\gamma), \qquad b' = b + W \beta$$

    ```python
    readers = {"blocks.*.norm2": ["blocks.*.gate", "blocks.*.up"], "norm": "head"}
    model = surgery.fold_scale(model, readers, call=outputs, args=(x,))
    ```

    **Arguments:**

    - `model`: any model.
    - `readers`: path of each `LayerNorm`, `RMSNorm` or `GroupNorm` to those of all the
        layers that read its output, `Linear`s or convolutions of one group. Stars stand
        for the same on both sides.
    - `call`, `args`, `tolerance`: what is to stay as it is, `call(model, *args)`, up to
        so much of its size. Pass it: that nothing else reads the norm is yours to know.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model, whose norms have no gains and no biases.

    **Raises:** `ValueError` where a layer does not have as many inputs as the norm has
    features, or where a bias would have to pass a padded convolution.
    """
    inner = model_of(model)
    folds = _folds(inner, readers)
    new: dict[str, Any] = {}
    for norm_path, paths in folds.items():
        norm = node_at(inner, norm_path)
        new[norm_path] = _bare(norm)
        for path in paths:
            old = new.get(path, node_at(inner, path))
            new[path] = _scaled_inputs(old, norm, norm_path, path)
    changed = edit(model, new)
    note = check_same("fold_scale", model, changed, call, args, tolerance)
    origins, gone = _told(inner, folds)
    made = make_record("fold_scale", model, changed, origins, gone=gone, notes=[note])
    return returned(changed, made, record)


def _folds(
    model: Any, readers: Mapping[str, str | Sequence[str]]
) -> dict[str, list[str]]:
    """Path of each norm to those of its readers, stars written out."""
    pairs, _ = jtu.tree_flatten_with_path(
        model, is_leaf=lambda n: isinstance(n, _NORMS)
    )
    nodes = {spell(entries): node for entries, node in pairs}
    known = [path for path, node in nodes.items() if isinstance(node, _NORMS)]
    folds: dict[str, list[str]] = {}
    for norm, path in partners("fold_scale", "readers", model, known, readers):
        folds.setdefault(norm, []).append(path)
    return folds


def _bare(norm: Any) -> Any:
    if isinstance(norm, eqx.nn.GroupNorm):
        return replace_fields(norm, weight=None, bias=None, channelwise_affine=False)
    return replace_fields(
        norm, weight=None, bias=None, use_weight=False, use_bias=False
    )


def _scaled_inputs(old: Any, norm: Any, norm_path: str, path: str) -> Any:
    problem = _problem(old, norm)
    if problem:
        raise ValueError(
            f"`{norm_path}` cannot be folded into `{path}`: {problem}. Pass the layers "
            "that read it, all of them and no others."
        )
    weight, gain, bias = old.weight, norm.weight, norm.bias
    wide = jnp.promote_types(weight.dtype, jnp.float32)
    kernel = weight.astype(wide)
    added = None if bias is None else _along_inputs(old, kernel, bias.astype(wide))
    if gain is not None:
        kernel = kernel * _placed(old, gain.astype(wide))
    fields: dict[str, Any] = {"weight": kernel.astype(weight.dtype)}
    if added is not None:
        total = added if old.bias is None else added + old.bias.astype(wide)
        fields |= {"bias": total.astype(weight.dtype), "use_bias": True}
    return replace_fields(old, **fields)


def _problem(old: Any, norm: Any) -> str:
    linear, conv = isinstance(old, eqx.nn.Linear), isinstance(old, eqx.nn.Conv)
    if not (linear or conv):
        return f"it is {kind_of(old)}, no `Linear` and no convolution"
    if conv and old.groups != 1:
        return f"it is a convolution of {old.groups} groups"
    gain = norm.weight if norm.weight is not None else norm.bias
    if gain is None:
        return "the norm has neither a gain nor a bias"
    axes = 1 if linear else 0
    inputs = old.weight.shape[-1] if linear else old.in_channels
    if gain.shape[-1] != inputs or gain.ndim > 1 + axes * (old.weight.ndim - 2):
        return f"it has {inputs} inputs, and the norm's gain is {list(gain.shape)}"
    if conv and norm.bias is not None and _pads(old):
        return "it pads with zeros, to which the norm's bias is not added"
    return ""


def _pads(conv: Any) -> bool:
    if conv.padding_mode != "ZEROS" or conv.padding == "VALID":
        return False
    if isinstance(conv.padding, str):
        return any(size > 1 for size in conv.kernel_size)
    return any(n for pair in conv.padding for n in pair)


def _placed(old: Any, gain: Array) -> Array:
    """The gain along the axis of the inputs; stacks in front are those of the layer."""
    if isinstance(old, eqx.nn.Linear):
        return gain[..., None, :]
    return gain.reshape(1, -1, *(1,) * old.num_spatial_dims)


def _along_inputs(old: Any, kernel: Array, bias: Array) -> Array:
    """What the layer makes of the norm's bias."""
    if isinstance(old, eqx.nn.Linear):
        return jnp.einsum("...oi,...i->...o", kernel, bias)
    taps = tuple(range(2, kernel.ndim))
    total = jnp.einsum("oi,i->o", kernel.sum(taps), bias)
    return total.reshape(-1, *(1,) * old.num_spatial_dims)


def _told(
    model: Any, folds: Mapping[str, list[str]]
) -> tuple[dict[str, Origin], dict[str, str]]:
    origins: dict[str, Origin] = {}
    gone: dict[str, str] = {}
    for norm_path, paths in folds.items():
        norm = node_at(model, norm_path)
        fields = ("weight",) if norm.bias is None else ("weight", "bias")
        for path in paths:
            for field in fields:
                beside = join(path, "weight")
                origins[join(path, field)] = fresh(f"{norm_path} folded in", beside)
        gone |= {join(norm_path, field): f"folded into {paths[0]}" for field in fields}
    return origins, gone
