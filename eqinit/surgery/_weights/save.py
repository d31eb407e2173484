"""Weights as torch stores them."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import equinox as eqx
import numpy as np

from ..._models.read import read
from ..._models.site import Site
from ..._models.walk import model_of
from ..._parameters.paths import join, parent, split
from ..._typing import checked
from .._selection import select
from .attention import attention_of
from .forms import torch_order
from .names import renamed
from .statistics import running, state_of, statistics, value_of
from .targets import torch_path


Arrays: TypeAlias = Iterator[tuple[str, np.ndarray]]


@checked
def save_weights(model: Any, *, rename: Any = None) -> dict[str, np.ndarray]:
    """The weights of a model under the names, and in the axes, that torch has for them.

    ```python
    np.savez("model.npz", **surgery.save_weights((model, state)))
    ```

    What [`eqinit.surgery.load_weights`][] reads, from the same modules: kernels of
    transposed convolutions in by out, an LSTM's bias as `bias_ih` beside a `bias_hh` of
    zeros, projections of attention joined in `in_proj_weight`, running statistics from
    the state.

    **Arguments:**

    - `model`: a model, or a `(model, state)` tuple.
    - `rename`: as in [`eqinit.surgery.load_weights`][], from the model's names to those
        that are to be stored.

    **Returns:** names to numpy arrays, in tree order.
    """
    inner, state = model_of(model), state_of(model)
    saved: dict[str, np.ndarray] = {}
    for site in select(model, "**").sites:
        place = torch_path(inner, site.layer_path)
        if (found := attention_of(site)) is not None:
            place = torch_path(inner, found[0])
            arrays = _attention(found[1], found[2], site)
        elif site.path == join(site.layer_path, site.field) or site.parametrization:
            arrays = _arrays(site)
        else:
            place, arrays = "", iter([(site.path, np.asarray(site.leaf))])
        saved |= {join(place, name): array for name, array in arrays}
    for one in statistics(model):
        place = torch_path(inner, one.path)
        saved |= {join(place, n): a for n, a in _kept(one.node, state)}
    for slot, source in read(model).sources:
        name, stored = (
            join(torch_path(inner, parent(path)), split(path)[-1])
            for path in (slot, source)
        )
        saved[name] = saved[stored]
    names = renamed({name: name for name in saved}, rename)
    return {new: saved[old] for old, new in names.items() if new is not None}


def _arrays(site: Site) -> Arrays:
    value = np.asarray(site.leaf)
    node = site.ancestors[-2].module if len(site.ancestors) > 1 else None
    if isinstance(node, eqx.nn.WeightNorm) and site.parametrization is not None:
        yield f"{site.field}_g", np.asarray(node.g)
        yield f"{site.field}_v", value
        return
    if isinstance(node, eqx.nn.SpectralNorm) and site.parametrization is not None:
        yield f"{site.field}_orig", value
        return
    if site.parametrization is not None:
        value = np.asarray(site.parametrization.value())
    kinds = type(site.layer).__mro__
    table = next((_SAVED[cls] for cls in kinds if cls in _SAVED), _by_layout)
    yield from table(site, value)


def _as_is(site: Site, value: np.ndarray) -> Arrays:
    yield site.field, value


def _conv(site: Site, value: np.ndarray) -> Arrays:
    if site.field == "bias":
        value = value.reshape(value.shape[: value.ndim - site.layer.num_spatial_dims])
    yield site.field, value


def _conv_transpose(site: Site, value: np.ndarray) -> Arrays:
    if site.field == "bias":
        yield from _conv(site, value)
        return
    rank, groups = site.layer.num_spatial_dims, site.layer.groups
    value = value[(..., *(slice(None, None, -1),) * rank)]
    at = value.ndim - rank - 2  # behind any stacks
    stacks, (outputs, inputs, *taps) = value.shape[:at], value.shape[at:]
    value = value.reshape(*stacks, groups, outputs // groups, inputs, *taps)
    value = value.swapaxes(at + 1, at + 2)
    yield "weight", value.reshape(*stacks, groups * inputs, outputs // groups, *taps)


def _lstm(site: Site, value: np.ndarray) -> Arrays:
    if site.field == "bias":
        yield from (("bias_ih", value), ("bias_hh", np.zeros_like(value)))
    else:
        yield site.field, value


def _gru(site: Site, value: np.ndarray) -> Arrays:
    if site.field == "bias":
        yield "bias_ih", value
    elif site.field == "bias_n":
        # The biases of r and z are all in `bias_ih`.
        zeros = np.zeros((*value.shape[:-1], 2 * value.shape[-1]), value.dtype)
        yield "bias_hh", np.concatenate([zeros, value], axis=-1)
    else:
        yield site.field, value


def _prelu(site: Site, value: np.ndarray) -> Arrays:
    del site
    yield "weight", value.reshape(-1)


def _by_layout(site: Site, value: np.ndarray) -> Arrays:
    axes = site.spec.axes
    order = None if axes is None else torch_order(axes, value.ndim)
    back = None if order is None or site.field != "weight" else np.argsort(order)
    yield site.field, value if back is None else value.transpose(back)


_SAVED: dict[type, Callable[[Site, np.ndarray], Arrays]] = {
    eqx.nn.Linear: _as_is,
    eqx.nn.Embedding: _as_is,
    eqx.nn.Conv: _conv,
    eqx.nn.ConvTranspose: _conv_transpose,
    eqx.nn.LSTMCell: _lstm,
    eqx.nn.GRUCell: _gru,
    eqx.nn.PReLU: _prelu,
}


def _attention(attention: Any, name: str, site: Site) -> Arrays:
    """Three projections in one array where torch would have them so."""
    value, field = np.asarray(site.leaf), site.field
    if name == "output_proj":
        yield f"out_proj.{field}", value
        return
    parts = [getattr(attention, f"{p}_proj") for p in ("query", "key", "value")]
    alike = len({part.weight.shape for part in parts}) == 1
    if field == "weight" and not alike:
        yield f"{name[0]}_proj_weight", value
    elif name == next(p for p in _first_with(attention, field)):
        arrays = [_or_zeros(part, field) for part in parts]
        axis = -2 if field == "weight" else -1
        yield f"in_proj_{field}", np.concatenate(arrays, axis)


def _first_with(attention: Any, field: str) -> Iterator[str]:
    """The projections that have this field: all are stored with the first of them."""
    for name in ("query_proj", "key_proj", "value_proj"):
        if getattr(getattr(attention, name), field) is not None:
            yield name


def _or_zeros(layer: Any, field: str) -> np.ndarray:
    value = getattr(layer, field)
    shape, dtype = layer.weight.shape[:-1], layer.weight.dtype
    return np.zeros(shape, dtype) if value is None else np.asarray(value)


def _kept(node: Any, state: Any) -> Arrays:
    """What a layer keeps in a state."""
    if isinstance(node, eqx.nn.SpectralNorm):
        names = (f"{node.weight_name}_u", f"{node.weight_name}_v")
        yield from zip(names, value_of(node.uv_index, state), strict=True)
        return
    mean, variance, count = running(node, state)
    yield "running_mean", mean
    yield "running_var", variance
    yield "num_batches_tracked", np.asarray(count, np.int64)
