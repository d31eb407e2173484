"""The static fields of layers that repeat what their arrays say."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .._layouts.registry import layout_of
from .._typing import Shape


def wanted(layer: Any) -> Mapping[str, Shape | None]:
    """What each array of a layer must look like behind any stacks.

    A shape, or `None` where its flags say that it is absent; empty where unknown.
    """
    layout = layout_of(type(layer))
    return {} if layout is None or layout.shapes is None else layout.shapes(layer)


def repeats(layer: Any) -> Mapping[str, Any]:
    """What static fields of a layer must be to repeat those of the layers in it."""
    layout = layout_of(type(layer))
    return {} if layout is None or layout.repeats is None else layout.repeats(layer)


def width_field(layer: Any, axis: str) -> str:
    """The static field of a layer that counts the entries of an axis."""
    layout = layout_of(type(layer))
    if layout is None or layout.widths is None or axis not in layout.widths:
        raise TypeError(
            f"no field of {type(layer).__name__} is known to count its axis `{axis}`."
        )
    return layout.widths[axis]


def inconsistent(layer: Any) -> list[str]:
    """Where the arrays of a layer differ from what its static fields say."""
    found: list[str] = []
    for field, shape in wanted(layer).items():
        array = getattr(layer, field)
        got = getattr(array, "shape", None)
        if array is None and shape is not None:
            found.append(f"`{field}` is None, and its flags ask for {list(shape)}")
        elif array is not None and shape is None:
            # Linear would use it; convolutions and cells ignore it, silently.
            found.append(f"`{field}` is set, and its flags say that there is none")
        elif got is not None and shape is not None and not _ends_with(got, shape):
            found.append(f"`{field}` is {list(got)}, its fields ask for {list(shape)}")
    return found


def _ends_with(got: Shape, shape: Shape) -> bool:
    return len(got) >= len(shape) and got[len(got) - len(shape) :] == shape


def replace_fields(module: Any, **values: Any) -> Any:
    """A copy of a module with some fields, static ones included, set anew."""
    # What `tree_unflatten` does for a module: neither `__init__` nor conversions run.
    copy = object.__new__(type(module))
    for field in dataclasses.fields(module):
        if field.name in values or hasattr(module, field.name):
            value = values.get(field.name, getattr(module, field.name, None))
            object.__setattr__(copy, field.name, value)
    return copy
