"""Running statistics of batch norm, and vectors of spectral norm: in an `eqx.nn.State`.

A model without one keeps their initial values in its own tree.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jax.core import Tracer

from ..._models.walk import model_of
from ..._parameters.paths import join, spell
from .forms import Form


class Statistics(NamedTuple):
    """What one module keeps in a state.

    - `path`: of the module.
    - `node`: the module.
    - `shapes`: what each array that is loaded must look like.
    - `forms`: how they may be stored. `load` gives the values by index field.
    """

    path: str
    node: Any
    shapes: tuple[tuple[int, ...], ...]
    forms: tuple[Form, ...]

    @property
    def what(self) -> str:
        norm = isinstance(self.node, eqx.nn.BatchNorm)
        return "running statistics" if norm else "singular vectors"


_KINDS = (eqx.nn.BatchNorm, eqx.nn.SpectralNorm)


def statistics(model: Any) -> list[Statistics]:
    """Every module of the model that keeps such, in tree order."""
    pairs, _ = jtu.tree_flatten_with_path(
        model_of(model), is_leaf=lambda node: isinstance(node, _KINDS)
    )
    found = [(spell(entries), node) for entries, node in pairs]
    return [_of(path, node) for path, node in found if isinstance(node, _KINDS)]


def _of(path: str, node: Any) -> Statistics:
    if isinstance(node, eqx.nn.SpectralNorm):
        names = (f"{node.weight_name}_u", f"{node.weight_name}_v")
        weight = getattr(node.layer, node.weight_name)
        shapes = ((weight.shape[0],), (math.prod(weight.shape[1:]),))
        return Statistics(path, node, shapes, (Form(names, _vectors),))
    size = ((node.input_size,),) * 2

    def load(mean: Any, variance: Any, count: Any = 0) -> dict[str, Any]:
        return _running(node, mean, variance, int(count))

    names = ("running_mean", "running_var")
    forms = (
        Form((*names, "num_batches_tracked"), load),
        Form(names, load),
        Form(("mean", "var"), load),
    )
    return Statistics(path, node, size, forms)


def _vectors(u: Any, v: Any) -> dict[str, Any]:
    return {"uv_index": (u, v)}


def _running(norm: Any, mean: Any, variance: Any, count: int) -> dict[str, Any]:
    if norm.mode == "ema":
        return {"ema_state_index": (mean, variance), "ema_first_time_index": False}
    # In this mode Equinox divides by 1 - momentum^count, and torch does not: after so
    # many batches that is 1 in float32.
    settled = 1 if norm.momentum == 0 else math.log(2**-25) / math.log(norm.momentum)
    return {
        "batch_state_index": (mean, variance),
        "batch_counter": max(count, math.ceil(settled)),
    }


def running(norm: Any, state: Any) -> tuple[Any, Any, int]:
    """Mean, variance and count of batches, as torch keeps them."""
    if norm.mode == "ema":
        return *value_of(norm.ema_state_index, state), 0
    mean, variance = value_of(norm.batch_state_index, state)
    count = int(value_of(norm.batch_counter, state))
    share = 1.0 if count == 0 else 1.0 - norm.momentum**count
    return mean / share, variance / share, count


def value_of(index: Any, state: Any) -> Any:
    value = index.init if state is None else kept_in(state, index)
    return jtu.tree_map(np.asarray, value)


def kept_in(state: Any, index: Any) -> Any:
    """What a state has at an index."""
    return _clone(state).get(index)


def holds(model: Any, node: Any) -> bool:
    """Whether there is a place for these: a state, or initial values."""
    state = state_of(model)
    indices = [getattr(node, name, None) for name in _INDICES]
    own = [i for i in indices if i is not None and eqx.is_array(_first(i.init))]
    return state is not None or bool(own)


_INDICES = ("ema_state_index", "batch_state_index", "uv_index")


def _first(tree: Any) -> Any:
    return next(iter(jtu.tree_leaves(tree)), None)


def state_of(model: Any) -> Any:
    """The `eqx.nn.State` of a `(model, state)` tuple, or `None`."""
    parts: Sequence[Any] = model if type(model) is tuple else ()
    return next((part for part in parts if isinstance(part, eqx.nn.State)), None)


def _clone(state: Any) -> Any:
    # `State.set` invalidates the state that it is called on.
    leaves, treedef = jtu.tree_flatten(state)
    return jtu.tree_unflatten(treedef, leaves)


def with_statistics(
    model: Any,
    values: Sequence[tuple[Statistics, dict[str, Any]]],
    edit: Callable[..., Any],
) -> Any:
    """A model, or a `(model, state)` tuple, with these values in its state."""
    old = state = state_of(model)
    new: dict[str, Any] = {}
    for one, fields in values:
        for field, value in fields.items():
            index = getattr(one.node, field)
            if old is None:
                new[join(one.path, field, "init")] = _like(value, index.init)
            else:
                state = replaced(state, index, value)
    if old is None:
        return edit(model, new) if new else model
    return tuple(state if part is old else part for part in model)


def replaced(state: Any, index: Any, value: Any) -> Any:
    """A state with another value, in the dtypes of the old one."""
    return _clone(state).set(index, _like(value, _clone(state).get(index)))


def _like(value: Any, old: Any) -> Any:
    def cast(leaf: Any, new: Any) -> Any:
        # Equinox counts batches in a weakly typed integer, and checks that it stays so.
        if not getattr(leaf, "weak_type", False):
            return jnp.asarray(new, leaf.dtype)
        counts = leaf.ndim == 0 and not isinstance(new, Tracer)
        # One that was read from a file is strongly typed.
        return jnp.asarray(np.asarray(new).item() if counts else new)

    return jtu.tree_map(cast, old, value)
