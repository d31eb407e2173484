"""Rules of what takes some entries, or puts several arrays into one."""

from collections.abc import Sequence
from typing import Any

from ..._inference.walker import Equation, Rule
from .domain import Units, Value
from .entrywise import picked
from .factors import Axis, freeze, new_axes, new_axis, slice_of, unify


_LOOKED_UP = "is looked up by index"


def _slice(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values
    starts, stops = eqn.params["start_indices"], eqn.params["limit_indices"]
    steps = eqn.params["strides"] or (1,) * len(starts)
    for i, (start, stop, step) in enumerate(zip(starts, stops, steps, strict=True)):
        value = _span(domain, value, i, eqn.inputs[0].shape[i], (start, stop, step))
    return [value]


def _span(
    domain: Units, value: Value, i: int, length: int, span: tuple[int, int, int]
) -> Value:
    start, stop, step = span
    size = -(-(stop - start) // step)
    if size == length:
        return value
    if step > 1:
        return domain.frozen(value, i, size, "is sliced in steps")
    return domain.replaced(value, i, slice_of(value.axes[i], start, stop), size)


def _split(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,), along, start = values, eqn.params["axis"], 0
    length, done = eqn.inputs[0].shape[along], list[Value]()
    for out in eqn.outputs:
        stop = start + out.shape[along]
        done.append(_span(domain, value, along, length, (start, stop, 1)))
        start = stop
    return done


def _unstack(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,), along = values, eqn.params["axis"]
    freeze(value.axes[along], _LOOKED_UP)
    kept = [i for i in range(len(value.axes)) if i != along]
    return [picked(value, kept) for _ in eqn.outputs]


def _concatenate(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    along, first = eqn.params["dimension"], values[0]
    for value in values:
        domain.spend(value)
        for i, (one, other) in enumerate(zip(first.axes, value.axes, strict=True)):
            if i != along:
                unify(one, other)
    axes = list(first.axes)
    axes[along] = tuple(part for value in values for part in value.axes[along])
    return [Value(tuple(axes))]


def _stack(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    along, first = eqn.params["axis"], values[0]
    for value in values:
        domain.spend(value)
        for one, other in zip(first.axes, value.axes, strict=True):
            unify(one, other)
    axes = list(first.axes)
    axes.insert(along, new_axis(len(values), "is a stack of several arrays"))
    return [Value(tuple(axes))]


def _pad(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    value, shape = values[0], eqn.outputs[0].shape
    domain.spend(value)
    axes: list[Axis] = []
    for i, (low, high, inner) in enumerate(eqn.params["padding_config"]):
        axis, reason = value.axes[i], "is padded"
        if inner or min(low, high) < 0:
            freeze(axis, reason)
            axis = new_axis(shape[i], reason)
        elif low or high:
            ends = [new_axis(int(n), reason) if n else () for n in (low, high)]
            axis = (*ends[0], *axis, *ends[1])
        axes.append(axis)
    return [Value(tuple(axes))]


def _window(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    shape, params = eqn.outputs[0].shape, eqn.params
    value = values[0].bare()
    for one in values:
        domain.spend(one)
    for other in values[1 : len(eqn.outputs)]:
        for a, b in zip(value.axes, other.axes, strict=True):
            unify(a, b)
    for i, size in enumerate(shape):
        told = params["window_dimensions"][i], params["window_strides"][i]
        if told != (1, 1) or size != eqn.inputs[0].shape[i]:
            value = domain.frozen(value, i, size, "is a window of a pooling")
    return [value for _ in eqn.outputs]


def _sort(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    along = eqn.params["dimension"]
    for value in values:
        domain.spend(value)
        for a, b in zip(values[0].axes, value.axes, strict=True):
            unify(a, b)
    freeze(values[0].axes[along], "is sorted")
    return [value.bare() for value in values]


def _top(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    value, shape = values[0].bare(), eqn.outputs[0].shape
    domain.spend(values[0])
    # Older versions of jax take the last axis, and do not say so.
    along = eqn.params.get("axis", -1) % len(shape)
    found = domain.frozen(value, along, shape[along], "is sorted")
    return [found] * len(eqn.outputs)


def _fft(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,), shape = values, eqn.outputs[0].shape
    domain.spend(value)
    value, count = value.bare(), len(eqn.params["fft_lengths"])
    for i in range(len(shape) - count, len(shape)):
        value = domain.frozen(value, i, shape[i], "goes through fft")
    return [value]


def _dynamic_slice(
    domain: Units, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    value = values[0]
    for i, (before, after) in enumerate(
        zip(eqn.inputs[0].shape, eqn.outputs[0].shape, strict=True)
    ):
        if before != after:
            value = domain.frozen(value, i, after, _LOOKED_UP)
    return [value]


def _dynamic_update_slice(
    domain: Units, eqn: Equation, values: Sequence[Value]
) -> list[Value]:
    operand, update = values[:2]
    domain.spend(operand)
    domain.spend(update)
    sizes = [aval.shape for aval in eqn.inputs[:2]]
    for i, (whole, part) in enumerate(zip(*sizes, strict=True)):
        if whole == part:
            unify(operand.axes[i], update.axes[i])
        else:
            freeze(operand.axes[i], _LOOKED_UP)
            freeze(update.axes[i], _LOOKED_UP)
    return [operand.bare()]


def gather(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    value, indices = values
    numbers, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    shape, before = eqn.outputs[0].shape, eqn.inputs[0].shape
    domain.spend(indices)
    axes = list(new_axes(shape))
    batch = [i for i in range(len(shape)) if i not in numbers.offset_dims]
    # The last axis of the indices says where, the others run over lookups.
    for axis, place in zip(indices.axes[:-1], batch, strict=True):
        axes[place] = axis
    mine, theirs = numbers.operand_batching_dims, numbers.start_indices_batching_dims
    for i, j in zip(mine, theirs, strict=True):
        unify(value.axes[i], indices.axes[j])
    gone = {*numbers.collapsed_slice_dims, *mine}
    kept = [i for i in range(len(sizes)) if i not in gone]
    for i in numbers.collapsed_slice_dims:
        if before[i] > 1:
            freeze(value.axes[i], _LOOKED_UP)
    for i, place in zip(kept, numbers.offset_dims, strict=True):
        if sizes[i] == before[i]:
            axes[place] = value.axes[i]
        else:
            freeze(value.axes[i], _LOOKED_UP)
            axes[place] = new_axis(shape[place], _LOOKED_UP)
    domain.spend(value)
    return [Value(tuple(axes))]


_WINDOWS = "reduce_window reduce_window_max reduce_window_min reduce_window_sum".split()

RULES: dict[str, Rule[Any]] = {
    "concatenate": _concatenate,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "fft": _fft,
    "gather": gather,
    "pad": _pad,
    "slice": _slice,
    "sort": _sort,
    "split": _split,
    "stack": _stack,
    "top_k": _top,
    "unstack": _unstack,
    **dict.fromkeys(_WINDOWS, _window),
}
