"""One record per layer type: which leaf is what, and which axes mean what."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from .._parameters.axes import Notation, Size, bind, parse
from .._parameters.spec import ParamSpec, make_spec
from .._typing import DTypeLike, Number, Shape


# A size is a number, the names of the entries, a field of the layer, or a function.
SizeRule: TypeAlias = int | tuple[str, ...] | str | Callable[[Any], int]


@dataclasses.dataclass(frozen=True)
class Layout:
    """What is known of one layer type: all of it, and here alone.

    **Arguments:**

    - `fields`: notation of each parameter field.
    - `sizes`: of named factors and starred names in those notations.
    - `stride`: field of a transposed convolution's strides: each output meets only
        `1/prod(stride)` of the taps.
    - `default_fan`: the fan that the constructor divides by, where it is not fan_in.
    - `unit_axis`: the axis of what one call returns that counts units (features,
        channels), or the field that holds it, where the notations do not tell.
    - `shapes`: from a layer to what its static fields say of each of its arrays: a
        shape (behind any stacks), or `None` where a flag says that it is absent.
    - `repeats`: from a layer to the static fields that repeat those of layers in it.
    - `widths`: the static field that counts the entries of an axis, such as `in`.
    - `kind`: what recipes call it, such as `"norm"`.
    """

    fields: Mapping[str, Notation] = dataclasses.field(default_factory=dict)
    sizes: Mapping[str, SizeRule] = dataclasses.field(default_factory=dict)
    stride: str | None = None
    default_fan: Callable[[Any], Number] | None = None
    unit_axis: int | str | None = None
    shapes: Callable[[Any], Mapping[str, Shape | None]] | None = None
    repeats: Callable[[Any], Mapping[str, Any]] | None = None
    widths: Mapping[str, str] | None = None
    kind: str | None = None

    def spec(
        self,
        layer: Any,
        field: str,
        shape: Shape,
        dtype: DTypeLike,
        siblings: Callable[[str], Sequence[Shape]],
    ) -> ParamSpec:
        """The spec of one field of one layer; `siblings` gives other fields' shapes."""
        notation = self.fields[field]
        sizes = self.sizes_of(layer)
        axes = bind(notation, shape, sizes)
        fans = _scaled(axes.fans, self.taps_share(layer))
        if notation.role == "bias":
            fans = self._bias_fans(layer, notation, siblings)
        fan = self.default_fan
        return make_spec(
            shape,
            dtype,
            notation,
            sizes=sizes,
            fan_in=None if fans is None else fans[0],
            fan_out=None if fans is None else fans[1],
            default_fan=None if fan is None or fans is None else fan(layer),
        )

    def facts(self, layer: Any) -> tuple[Any, ...]:
        """What `spec` reads off the layer itself: equal facts, equal specs."""
        sizes = tuple(self.sizes_of(layer).values())
        fan = None if self.default_fan is None else self.default_fan(layer)
        return sizes, self.taps_share(layer), fan

    def sizes_of(self, layer: Any) -> dict[str, Size]:
        return {name: _resolve(rule, layer) for name, rule in self.sizes.items()}

    def taps_share(self, layer: Any) -> Number:
        return 1.0 if self.stride is None else math.prod(getattr(layer, self.stride))

    def extended(self, fields: Mapping[str, str]) -> "Layout":
        """This layout with some fields said anew (by one rule)."""
        said = {name: parse(text) for name, text in fields.items()}
        return dataclasses.replace(self, fields={**self.fields, **said})

    def over(self, other: "Layout") -> "Layout":
        """This layout, and `other` for what it does not say."""
        own = {
            name: getattr(self, name)
            for name in FACTS
            if getattr(self, name) is not None
        }
        own["sizes"] = {**other.sizes, **self.sizes}
        fields = {**other.fields, **self.fields}
        return dataclasses.replace(other, fields=fields, **own)

    @property
    def names(self) -> frozenset[str]:
        """The names that its notations use."""
        return frozenset(n for notation in self.fields.values() for n in notation.names)

    @functools.cached_property
    def kernels(self) -> tuple[str, ...]:
        """The fields that hold kernels."""
        return tuple(name for name, n in self.fields.items() if n.role == "kernel")

    def output_axis(self, layer: Any) -> int:
        """The axis of what one call of `layer` returns that counts its units.

        Where it is not said: a bias is added to the output, so its axes are the last
        ones of that, `(out, 1, 1)` of an image. A kernel's taps stand beside its `out`
        as positions stand beside units in the output: `out in *kernel` returns channels
        first, `*kernel in out` channels last.
        """
        if isinstance(self.unit_axis, str):
            return getattr(layer, self.unit_axis)
        if self.unit_axis is not None:
            return self.unit_axis
        behind = [self._taps_behind(layer, name) for name in self.fields]
        return -1 - max(behind, default=0)

    def _taps_behind(self, layer: Any, field: str) -> int:
        """How many axes called `kernel` stand behind the `out` of one field."""
        axes = [{token.name for token in axis} for axis in self.fields[field].axes]
        if not any("out" in names for names in axes):
            return 0
        last = max(i for i, names in enumerate(axes) if "out" in names)
        taps = sum(names == {"kernel"} for names in axes[last:])
        starred = any(axis[0].star for axis in self.fields[field].axes[last:])
        return taps - 1 + self._rank(layer, field) if starred and taps else taps

    def _rank(self, layer: Any, field: str) -> int:
        """How many axes the starred name of one field stands for."""
        size = self.sizes_of(layer).get("kernel")
        if isinstance(size, int):
            return size
        # As `bind` reads it: without a layer to ask, the star takes what is left.
        shape = getattr(getattr(layer, field, None), "shape", ())
        return max(0, len(shape) + 1 - len(self.fields[field].axes))

    def _bias_fans(
        self, layer: Any, notation: Notation, siblings: Callable[[str], Sequence[Shape]]
    ) -> tuple[Number, Number] | None:
        """Fan_in adds up over the kernels that feed a bias; fan_out is theirs."""
        feeders = notation.fed_by or self.kernels
        # Several kernels and nobody said which: no fan rather than a guess.
        if len(feeders) > 1 and not notation.fed_by:
            return None
        fans = [
            self._kernel_fans(layer, name, shape)
            for name in feeders
            for shape in siblings(name)
        ]
        known = [fan for fan in fans if fan is not None]
        if not known or len(known) < len(fans):
            return None
        return sum(fan[0] for fan in known), known[0][1]

    def _kernel_fans(
        self, layer: Any, field: str, shape: Shape
    ) -> tuple[Number, Number] | None:
        axes = bind(self.fields[field], shape, self.sizes_of(layer))
        return _scaled(axes.fans, self.taps_share(layer))


def _scaled(
    fans: tuple[int, int] | None, share: Number
) -> tuple[Number, Number] | None:
    # Only fan_in shrinks: an input of a transposed convolution reaches every tap.
    return (
        None if fans is None else (fans[0] / share if share != 1 else fans[0], fans[1])
    )


def _resolve(rule: SizeRule, layer: Any) -> Size:
    if isinstance(rule, str):
        return getattr(layer, rule)
    return rule(layer) if callable(rule) else rule


# What is said of a layer as a whole, by the name of the argument that says it.
FACTS = tuple(f.name for f in dataclasses.fields(Layout) if f.name != "fields")
