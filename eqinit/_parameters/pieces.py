"""Parts of a parameter, seen as parameters of their own."""

import dataclasses
import math

from .._typing import Number, Shape
from .axes import Axes, Axis
from .spec import ParamSpec


def with_sizes(spec: ParamSpec, sizes: dict[int, int]) -> ParamSpec:
    """The spec with other sizes at some positions of `split_shape`; fans follow.

    As for a layer of its own: half of `out` means half of `fan_out`.
    """
    axes = spec.known_axes
    start = len(axes.stack)
    stack = tuple(sizes.get(i, size) for i, size in enumerate(axes.stack))
    factors = tuple(
        dataclasses.replace(axis, size=sizes.get(i, axis.size))
        for i, axis in enumerate(axes.factors, start)
    )
    resized = Axes(axes.text, stack, factors)
    shape = _shape(resized, len(spec.shape))
    spec = _scaled_fans(spec, axes, resized)
    return dataclasses.replace(spec, shape=shape, axes=resized)


def without(spec: ParamSpec, position: int) -> ParamSpec:
    """The spec of one slice along an independent axis (a gate, a head, a stack).

    Every factor becomes an axis of its own; fans are those of the whole, which such
    axes never enter.
    """
    axes = spec.known_axes
    start = len(axes.stack)
    stack = tuple(size for i, size in enumerate(axes.stack) if i != position)
    rest = [axis for i, axis in enumerate(axes.factors, start) if i != position]
    factors = tuple(
        dataclasses.replace(axis, dim=dim) for dim, axis in enumerate(rest, len(stack))
    )
    sliced = Axes(axes.text, stack, factors)
    return dataclasses.replace(spec, shape=sliced.split_shape, axes=sliced)


def position_of(spec: ParamSpec, name: str) -> int:
    """Where the first factor called `name` stands in `split_shape`."""
    axes = spec.known_axes
    found = axes.positions(name)
    if not found:
        names = sorted({axis.name for axis in axes.factors})
        raise ValueError(
            f"axes `{axes.text}` of {spec.shape} have no `{name}`; they have {names}."
        )
    return found[0]


def gate_labels(spec: ParamSpec) -> tuple[int, tuple[str, ...]]:
    """(position, names) of the axis whose entries are named: the gates."""
    axes = spec.known_axes
    for position, factor in enumerate(axes.factors, len(axes.stack)):
        if factor.labels:
            return position, factor.labels
    raise ValueError(
        f"axes `{axes.text}` of {spec.shape} have no named gates. Name them where the "
        'layout is said: `register_layout(Cell, bias="(gate out)", '
        'sizes={"gate": ("i", "f")})`.'
    )


def _shape(axes: Axes, ndim: int) -> Shape:
    by_dim: dict[int, list[Axis]] = {}
    for axis in axes.factors:
        by_dim.setdefault(axis.dim, []).append(axis)
    inner = tuple(
        math.prod(axis.size for axis in by_dim.get(dim, []))
        for dim in range(len(axes.stack), ndim)
    )
    return axes.stack + inner


def _scaled_fans(spec: ParamSpec, before: Axes, after: Axes) -> ParamSpec:
    fan_in, fan_out = (
        _ratio(fan, before.sizes(name), after.sizes(name))
        for fan, name in ((spec.fan_in, "in"), (spec.fan_out, "out"))
    )
    return dataclasses.replace(spec, fan_in=fan_in, fan_out=fan_out)


def _ratio(fan: Number | None, before: Shape, after: Shape) -> Number | None:
    old, new = math.prod(before), math.prod(after)
    if fan is None or old == new or old == 0:
        return fan
    return fan * new / old
