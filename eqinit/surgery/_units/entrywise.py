"""Rules of functions of single entries, and of what moves entries about."""

from collections.abc import Sequence
from typing import Any

from ..._inference import entries
from ..._inference.digits import Dims, plain, reshape as reshape_digits
from ..._inference.walker import Equation, Rule
from .domain import DATA, Units, Value
from .factors import Axis, Factor, freeze, new_axes, new_axis, reshape, unify


# Functions that a factor can be taken out of.
LINEAR = frozenset(
    "neg copy copy_p reduce_precision stop_gradient real imag conj sharding_constraint "
    "convert_element_type".split()
)


def elementwise(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    if eqn.name in LINEAR:
        return [values[0]]
    shape = eqn.outputs[0].shape
    axes = _together(shape, eqn, values)
    kept = _scaled(eqn, values)
    for value in values:
        if value is not kept:
            domain.spend(value)
    if kept is not None and len(kept.axes) == len(shape):
        return [kept._replace(axes=axes)]
    return [Value(axes)]


def _together(
    shape: tuple[int, ...], eqn: Equation, values: Sequence[Value]
) -> tuple[Axis, ...]:
    axes: list[Axis | None] = [None] * len(shape)
    for value, aval in zip(values, eqn.inputs, strict=True):
        for i, axis in enumerate(value.axes):
            if aval.shape[i] != shape[i]:  # of length one, and stretched
                continue
            known = axes[i]
            if known is None:
                axes[i] = axis
            else:
                unify(known, axis)
    pairs = zip(axes, shape, strict=True)
    return tuple(new_axis(n) if axis is None else axis for axis, n in pairs)


def _scaled(eqn: Equation, values: Sequence[Value]) -> Value | None:
    """The parameter that a product is linear in."""
    if eqn.name not in ("mul", "div"):
        return None
    first, second = values
    for one, other in ((first, second), (second, first))[: 1 + (eqn.name == "mul")]:
        if one.origin is not None and not (one.depends | DATA) & other.depends:
            return one
    return None


def _broadcast(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain
    (value,) = values[:1]
    shape, to = eqn.params["shape"], eqn.params["broadcast_dimensions"]
    axes, digits = list(new_axes(shape)), list(plain(shape))
    for i, axis in enumerate(to):
        if eqn.inputs[0].shape[i] == shape[axis]:
            axes[axis] = value.axes[i]
            if value.origin is not None:
                digits[axis] = value.digits[i]
    return [value._replace(axes=tuple(axes), digits=_of(value, digits))]


def _of(value: Value, digits: Sequence[Any]) -> Dims:
    return () if value.origin is None else tuple(digits)


def _reshape(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values[:1]
    shape = eqn.outputs[0].shape
    if eqn.params.get("dimensions") is not None or 0 in shape:
        return domain.unknown(eqn, values)
    digits = None
    if value.origin is not None:
        digits = reshape_digits(value.digits, shape)
        if digits is None:
            domain.spend(value)
    axes = reshape(value.axes, shape)
    if digits is None:
        return [Value(axes)]
    return [value._replace(axes=axes, digits=digits)]


def _transpose(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain
    return [picked(values[0], eqn.params["permutation"])]


def _squeeze(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain
    gone = eqn.params["dimensions"]
    return [picked(values[0], [i for i in range(len(values[0].axes)) if i not in gone])]


def picked(value: Value, order: Sequence[int]) -> Value:
    """Some of the axes, in this order."""
    digits = () if value.origin is None else tuple(value.digits[i] for i in order)
    return value._replace(axes=tuple(value.axes[i] for i in order), digits=digits)


def _tile(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values
    domain.spend(value)
    axes: list[Axis] = []
    for axis, size, n in zip(
        value.axes, eqn.inputs[0].shape, eqn.params["reps"], strict=True
    ):
        inner = Factor(size)
        inner.bound = axis
        axes.append(((Factor(n), inner),) if n > 1 else axis)
    return [Value(tuple(axes))]


def _reverse(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain
    for axis in eqn.params["dimensions"]:
        freeze(values[0].axes[axis], "is read backwards")
    return [values[0]]


def _iota(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain, values
    shape, along = eqn.outputs[0].shape, eqn.params["dimension"]
    axes = list(new_axes(shape))
    axes[along] = new_axis(shape[along], "is a position")
    return [Value(tuple(axes))]


def _random(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    reason = "meets random numbers"
    for value in values:  # the parameters of a distribution
        domain.spend(value)
        for axis in value.axes:
            freeze(axis, reason)
    return [Value(new_axes(out.shape, reason)) for out in eqn.outputs]


def _through(domain: Units, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain, eqn
    return list(values)


_NOISE = (
    "random_bits random_seed random_wrap random_unwrap random_fold_in random_split "
    "random_clone random_gamma threefry2x32 rng_uniform rng_bit_generator"
).split()

RULES: dict[str, Rule[Any]] = {
    **dict.fromkeys(entries.RULES, elementwise),
    **dict.fromkeys(_NOISE, _random),
    "broadcast_in_dim": _broadcast,
    "device_put": _through,
    "expand_dims": _reshape,
    "iota": _iota,
    "optimization_barrier": _through,
    "reshape": _reshape,
    "rev": _reverse,
    "squeeze": _squeeze,
    "tile": _tile,
    "transpose": _transpose,
}
