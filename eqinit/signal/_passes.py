"""Run a model with slots: once, and again where one pass cannot be exact."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jaxtyping import Array, Bool, Float, UInt32

from .._typing import Key, Shape
from ._layers import channel_axis
from ._slots import BINS, BITS, LANES, LEVELS, In, Out, tap, width
from ._trace import Seen, is_signal, is_state
from ._wrap import AbstractTap, Run, attach_all


# Columns of what a pass returns: the slots' lanes, and the squared length of the sum
# over samples (which is all that the per-unit sums are needed for).
UNIT_SQUARE = LANES
COLUMNS = LANES + 1

# The variance of x loses (mean / std)^2 of float32's 2^24; the second moment leaves
# float32's range at 2^64. Beyond these a second run about the mean is worth its price.
_MEAN_SQUARES = 16.0
_LARGE = 2.0**40


class _Slots(AbstractTap):
    """Pass every array of a layer's output through a slot of its own."""

    slots: tuple[Array, ...]

    def __call__(
        self, layer: eqx.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        out = run(layer, *args, **kwargs)
        slots = iter(self.slots)

        def through(leaf: Any) -> Any:
            if not is_signal(leaf):
                return leaf
            axis = channel_axis(layer) if leaf.ndim > 1 else -1
            return tap(leaf, _checked(next(slots)), axis)

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


def _shapes(seen: Sequence[Seen]) -> list[tuple[Shape, int]]:
    """(stack, width) of every slot: layer by layer, output by output."""
    return [(s.stack, width(output)) for s in seen for output in s.outputs]


def row_count(seen: Sequence[Seen]) -> int:
    return sum(int(np.prod(stack, dtype=int)) for stack, _ in _shapes(seen))


def _make_slots(inputs: Float[Array, "rows in"], seen: Sequence[Seen]) -> list[Array]:
    slots: list[Array] = []
    start = 0
    for stack, lanes in _shapes(seen):
        stop = start + int(np.prod(stack, dtype=int))
        padded = jnp.pad(inputs[start:stop], ((0, 0), (0, lanes - inputs.shape[1])))
        slots.append(padded.reshape(*stack, lanes))
        start = stop
    return slots


def _table(sums: Sequence[Array]) -> Float[Array, "rows columns"]:
    parts: list[Array] = []
    for slot in sums:
        rows = slot.reshape(-1, slot.shape[-1])
        units = jnp.sum(jnp.square(rows[:, LANES:]), axis=1, keepdims=True)
        parts.append(jnp.concatenate([rows[:, :LANES], units], axis=1))
    return jnp.concatenate(parts)


def _attach_slots(model: Any, seen: Sequence[Seen], slots: Sequence[Array]) -> Any:
    left = iter(slots)
    groups = [tuple(itertools.islice(left, len(s.outputs))) for s in seen]
    return attach_all(
        model, {s.keys: _Slots(g) for s, g in zip(seen, groups, strict=True)}
    )


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
    return sum(terms[1:], terms[0])


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
    seen: tuple[Seen, ...],
    key: Key,
) -> Array:
    """One backward pass: what every slot collected, a row each."""

    def objective(slots: list[Array]) -> Array:
        return scalarise(call(_attach_slots(model, seen, slots), *args), key)

    return _table(jax.grad(objective)(_make_slots(inputs, seen)))


def _ill(sums: Float[Array, "rows columns"]) -> Bool[Array, " rows"]:
    """Rows whose variance or scale float32 has not held in this pass."""
    count = jnp.maximum(sums[:, Out.COUNT], 1)
    square = sums[:, Out.SQUARE] / count
    mean = sums[:, Out.TOTAL] / count
    off_centre = mean * mean > _MEAN_SQUARES * (square - mean * mean)
    size = jnp.maximum(sums[:, Out.MAX], sums[:, Out.NEG_MIN])
    return off_centre | _extreme(size) | _extreme(sums[:, Out.GRAD_MAX])


def _extreme(size: Float[Array, " rows"]) -> Bool[Array, " rows"]:
    log2 = jnp.abs(jnp.log2(size))
    return jnp.isfinite(log2) & (log2 > np.log2(_LARGE))


def passes_needed(sums: Float[Array, "rows columns"]) -> Array:
    """1; 2 to take variances about the mean; 4 where a layer is used repeatedly."""
    repeated = jnp.any(sums[:, Out.USES] > 1)
    return jnp.where(repeated, LEVELS, jnp.where(jnp.any(_ill(sums)), 2, 1))


def _log2_scale(size: Float[Array, " rows"]) -> Float[Array, " rows"]:
    log2 = -jnp.round(jnp.log2(size))
    return jnp.where(jnp.isfinite(log2), log2, 0.0)


def _prefix(
    inputs: Array, bins: Float[Array, "rows bins"], high: In
) -> tuple[Array, Array]:
    """The prefix with 8 more bits: those of the highest bin that is not empty."""
    prefix = join_halves(inputs[:, high], inputs[:, high + 1])
    digit = BINS - 1 - jnp.argmax(bins[:, ::-1] > 0, axis=1)
    prefix = (prefix << BITS) | digit.astype(jnp.uint32)
    halves = (prefix >> 16, prefix & jnp.uint32(0xFFFF))
    return halves[0].astype(inputs.dtype), halves[1].astype(inputs.dtype)


def join_halves(high: Array, low: Array) -> UInt32[Array, " rows"]:
    return (high.astype(jnp.uint32) << 16) | low.astype(jnp.uint32)


def next_inputs(inputs: Array, sums: Array) -> Array:
    """What the slots carry into the next pass, from what this one has found."""
    first = inputs[:, In.LEVEL] == 0
    shift = sums[:, Out.TOTAL] / jnp.maximum(sums[:, Out.COUNT], 1)
    shift = jnp.where(jnp.isfinite(shift), shift, 0.0)
    spread = jnp.maximum(sums[:, Out.MAX] - shift, sums[:, Out.NEG_MIN] + shift)
    found = {
        In.SHIFT: shift,
        In.LOG2_SCALE: _log2_scale(spread),
        In.LOG2_GRAD_SCALE: _log2_scale(sums[:, Out.GRAD_MAX]),
    }
    columns = {lane: jnp.where(first, x, inputs[:, lane]) for lane, x in found.items()}
    columns[In.LEVEL] = inputs[:, In.LEVEL] + 1
    for start, high in ((0, In.MAX_HIGH), (BINS, In.MIN_HIGH)):
        bins = sums[:, Out.MAX_BINS + start : Out.MAX_BINS + start + BINS]
        columns[high], columns[In(high + 1)] = _prefix(inputs, bins, high)
    return jnp.stack([columns[In(i)] for i in range(len(In))], axis=1)


def run_passes(
    model: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    seen: tuple[Seen, ...],
    key: Key,
) -> tuple[Float[Array, "rows in"], Float[Array, "rows columns"], Array]:
    """Run as many passes as it takes.

    **Returns:** what the slots carried into the last pass, what came back from it, and
    what they would carry into the next one (which holds the exact extremes).
    """

    def step(inputs: Array) -> tuple[Array, Array, Array]:
        sums = _pass(inputs, model, call, args, seen, key)
        return inputs, sums, next_inputs(inputs, sums)

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return state[2][0, In.LEVEL] < passes_needed(state[1])

    state = step(jnp.zeros((row_count(seen), len(In)), default_dtype()))
    if isinstance(state[1], jax.core.Tracer):
        # Inside someone's own transformation the numbers are not known yet.
        return jax.lax.while_loop(unfinished, lambda s: step(s[2]), state)
    while bool(unfinished(state)):
        state = step(state[2])
    return state
