"""A call as a jaxpr, forward and backward, with marks where layers return."""

import functools
import itertools
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


def label(layer: int, output: int, *, backward: bool) -> str:
    """The name of a mark."""
    return f"{_BACKWARD if backward else _FORWARD} {layer} {output}"


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _mark(x: Any, slot: Any, layer: int, output: int) -> Any:
    """`x`; its gradient passes a mark of its own if that of `slot` is asked for."""
    del slot
    return checkpoint_name(x, label(layer, output, backward=False))


def _mark_forward(x: Any, slot: Any, layer: int, output: int) -> tuple[Any, None]:
    del slot
    return checkpoint_name(x, label(layer, output, backward=False)), None


def _mark_backward(layer: int, output: int, kept: None, g: Any) -> tuple[Any, Any]:
    del kept
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

    - `jaxpr`: of the arrays of model and args, and of the gradients of the outputs.
    - `leaves`: those arrays; `positions`: where they stand among all leaves.
    - `gradients`: what each output's gradient is like: 1 for a loss, drawn elsewhere.
    - `why`: why there are no gradients; empty where there are.
    """

    jaxpr: Any
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

    # Of a stacked layer there is a slot for each slice. No gradient is asked for but
    # theirs: those of weights would take as long as all the rest.
    slots = [jnp.zeros(layer.stack, jnp.float32) for layer in layers]
    structs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays]
    outs = jax.eval_shape(forward, slots, structs)
    scalar = len(outs) == 1 and outs[0].ndim == 0
    gradients = () if scalar else tuple(outs)

    def both(values: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        out, pull = jax.vjp(lambda slots: forward(slots, values), slots)
        seeds = [jnp.ones_like(out[0])] if scalar else list(cotangents)
        return out, pull(seeds)

    try:
        jaxpr = jax.make_jaxpr(both)(structs, list(gradients))
        return Trace(jaxpr, arrays, positions, gradients)
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        jaxpr = jax.make_jaxpr(forward)(slots, structs)
        return Trace(jaxpr, arrays, positions, (), why)
