"""Which layout belongs to which layer type."""

from collections.abc import Callable, Mapping
from typing import Any

from .._registry import Registry, agree
from .._typing import Number, Shape, checked
from .layout import FACTS, Layout, SizeRule
from .libraries import library_of
from .said import checked_layout, make_layout


def _of_its_library(cls: type) -> Layout | None:
    """From the table of its library, which is read when first needed."""
    library = library_of(cls)
    said = None if library is None else library.LAYOUTS.get(cls.__name__)
    return None if said is None else make_layout(said)


_LAYOUTS: Registry[type, Layout] = Registry(_of_its_library)


@checked
def register_layout(
    cls: type,
    /,
    *,
    sizes: Mapping[str, SizeRule] | None = None,
    stride: str | None = None,
    default_fan: Callable[[Any], Number] | None = None,
    unit_axis: int | str | None = None,
    shapes: Callable[[Any], Mapping[str, Shape | None]] | None = None,
    repeats: Callable[[Any], Mapping[str, Any]] | None = None,
    override: bool = False,
    **fields: Any,
) -> None:
    """Say once what the parameters of a layer type are.

    ```python
    register_layout(MyLinear, w="in out", b="out")
    register_layout(MyCell, w="(gate out) in", sizes={"gate": ("i", "f", "o")})
    register_layout(MyNorm, gamma="scale: *feature", sizes={"feature": 1})
    ```

    **Arguments:**

    - `cls`: the layer type; its subclasses share the layout. What is said of a subclass
        adds to that and goes first.
    - `**fields`: the notation of each parameter field (`"out in *kernel"`, a role in
        front where the axes do not tell it: `"scale: *feature"`, and behind a bias the
        kernels that feed it: `"out <- w_x + w_h"`).
    - `sizes`: the size of each named factor or starred name in these: a number, a tuple
        of names, a field of the layer, a function of it.
    - `stride`: name of the field with a transposed convolution's strides.
    - `default_fan`: a function of the layer that returns the fan its constructor
        divides by, where [`eqinit.TorchDefault`][] should use another than fan_in.
    - `unit_axis`: the axis of what one call returns that counts units (features,
        channels), or the field that holds it, for [`eqinit.probe`][] and
        [`eqinit.calibrate`][]. By default the notations tell: a layer with a kernel
        `out in *kernel` returns channels first, one with `*kernel in out` last, and one
        without taps last.
    - `shapes`: a function of the layer that returns what its static fields say of its
        arrays, by field: a shape, or `None` for one that a flag such as `use_bias`
        leaves out. Surgery keeps the two in step.
    - `repeats`: a function of the layer that returns the static fields, by name, that
        repeat those of layers in it.
    - `override`: replace what somebody else has said of this class.

    **Raises:** `ValueError` for a notation that does not parse, for names that the
    class does not have, and where it contradicts what has been said of the class
    before, by eqinit or by another call.
    """
    facts = {
        "sizes": sizes,
        "stride": stride,
        "default_fan": default_fan,
        "unit_axis": unit_axis,
        "shapes": shapes,
        "repeats": repeats,
    }
    said = {**fields, **{k: v for k, v in facts.items() if v is not None}}
    layout = checked_layout(cls, said, layout_of(cls))
    before = _LAYOUTS.get(cls)
    _LAYOUTS.add(
        cls,
        layout if before is None else layout.over(before),
        call=f"register_layout({cls.__name__})",
        override=override,
        differs=lambda known: _difference(layout, known),
    )


def _difference(layout: Layout, known: Layout) -> str:
    """Where a layout contradicts another; what it adds is no contradiction."""
    for name, notation in layout.fields.items():
        if name in known.fields and notation.text != known.fields[name].text:
            return f"`{name}` is `{notation.text}` and was `{known.fields[name].text}`"
    for name, size in layout.sizes.items():
        if name in known.sizes and not agree(size, known.sizes[name]):
            return f"the size of `{name}` is {size!r} and was {known.sizes[name]!r}"
    for name in FACTS:
        new, old = getattr(layout, name), getattr(known, name)
        if name != "sizes" and None not in (new, old) and not agree(new, old):
            return f"`{name}` is {new!r} and was {old!r}"
    return ""


def layout_of(cls: type, layouts: Mapping[type, Layout] | None = None) -> Layout | None:
    """The layout of `cls` and its ancestors; `layouts` of this call come first.

    By the class alone, never by looking at shapes: a look-alike `Linear` may well store
    `(in, out)`. A field that the nearest layout does not name is as an ancestor's says:
    a subclass of `eqx.nn.Linear` with one more kernel is still a `Linear`.
    """
    found: Layout | None = None
    for base in cls.__mro__:
        for layout in ((layouts or {}).get(base), _LAYOUTS.get(base)):
            if layout is not None:
                found = layout if found is None else found.over(layout)
    return found


def call_layouts(
    layouts: Mapping[type, Mapping[str, Any]] | None,
) -> dict[type, Layout]:
    """Turn the `layouts=` of one call into records."""
    return {
        cls: checked_layout(cls, fields, layout_of(cls))
        for cls, fields in (layouts or {}).items()
    }
