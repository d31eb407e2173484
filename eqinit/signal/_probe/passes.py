"""Run a model with slots: once, and again where one pass cannot be exact."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ..._typing import Key, Shape
from .._taps.dry_run import CalledLayer, Output, is_signal, is_state
from .._taps.extremes import LEVELS
from .._taps.lanes import In, width
from .._taps.layers import axis_within
from .._taps.slots import tap
from .._taps.tap import AbstractTap, KeyPath, Run, attach_all
from .readings import Pass, Readings, after_bytewise_pass, after_plain_pass


class _Slots(AbstractTap):
    """Pass every array of a layer's output through a slot of its own."""

    slots: tuple[Array, ...]
    axes: tuple[int, ...] = eqx.field(static=True)
    bytewise: bool = eqx.field(static=True)

    def __call__(
        self, layer: eqx.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        out = run(layer, *args, **kwargs)
        slots = zip(self.slots, self.axes, strict=True)

        def through(leaf: Any) -> Any:
            if not is_signal(leaf):
                return leaf
            slot, axis = next(slots)
            axis = axis_within(axis, leaf.ndim)
            return tap(leaf, _checked(slot), axis, self.bytewise)

        return jtu.tree_map(through, out, is_leaf=is_state)


def _checked(slot: Array) -> Array:
    if slot.dtype != default_dtype():
        raise ValueError(
            f"the call casts the model, and with it the probe's sums, to {slot.dtype}, "
            "in which they would be wrong. Cast the model first and probe the result."
        )
    return slot


def default_dtype() -> Any:
    return jax.dtypes.canonicalize_dtype(float)


def _units(output: Output) -> int:
    # The sums per unit serve correlations, which are for real outputs.
    return 0 if output.complex else output.units


def _shapes(called: Sequence[CalledLayer], bytewise: bool) -> list[tuple[Shape, int]]:
    """(stack, width) of every slot: layer by layer, output by output."""
    return [
        (layer.stack, width(_units(output), bytewise=bytewise))
        for layer in called
        for output in layer.outputs
    ]


def row_count(called: Sequence[CalledLayer]) -> int:
    return sum(int(np.prod(stack, dtype=int)) for stack, _ in _shapes(called, False))


def _make_slots(
    inputs: Float[Array, "rows in"], called: Sequence[CalledLayer], bytewise: bool
) -> list[Array]:
    slots: list[Array] = []
    start = 0
    for stack, lanes in _shapes(called, bytewise):
        stop = start + int(np.prod(stack, dtype=int))
        padded = jnp.pad(inputs[start:stop], ((0, 0), (0, lanes - inputs.shape[1])))
        slots.append(padded.reshape(*stack, lanes))
        start = stop
    return slots


def _table(sums: Sequence[Array], bytewise: bool) -> Float[Array, "rows columns"]:
    """All slots under each other: lanes, bins, and the squared length of the sum over
    samples, which is all that the sums per unit are needed for.
    """
    parts: list[Array] = []
    lanes = width(0, bytewise=bytewise)
    for slot in sums:
        rows = slot.reshape(-1, slot.shape[-1])
        units = jnp.sum(jnp.square(rows[:, lanes:]), axis=1, keepdims=True)
        parts.append(jnp.concatenate([rows[:, :lanes], units], axis=1))
    return jnp.concatenate(parts)


def _attach_slots(
    model: Any, called: Sequence[CalledLayer], slots: Sequence[Array], bytewise: bool
) -> Any:
    left = iter(slots)
    taps: dict[KeyPath, AbstractTap] = {}
    for layer in called:
        own = tuple(itertools.islice(left, len(layer.outputs)))
        axes = tuple(output.axis for output in layer.outputs)
        taps[layer.keys] = _Slots(own, axes, bytewise)
    return attach_all(model, taps)


def scalarise(out: Any, key: Key) -> Float[Array, ""]:
    """One number whose gradient is to be measured.

    A single real scalar is taken as the loss. Any other output is multiplied by
    standard normal numbers and added up: each output then receives an independent
    gradient of variance one, and the rows say what becomes of it on its way back.
    """
    leaves = [x for x in jtu.tree_leaves(out, is_leaf=is_state) if is_signal(x)]
    if not leaves:
        raise ValueError(
            "the call returns no floating-point array, so there is no gradient to "
            "follow: return the model's outputs or a scalar loss."
        )
    if len(leaves) == 1 and leaves[0].ndim == 0 and not jnp.iscomplexobj(leaves[0]):
        return leaves[0].astype(default_dtype())
    keys = jax.random.split(key, len(leaves))
    terms = [_against_noise(x, k) for x, k in zip(leaves, keys, strict=True)]
    return functools.reduce(jnp.add, terms)


def _against_noise(x: Array, key: Key) -> Float[Array, ""]:
    dtype = jnp.complex64 if jnp.iscomplexobj(x) else jnp.float32
    noise = jax.random.normal(key, x.shape, dtype).astype(x.dtype)
    return jnp.sum((x * noise).real.astype(default_dtype()))


@eqx.filter_jit
def _pass(
    inputs: Array,
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    called: tuple[CalledLayer, ...],
    key: Key,
    bytewise: bool,
) -> Pass:
    """One backward pass: what every slot collected, and what it means."""

    def objective(slots: list[Array]) -> Array:
        return scalarise(
            call(_attach_slots(model, called, slots, bytewise), *args), key
        )

    sums = _table(jax.grad(objective)(_make_slots(inputs, called, bytewise)), bytewise)
    after = after_bytewise_pass if bytewise else after_plain_pass
    return after(inputs, sums)


def run_passes(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    called: tuple[CalledLayer, ...],
    key: Key,
) -> Readings:
    """Run as many passes as it takes: one, nearly always."""
    once = functools.partial(
        _pass, model=model, call=call, args=args, called=called, key=key
    )
    try:
        first = once(_start((model, args, key), row_count(called)), bytewise=False)
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise ValueError(
            "`call` differentiates the model forward (`jvp`, `jacfwd`, `hessian`), "
            "and layers are seen on the way back. Take that derivative backward: `vjp` "
            "or `jacrev`, and `jacrev(jacrev(f))` for `hessian(f)`."
        ) from error

    def about_the_mean() -> Readings:
        return once(first.following, bytewise=False).readings

    def byte_by_byte() -> Readings:
        def step(level: Any, state: Pass) -> Pass:
            del level  # carried in the slots
            return once(state.following, bytewise=True)

        loop = jax.lax.fori_loop if traced else _python_loop
        return loop(0, LEVELS, step, first).readings

    # Inside someone's own transformation the numbers are not known yet.
    traced = isinstance(first.further, Tracer)
    cases = (lambda: first.readings, about_the_mean, byte_by_byte)
    if traced:
        return jax.lax.switch(first.further, cases)
    return cases[int(first.further)]()


def _python_loop(start: int, stop: int, step: Callable[..., Any], state: Any) -> Any:
    """`jax.lax.fori_loop`, one call of `step` after the other."""
    for i in range(start, stop):
        state = step(i, state)
    return state


def _start(tree: Any, rows: int) -> Float[Array, "rows in"]:
    # By numpy: nothing to compile for each new number of rows.
    start = jnp.asarray(np.zeros((rows, len(In)), default_dtype()))
    traced = [x for x in jtu.tree_leaves(tree) if isinstance(x, Tracer)]
    return start + _mapped_zero(traced) if traced else start


def _mapped_zero(leaves: Sequence[Any]) -> Float[Array, "1 1"]:
    """A zero that is mapped wherever any of `leaves` is.

    In someone's `vmap` over models, each model's slots must be its own: slots that are
    not mapped would take the members of the ensemble for samples.
    """
    zero = jnp.zeros((1, 1), default_dtype())
    for leaf in leaves:
        if leaf.size:
            is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            data = jax.random.key_data(leaf) if is_key else leaf
            one = data.ravel()[:1].real.astype(zero.dtype).reshape(1, 1)
            # Not `0 * one`, which is NaN where the model is.
            zero = jnp.where(jnp.zeros((1, 1), bool), one, zero)
    return zero
