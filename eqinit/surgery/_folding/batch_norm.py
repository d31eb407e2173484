"""Batch norms, folded into the layers before them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu

from ..._models.walk import model_of
from ..._parameters.paths import join, parent, spell, split
from ..._typing import Array, NonNegativeNumber, checked
from .._checks import check_same
from .._edit import edit, layer, node_at
from .._fields import replace_fields
from .._origins import Origin, fresh
from .._record import make_record, returned
from .._weights.statistics import running, state_of
from .partners import partners
from .pass_state import PassState


LAYERS = (eqx.nn.Linear, eqx.nn.Conv, eqx.nn.ConvTranspose)


@checked
def fold_batch_norm(
    model: Any,
    pairs: Mapping[str, str] | None = None,
    *,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    r"""Fold batch norms, as they are in inference, into the layers before them.

    $$W' = \frac{\gamma}{\sqrt{v + \epsilon}} W, \qquad
      b' = \frac{\gamma}{\sqrt{v + \epsilon}} (b - m) + \beta$$

    with the running mean $m$ and variance $v$.

    ```python
    model, state = surgery.fold_batch_norm(
        (model, state), {"blocks.*.norm1": "blocks.*.conv1"}, call=outputs, args=(x,)
    )
    ```

    **Arguments:**

    - `model`: a `(model, state)` tuple.
    - `pairs`: path of each batch norm to that of the `Linear` or convolution whose
        output it gets, and which nothing else reads. Stars stand for the same on both
        sides. By default those that follow one another in an `eqx.nn.Sequential`.
    - `call`, `args`, `tolerance`: what is to stay as it is, `call((model, state),
        *args)` in inference, up to so much of its size. Pass it: the pairs are yours.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a `(model, state)` tuple, or `(tuple, record)`. In the place of a batch
    norm is a layer that hands `x` and the state on; the state has no entry for it.

    **Raises:** `ValueError` where a batch norm has no layer, has seen no batch, or has
    another number of channels than the layer.
    """
    state = state_of(model)
    if state is None:
        raise ValueError(
            "fold_batch_norm takes a `(model, state)` tuple: what is folded are the "
            "running statistics, which are in the `eqx.nn.State`."
        )
    norms = _norms(model_of(model))
    inner = model_of(model)
    chosen = (
        _in_sequence(inner, norms) if pairs is None else _by_pairs(inner, norms, pairs)
    )
    folded = [_folded(inner, norm, path, state) for norm, path in chosen.items()]
    new = {one.norm: PassState() for one in folded}
    new |= {one.path: one.layer for one in folded}
    bare = edit(inner, new)
    smaller = state.substate(bare)
    changed = tuple(smaller if part is state else bare for part in model)
    note = check_same("fold_batch_norm", model, changed, call, args, tolerance)
    origins, gone = _told(folded)
    made = make_record(
        "fold_batch_norm", model, changed, origins, gone=gone, notes=[note]
    )
    return returned(changed, made, record)


def _norms(model: Any) -> dict[str, Any]:
    pairs, _ = jtu.tree_flatten_with_path(
        model, is_leaf=lambda node: isinstance(node, eqx.nn.BatchNorm)
    )
    nodes = {spell(entries): node for entries, node in pairs}
    return {p: node for p, node in nodes.items() if isinstance(node, eqx.nn.BatchNorm)}


def _in_sequence(model: Any, norms: Mapping[str, Any]) -> dict[str, str]:
    """Norms of a `Sequential` that stand right behind a layer."""
    chosen: dict[str, str] = {}
    for path in norms:
        if not isinstance(node_at(model, parent(path, 2)), eqx.nn.Sequential):
            continue
        index = int(split(path)[-1])
        before = join(parent(path), str(index - 1))
        if index and isinstance(node_at(model, before), LAYERS):
            chosen[path] = before
    if not chosen:
        listed = ", ".join(f"`{path}`" for path in norms) or "none"
        raise ValueError(
            "no batch norm of this model stands behind a layer in an "
            f"`eqx.nn.Sequential`. There are {listed}. Say which layer's output each "
            'of them gets: `fold_batch_norm((model, state), {"norm1": "conv1"})`.'
        )
    return chosen


def _by_pairs(
    model: Any, norms: Mapping[str, Any], pairs: Mapping[str, str]
) -> dict[str, str]:
    chosen = dict(partners("fold_batch_norm", "pairs", model, norms, pairs))
    by_layer: dict[str, list[str]] = {}
    for norm, path in chosen.items():
        by_layer.setdefault(path, []).append(norm)
    if several := {path: found for path, found in by_layer.items() if len(found) > 1}:
        listed = "\n".join(f"- `{path}`: {found}" for path, found in several.items())
        raise ValueError(
            "fold_batch_norm got layers with several norms, and a layer can take in "
            f"that of its own output alone:\n{listed}\nPass one norm for each."
        )
    return chosen


class _Folded(NamedTuple):
    norm: str
    path: str
    layer: Any


def _folded(model: Any, norm_path: str, path: str, state: Any) -> _Folded:
    norm, old = node_at(model, norm_path), layer(model, path, LAYERS)
    channels = old.weight.shape[0]
    if norm.input_size != channels:
        raise ValueError(
            f"`{norm_path}` has {norm.input_size} channels and `{path}` {channels}: "
            "it is not that layer's output that it gets. Pass the right `pairs`."
        )
    scale, shift = affine(norm_path, norm, state)
    return _Folded(norm_path, path, scaled_outputs(old, scale, shift))


def affine(path: str, norm: Any, state: Any) -> tuple[Array, Array]:
    """What a batch norm does in inference: a factor and a shift for each channel."""
    if norm.mode == "ema" and bool(_clone(state).get(norm.ema_first_time_index)):
        raise ValueError(
            f"`{path}` has seen no batch yet, and its running statistics are no "
            "numbers. Run the model on some in training mode first."
        )
    mean, variance, _ = running(norm, state)
    mean, variance = (jnp.asarray(x, jnp.float32) for x in (mean, variance))
    weight, bias = norm.weight, norm.bias
    factor = 1 / jnp.sqrt(variance + jnp.float32(norm.eps))
    factor = factor if weight is None else factor * weight.astype(jnp.float32)
    shift = -mean * factor
    return factor, shift if bias is None else shift + bias.astype(jnp.float32)


def _clone(state: Any) -> Any:
    leaves, treedef = jtu.tree_flatten(state)
    return jtu.tree_unflatten(treedef, leaves)


def scaled_outputs(old: Any, scale: Array, shift: Array) -> Any:
    """A layer whose outputs are scaled and shifted, channel by channel."""
    weight = old.weight
    taps = (1,) * (weight.ndim - 1)
    wide = jnp.promote_types(weight.dtype, jnp.float32)
    scale, shift = scale.astype(wide), shift.astype(wide)
    shape = (-1,) if isinstance(old, eqx.nn.Linear) else (-1, *(1,) * (weight.ndim - 2))
    bias = jnp.zeros(weight.shape[0], wide) if old.bias is None else old.bias.ravel()
    new_bias = (scale * bias.astype(wide) + shift).reshape(shape)
    return replace_fields(
        old,
        weight=(weight.astype(wide) * scale.reshape(-1, *taps)).astype(weight.dtype),
        bias=new_bias.astype(weight.dtype),
        use_bias=True,
    )


def _told(folded: list[_Folded]) -> tuple[dict[str, Origin], dict[str, str]]:
    origins: dict[str, Origin] = {}
    gone: dict[str, str] = {}
    for one in folded:
        for field in ("weight", "bias"):
            beside = join(one.path, "weight")
            origins[join(one.path, field)] = fresh(f"{one.norm} folded in", beside)
            gone[join(one.norm, field)] = f"folded into {one.path}"
    return origins, gone
