"""Which layout belongs to which layer type."""

from collections.abc import Callable, Mapping
from typing import Any

from .._typing import Number, checked
from .layout import Layout, make_layout
from .libraries import library_of


_LAYOUTS: dict[type, Layout] = {}

# What is said of a layer and not of one of its fields.
LAYER_FACTS = ("stride", "default_fan", "unit_axis")


@checked
def register_layout(
    cls: type,
    /,
    *,
    stride: str | None = None,
    default_fan: Callable[[Any], Number] | None = None,
    unit_axis: int | str | None = None,
    **fields: Any,
) -> None:
    """Say once what the parameters of a layer type are.

    ```python
    register_layout(MyLinear, w="in out", b="out")
    register_layout(MyCell, w="(gate out) in", b="(gate out)", gate=("i", "f", "o"))
    register_layout(MyNorm, gamma="scale: *feature", feature=1)
    ```

    **Arguments:**

    - `cls`: the layer type; its subclasses share the layout. What is said of a subclass
        adds to that and goes first, and so does what is said of `cls` again.
    - `stride`: name of the field with a transposed convolution's strides.
    - `default_fan`: a function of the layer that returns the fan its constructor
        divides by, where [`eqinit.TorchDefault`][] should use another than fan_in.
    - `unit_axis`: the axis of what one call returns that counts units (features,
        channels), or the field that holds it, for [`eqinit.probe`][] and
        [`eqinit.calibrate`][]. By default the notations tell: a layer with a kernel
        `out in *kernel` returns channels first, one with `*kernel in out` last, and one
        without taps last.
    - `**fields`: the notation of each parameter field (`"out in *kernel"`, a role in
        front where the axes do not tell it: `"scale: *feature"`, and behind a bias the
        kernels that feed it: `"out <- w_x + w_h"`), and the size of each named factor
        or starred name: a number, a tuple of names, a field of the layer, a function.

    **Raises:** `ValueError` for a notation that does not parse.
    """
    known = layout_of(cls)
    said = make_layout(cls, fields, stride, default_fan, unit_axis, known=known)
    before = _registered(cls)
    _LAYOUTS[cls] = said if before is None else said.over(before)


def layout_of(cls: type, layouts: Mapping[type, Layout] | None = None) -> Layout | None:
    """The layout of `cls` and its ancestors; `layouts` of this call come first.

    By the class alone, never by looking at shapes: a look-alike `Linear` may well store
    `(in, out)`. A field that the nearest layout does not name is as an ancestor's says:
    a subclass of `eqx.nn.Linear` with one more kernel is still a `Linear`.
    """
    found: Layout | None = None
    for base in cls.__mro__:
        for layout in ((layouts or {}).get(base), _registered(base)):
            if layout is not None:
                found = layout if found is None else found.over(layout)
    return found


def _registered(cls: type) -> Layout | None:
    return _LAYOUTS[cls] if cls in _LAYOUTS else _library_layout(cls)


def _library_layout(cls: type) -> Layout | None:
    """From the table of its library, which is read when first needed."""
    library = library_of(cls)
    said = None if library is None else library.LAYOUTS.get(cls.__name__)
    if said is None:
        return None
    _LAYOUTS[cls] = _record(cls, said)
    return _LAYOUTS[cls]


def call_layouts(
    layouts: Mapping[type, Mapping[str, Any]] | None,
) -> dict[type, Layout]:
    """Turn the `layouts=` of one call into records."""
    said = layouts or {}
    return {
        cls: _record(cls, fields, known=layout_of(cls)) for cls, fields in said.items()
    }


def _record(cls: type, said: Mapping[str, Any], known: Layout | None = None) -> Layout:
    """A layout from one mapping, as `register_layout` takes its keywords."""
    facts = {name: said[name] for name in LAYER_FACTS if name in said}
    fields = {name: said[name] for name in said if name not in facts}
    return make_layout(cls, fields, known=known, **facts)
