"""Rules of contractions, of convolutions and of sums over axes."""

from collections.abc import Sequence
from typing import Any

from ..._inference.walker import Equation, Rule
from .domain import Pair, Units, Use, Value
from .factors import Axis, freeze, new_axes, new_axis, reshape, unify


def dot_general(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (left, right), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    one, other = values
    for i, j in (*zip(left, right, strict=True), *_zip(left_batch, right_batch)):
        unify(one.axes[i], other.axes[j])
    for i, j in zip(left, right, strict=True):
        _contract(domain, one.axes[i], domain.uses_of(one, i, "in"), other, j)
    free = [
        [i for i in range(len(value.axes)) if i not in (*gone, *batch)]
        for value, gone, batch in (
            (one, left, left_batch),
            (other, right, right_batch),
        )
    ]
    for value, kept, batch in (
        (one, free[0], left_batch),
        (other, free[1], right_batch),
    ):
        for i in (*kept, *batch):
            domain.uses += domain.uses_of(value, i, "out")
    axes = [one.axes[i] for i in (*left_batch, *free[0])]
    return [Value((*axes, *(other.axes[j] for j in free[1])))]


def _zip(one: Sequence[int], other: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(one, other, strict=True))


def _contract(
    domain: Units, over: Axis, mine: Sequence[Use], other: Value, axis: int
) -> None:
    """Note who reads: the parameter of the two, if one is."""
    theirs = domain.uses_of(other, axis, "in")
    if mine and theirs:
        domain.pairs.append(Pair(mine[0], theirs[0]))
    elif mine or theirs:
        domain.uses += [*mine, *theirs]
    else:
        domain.sums.append(over)


def convolution(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    data, kernel = values
    numbers, groups = eqn.params["dimension_numbers"], eqn.params["feature_group_count"]
    if eqn.params["batch_group_count"] != 1:
        return domain.unknown(eqn, values)
    batch, channels, *places = numbers.lhs_spec
    outs, ins, *taps = numbers.rhs_spec
    domain.spend(data)
    sizes = eqn.inputs[1].shape
    channel, out = data.axes[channels], kernel.axes[outs]
    if groups > 1:
        group, channel = reshape([channel], (groups, sizes[ins]))
        each, _ = reshape([out], (groups, sizes[outs] // groups))
        unify(group, each)
    unify(channel, kernel.axes[ins])
    reads = domain.uses_of(kernel, ins, "in")
    domain.uses += reads
    if not reads:
        domain.sums.append(channel)
    for i in (outs, *taps):
        domain.uses += domain.uses_of(kernel, i, "out")
    shape = eqn.outputs[0].shape
    axes = list(new_axes(shape))
    axes[numbers.out_spec[0]], axes[numbers.out_spec[1]] = data.axes[batch], out
    for n, (place, tap) in enumerate(zip(places, taps, strict=True)):
        to = numbers.out_spec[2 + n]
        if _pointwise(eqn, n, sizes[tap]):
            axes[to] = data.axes[place]
            continue
        reason = "is a window of a convolution"
        freeze(data.axes[place], reason)
        freeze(kernel.axes[tap], reason)
        axes[to] = new_axis(shape[to], reason)
    return [Value(tuple(axes))]


def _pointwise(eqn: Equation, n: int, taps: int) -> bool:
    """Whether the n-th place of the output sees the same place of the input alone."""
    params = eqn.params
    steps = params["window_strides"][n], params["lhs_dilation"][n]
    return taps == 1 and steps == (1, 1) and tuple(params["padding"][n]) == (0, 0)


def reduction(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    gone = eqn.params["axes"]
    for value in values:
        domain.spend(value)
        for axis in gone:
            if eqn.name in ("argmax", "argmin"):
                freeze(value.axes[axis], f"is told by {eqn.name}")
            elif eqn.name in ("reduce_sum", "reduce_prod"):
                # Copies count twice in them, and not in a maximum.
                domain.sums.append(value.axes[axis])
    kept = [axis for i, axis in enumerate(values[0].axes) if i not in gone]
    return [Value(tuple(kept)) for _ in eqn.outputs]


def cumulative(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values
    domain.spend(value)
    freeze(value.axes[eqn.params["axis"]], f"goes through {eqn.name}")
    return [value.bare()]


_REDUCTIONS = (
    "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or argmax argmin"
).split()
_CUMULATIVE = "cumsum cummax cummin cumprod cumlogsumexp".split()

RULES: dict[str, Rule[Any]] = {
    "conv_general_dilated": convolution,
    "dot_general": dot_general,
    **dict.fromkeys(_REDUCTIONS, reduction),
    **dict.fromkeys(_CUMULATIVE, cumulative),
}
