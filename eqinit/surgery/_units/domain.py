"""Which axes of the arrays of a program run over the same units."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from ..._inference.digits import Digit, Dims, whole
from ..._inference.walker import AbstractDomain, Equation, Place, Rule
from ..._typing import Shape
from .factors import Axis, freeze, new_axes, new_axis, unify
from .layers import Loops


# What a parameter does along an axis: `in` is read by a sum, `out` is any other use.
Way: TypeAlias = Literal["in", "out"]

# The bit of what depends on data.
DATA = 1

# Larger constants are not looked at.
_MOST_ENTRIES = 1 << 20


class Value(NamedTuple):
    """An array of the traced program.

    - `axes`: what each of its axes runs over.
    - `origin`: the parameter whose entries these are, moved about, and multiplied by
        what does not depend on it.
    - `digits`: of that parameter, to know its axes by.
    - `depends`: one bit for each parameter that it depends on, and one for data.
    """

    axes: tuple[Axis, ...]
    origin: int | None = None
    digits: Dims = ()
    depends: int = 0

    def bare(self) -> "Value":
        """The same, as entries of no parameter."""
        return Value(self.axes, depends=self.depends)


class Use(NamedTuple):
    """One use of a parameter, along one of its axes."""

    parameter: int
    axis: int
    over: Axis
    way: Way


class Pair(NamedTuple):
    """Two parameters that were contracted with each other: one of them reads."""

    one: Use
    other: Use


class Units(AbstractDomain[Value]):
    """What is known of the axes of each array.

    - `uses`: of every parameter, along each of its axes.
    - `pairs`: contractions of two parameters.
    - `sums`: axes that sums other than those of kernels run over.
    - `loops`: what is inside of them, and what is not.
    """

    def __init__(self, rules: Mapping[str, Rule[Any]]) -> None:
        self.rules = rules
        self.uses: list[Use] = []
        self.pairs: list[Pair] = []
        self.sums: list[Axis] = []
        self.loops = Loops()

    def parameter(self, number: int, shape: Shape) -> Value:
        return Value(new_axes(shape), number, whole(shape), 2 << number)

    def data(self, shape: Shape) -> Value:
        return Value(new_axes(shape, "is an input of the call"), depends=DATA)

    def constant(self, value: Any) -> Value:
        shape = tuple(np.shape(value))
        if not shape:
            return Value(())
        if 0 in shape or np.prod(shape) > _MOST_ENTRIES or not _is_plain(value):
            return Value(new_axes(shape, "meets a constant array"))
        array = np.asarray(value)
        axes = [
            new_axis(n, "" if _uniform(array, i) else "meets a constant array")
            for i, n in enumerate(shape)
        ]
        return Value(tuple(axes))

    def unknown(self, eqn: Equation, values: Sequence[Value]) -> list[Value]:
        reason = f"goes through {eqn.name}"
        for value in values:
            self.spend(value)
            for axis in value.axes:
                freeze(axis, reason)
        depends = union(values)
        return [
            Value(new_axes(out.shape, reason), depends=depends) for out in eqn.outputs
        ]

    def join(self, one: Value, other: Value) -> Value:
        for a, b in zip(one.axes, other.axes, strict=True):
            unify(a, b)
        if (one.origin, one.digits) == (other.origin, other.digits):
            return one._replace(depends=one.depends | other.depends)
        self.spend(one)
        self.spend(other)
        return Value(one.axes, depends=one.depends | other.depends)

    def begin_round(self, place: Place, number: int, length: int | None) -> None:
        del number, length
        self.loops.begin(place)

    def carried(self, before: Value, after: Value) -> Value:
        self.loops.shared += [*before.axes, *after.axes]
        return self.join(before, after)

    def settled(self, before: Sequence[Value], after: Sequence[Value]) -> bool:
        # Axes are known in all rounds at once; that a carry is no longer a parameter
        # shows in the round after.
        pairs = zip(before, after, strict=True)
        return all((a.origin, a.depends) == (b.origin, b.depends) for a, b in pairs)

    def row(self, value: Value, index: int) -> Value:
        del index
        freeze(value.axes[0], "is looped over")
        if value.origin is not None and [d.axis for d in value.digits[0]] == [0]:
            self.loops.row(value.origin)
        return value._replace(axes=value.axes[1:], digits=value.digits[1:])

    def stacked(self, rows: Sequence[Value], length: int) -> Value:
        self.spend(rows[-1])
        self.loops.shared += [axis for row in rows for axis in row.axes]
        lead = new_axis(length, "is looped over")
        return Value((lead, *rows[-1].axes), depends=union(rows))

    # What rules ask.

    def spend(self, value: Value) -> None:
        """A parameter is used, and not read by a sum."""
        for i in range(len(value.axes)):
            self.uses += self.uses_of(value, i, "out")

    def uses_of(self, value: Value, axis: int, way: Way) -> list[Use]:
        """A use of a parameter along one axis of the array that shows it."""
        if value.origin is None:
            return []
        over = value.axes[axis]
        digits = value.digits[axis]
        return [Use(value.origin, d.axis, over, way) for d in digits if d.axis >= 0]

    def replaced(self, value: Value, axis: int, by: Axis, size: int) -> Value:
        """An array after one of its axes became another, of this length."""
        axes = (*value.axes[:axis], by, *value.axes[axis + 1 :])
        if value.origin is None:
            return value._replace(axes=axes)
        mine = {digit.axis for digit in value.digits[axis]}
        if len(mine) > 1:
            self.spend(value)
            return Value(axes, depends=value.depends)
        new = tuple(Digit(i, size) for i in mine if size != 1)
        digits = (*value.digits[:axis], new, *value.digits[axis + 1 :])
        return value._replace(axes=axes, digits=digits)

    def frozen(self, value: Value, axis: int, size: int, reason: str) -> Value:
        """An array after units along one of its axes were told from each other."""
        freeze(value.axes[axis], reason)
        return self.replaced(value, axis, new_axis(size, reason), size)


def union(values: Sequence[Value]) -> int:
    total = 0
    for value in values:
        total |= value.depends
    return total


def _is_plain(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind in "biufc"
    except TypeError:  # keys, and what is traced
        return False


def _uniform(array: Any, axis: int) -> bool:
    return bool((array == array.take([0], axis)).all())
