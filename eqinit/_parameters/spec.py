"""What an initializer is told of one parameter."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from .._tables import short_dtype
from .._typing import DTypeLike, Number, RoleName, Shape
from .axes import Axes, Notation, Size, bind, parse


@dataclasses.dataclass(frozen=True)
class ParamSpec:
    """Everything an initializer sees of one parameter: static, hashable, no path.

    **Arguments:**

    - `shape`, `dtype`: of the array to draw.
    - `axes`: the meaning of its axes, or `None` where nobody has said it.
    - `fan_in`, `fan_out`: connections into one output and out of one input; for a
        bias those of the kernels that feed it. `None` where there are none.
    - `role`: `kernel`, `bias`, `scale`, `embedding` or `other`.
    - `default_fan`: the fan that the layer's own constructor divides by, where that
        differs from `fan_in` (recurrent cells use the hidden size for every leaf).
    - `activation`: of a kernel, the function that its output goes through, where a
        trace has seen it ([`eqinit.trace_layouts`][]).
    """

    shape: Shape
    dtype: np.dtype[Any]
    axes: Axes | None = None
    fan_in: Number | None = None
    fan_out: Number | None = None
    role: RoleName = "other"
    default_fan: Number | None = None
    activation: str | None = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def is_complex(self) -> bool:
        return bool(jnp.issubdtype(self.dtype, jnp.complexfloating))

    @property
    def draw_dtype(self) -> np.dtype[Any]:
        """The dtype that numbers are drawn in: float32 or wider, then cast."""
        if self.is_complex:
            return self.dtype
        return np.dtype(np.float64 if self.dtype == np.float64 else np.float32)

    @property
    def real_dtype(self) -> np.dtype[Any]:
        """The real dtype of the same width as `draw_dtype`."""
        wide = self.dtype in (np.dtype(np.float64), np.dtype(np.complex128))
        return np.dtype(np.float64 if wide else np.float32)

    @property
    def pair_size(self) -> int:
        """How many stored numbers make one weight: 2 along a real/imaginary axis."""
        return math.prod(self.axes.sizes("pair")) if self.axes is not None else 1

    @property
    def known_axes(self) -> Axes:
        """`axes`, or an error that says how to give them: never guessed."""
        if self.axes is None:
            raise ValueError(_no_axes(self.shape))
        return self.axes

    def fan(self, mode: str) -> Number:
        """`fan_in`, or whichever `mode` asks for; a fan of zero counts as one."""
        if self.fan_in is None or (self.fan_out is None and mode != "fan_in"):
            raise ValueError(no_fan(self, mode))
        # A zero-size axis leaves nothing to scale (and `x / 0` is no way to say it).
        return FAN_MODES[mode](self.fan_in, self.fan_out or 0.0) or 1.0


class Override(NamedTuple):
    """What a rule says of a parameter instead of its layout.

    - `axes`: a notation for the field at hand, or one per field.
    - `fan_in`, `fan_out`: connections.
    """

    axes: str | tuple[tuple[str, str], ...] | None = None
    fan_in: Number | None = None
    fan_out: Number | None = None


def _in(fan_in: Number, fan_out: Number) -> Number:
    del fan_out  # so that a bias, which may know its fan_in alone, has this mode
    return fan_in


FAN_MODES = {
    "fan_in": _in,
    "fan_out": lambda i, o: o,
    "fan_avg": lambda i, o: (i + o) / 2,
    "fan_geo_avg": lambda i, o: (i * o) ** 0.5,
    "fan_sum": lambda i, o: i + o,
    "fan_min": min,
    "fan_max": max,
}


# What a plan replaces by the layer and field at hand, which a spec does not know.
EXAMPLE_LAYOUT = 'register_layout(Layer, field="out in")'


def no_fan(spec: ParamSpec, mode: str = "fan_in") -> str:
    """Why there is no fan, and the three ways to give one."""
    what = "parameter" if spec.role == "other" else spec.role
    what += f" of shape {spec.shape}"
    why = "its layout is unknown" if spec.axes is None else f"axes `{spec.axes.text}`"
    fans = "`fan_in=...`" if mode == "fan_in" else "`fan_in=...` and `fan_out=...`"
    if len(spec.shape) < 2:  # no notation makes a matrix of it
        ways = f"Pass {fans}"
    else:
        ways = f'Give it one with `{EXAMPLE_LAYOUT}`, `axes="out in"` or {fans}'
    return (
        f"a scheme scaled by {mode} needs a fan, and this {what} has none ({why}). "
        f"{ways}; or use a scheme without a fan, such as `Normal(0.02)`."
    )


def _no_axes(shape: Shape) -> str:
    if not shape:
        return "this scheme asks what axes mean, and a scalar has none."
    if len(shape) == 1:
        return (
            f"this scheme needs to know what the axis of {shape} means: a layout says "
            'it, such as `register_layout(Cell, bias="(gate=4 out)")`.'
        )
    return (
        f"this scheme needs to know which axes of {shape} are in and out: "
        'pass `axes="out in"` (or register_layout, or `Rule(..., axes=)`).'
    )


def make_spec(
    shape: Shape,
    dtype: DTypeLike,
    notation: str | Notation | None = None,
    *,
    sizes: Mapping[str, Size] = {},
    fan_in: Number | None = None,
    fan_out: Number | None = None,
    role: RoleName | None = None,
    default_fan: Number | None = None,
    activation: str | None = None,
) -> ParamSpec:
    """Build a spec, with fans from the notation where they are not given."""
    notation = parse(notation) if isinstance(notation, str) else notation
    axes = None if notation is None else bind(notation, shape, sizes)
    fans = axes.fans if axes is not None else None
    if fans is not None:
        fan_in = fans[0] if fan_in is None else fan_in
        fan_out = fans[1] if fan_out is None else fan_out
    if role is None:
        role = "other" if notation is None else notation.role
    dtype = np.dtype(dtype)
    fans = fan_in, fan_out
    return ParamSpec(shape, dtype, axes, *fans, role, default_fan, activation)


def describe(spec: ParamSpec) -> str:
    """`f32[128,64]  kernel`."""
    shape = ",".join(str(n) for n in spec.shape)
    return f"{short_dtype(spec.dtype)}[{shape}]  {spec.role}"
