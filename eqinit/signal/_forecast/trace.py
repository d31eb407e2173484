"""A call as a jaxpr, forward and backward, with marks where layers return."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jax.ad_checkpoint import checkpoint_name

from .._taps.dry_run import CalledLayer, is_signal, is_state
from .._taps.tap import AbstractTap, Run, attach_all


_FORWARD, _BACKWARD = "eqinit forward", "eqinit backward"

# The name of which slices of a stacked layer the next mark is about.
SLICES = "eqinit slices"


def label(layer: int, output: int, *, backward: bool) -> str:
    """The name of a mark."""
    return f"{_BACKWARD if backward else _FORWARD} {layer} {output}"


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _mark(x: Any, slot: Any, layer: int, output: int) -> Any:
    """`x`; its gradient passes a mark of its own if that of `slot` is asked for."""
    return _mark_forward(x, slot, layer, output)[0]


def _mark_forward(x: Any, slot: Any, layer: int, output: int) -> tuple[Any, Any]:
    slot = checkpoint_name(slot, SLICES)
    return checkpoint_name(x, label(layer, output, backward=False)), slot


def _mark_backward(layer: int, output: int, slot: Any, g: Any) -> tuple[Any, Any]:
    checkpoint_name(slot, SLICES)
    g = checkpoint_name(g, label(layer, output, backward=True))
    return g, jnp.sum(g.real).astype(jnp.float32)


_mark.defvjp(_mark_forward, _mark_backward)


class _Marks(AbstractTap):
    """A mark at every array that a layer returns."""

    slot: Any
    layer: int = eqx.field(static=True)

    def __call__(
        self, layer: eqx.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        outputs = itertools.count()

        def through(leaf: Any) -> Any:
            if not is_signal(leaf):
                return leaf
            return _mark(leaf, self.slot, self.layer, next(outputs))

        return jtu.tree_map(through, run(layer, *args, **kwargs), is_leaf=is_state)


class Trace(NamedTuple):
    """What is walked.

    - `jaxpr`: of the slots, the arrays of model and args, and the outputs' gradients.
    - `slots`: of each layer the numbers of its slices.
    - `leaves`: those arrays; `positions`: where they stand among all leaves.
    - `gradients`: what each output's gradient is like: 1 for a loss, drawn elsewhere.
    - `why`: why there are no gradients; empty where there are.
    """

    jaxpr: Any
    slots: tuple[np.ndarray, ...]
    leaves: tuple[Any, ...]
    positions: tuple[int, ...]
    gradients: tuple[jax.ShapeDtypeStruct, ...]
    why: str = ""


def is_array(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray, jax.ShapeDtypeStruct))


def trace(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    layers: Sequence[CalledLayer],
) -> Trace:
    """Trace a call on abstract values, and its gradient if it has one."""
    leaves, treedef = jtu.tree_flatten((model, args))
    positions = tuple(i for i, leaf in enumerate(leaves) if is_array(leaf))
    arrays = tuple(leaves[i] for i in positions)

    def forward(slots: Sequence[Any], values: Sequence[Any]) -> list[Any]:
        filled = list(leaves)
        for position, value in zip(positions, values, strict=True):
            filled[position] = value
        model, args = jtu.tree_unflatten(treedef, filled)
        pairs = zip(layers, slots, strict=True)
        taps = {c.keys: _Marks(slot, i) for i, (c, slot) in enumerate(pairs)}
        out = call(attach_all(model, taps), *args)
        return [x for x in jtu.tree_leaves(out, is_leaf=is_state) if is_signal(x)]

    # Of a stacked layer there is a slot for each slice, which holds its number. No
    # gradient is asked for but theirs: those of weights would take as long as the rest.
    numbers = tuple(
        np.arange(math.prod(layer.stack), dtype=np.float32).reshape(layer.stack)
        for layer in layers
    )
    slots = [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in numbers]
    structs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays]
    outs = jax.eval_shape(forward, slots, structs)
    scalar = len(outs) == 1 and outs[0].ndim == 0
    gradients = () if scalar else tuple(outs)

    def both(
        slots: Sequence[Any], values: Sequence[Any], cotangents: Sequence[Any]
    ) -> Any:
        out, pull = jax.vjp(lambda slots: forward(slots, values), slots)
        seeds = [jnp.ones_like(out[0])] if scalar else list(cotangents)
        return out, pull(seeds)

    try:
        jaxpr = jax.make_jaxpr(both)(slots, structs, list(gradients))
        return Trace(jaxpr, numbers, arrays, positions, gradients)
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        jaxpr = jax.make_jaxpr(forward)(slots, structs)
        return Trace(jaxpr, numbers, arrays, positions, (), why)
