"""Traced rows and layouts: a spec from a row, and where the two contradict."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from .._layouts.layout import Layout
from .._layouts.registry import call_layouts
from .._parameters.axes import Axes
from .._parameters.spec import ParamSpec, make_spec
from .._tables import count
from .._typing import DTypeLike, Shape
from .lines import class_name
from .row import TracedRow
from .rows import TracedLayouts


# What callers pass for `layouts=`, and what is made of it.
LayoutsLike: TypeAlias = Mapping[type, Mapping[str, Any]] | TracedLayouts | None
Layouts: TypeAlias = Mapping[type, Layout] | TracedLayouts


def layouts_of(told: LayoutsLike) -> Layouts:
    """The `layouts=` of one call: records by class, or facts by path."""
    return told if isinstance(told, TracedLayouts) else call_layouts(told)


def spec_of(row: TracedRow, shape: Shape, dtype: DTypeLike) -> ParamSpec:
    """What the computation says of a parameter, as a layout would."""
    return make_spec(
        shape,
        dtype,
        row.axes,
        fan_in=row.fan_in,
        fan_out=row.fan_out,
        activation=row.activation,
    )


def contradiction(spec: ParamSpec, row: TracedRow) -> str:
    """How a layout and the computation differ, showing both; empty if they agree.

    Names of roles without a fan are policy (a scale, a table, something else), so that
    only kernels and what is none of them differ.
    """
    if row.status != "certain" or spec.axes is None or row.axes is None:
        return ""
    kernels = (spec.role == "kernel", row.role == "kernel")
    same_fan = spec.fan_in is None or row.fan_in in (None, spec.fan_in)
    if kernels == (True, True):
        # Where strides skip taps, these are summed over in one way or in another.
        strided = spec.axes.fans is not None and spec.axes.fans[0] != spec.fan_in
        same_axes = strided or _summed(_told(spec.axes)) == _summed(row.factors)
        agree = same_fan and same_axes
    elif spec.role == row.role == "bias":
        agree = same_fan
    else:
        agree = kernels == (False, False) or spec.role == "other"
    if agree:
        return ""
    return (
        f"its axes are said to be `{spec.axes.text}`{_fan(spec.fan_in)}, and the "
        f"computation says `{row.axes}`{_fan(row.fan_in)}. If that is right, say "
        f'`{_said_anew(row)}`, or `Rule("{row.path}", ..., axes="{row.axes}")`; if it '
        "is not, leave the trace out."
    )


def _said_anew(row: TracedRow) -> str:
    name = class_name(row.owner) or "Layer"
    return f'register_layout({name}, {row.field}="{row.axes}", override=True)'


def _fan(fan_in: Any) -> str:
    return "" if fan_in is None else f" with fan_in {count(fan_in)}"


def _told(axes: Axes) -> list[list[tuple[str, int]]]:
    """The factors that a layout gives to every axis, stacks first."""
    stacks = [[("each", size)] for size in axes.stack]
    grouped = itertools.groupby(axes.factors, key=lambda factor: factor.dim)
    return stacks + [[(f.name, f.size) for f in group] for _, group in grouped]


def _summed(axes: Iterable[Sequence[tuple[str, int]]]) -> list[list[tuple[bool, int]]]:
    """Of every axis, what is summed over and what is not, by size."""
    done: list[list[tuple[bool, int]]] = []
    for axis in axes:
        runs = itertools.groupby(
            (factor for factor in axis if factor[1] > 1),
            key=lambda factor: factor[0] in ("in", "kernel"),
        )
        done.append([(key, math.prod(n for _, n in run)) for key, run in runs])
    return done
