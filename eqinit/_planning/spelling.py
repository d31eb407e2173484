"""Initializers and rules in one line, as they are written."""

import dataclasses
import re
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._tables import number


# Where an object is says nothing, and is another place in every process.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def spelled(init: Any, most: int | None = 60) -> str:
    """An initializer in one line: fields at their defaults are left out.

    With `most`, its numbers are rounded, and what is longer is cut. A function of the
    site is called by its name.
    """
    cls = type(init)
    if not isinstance(init, eqx.Module):
        return getattr(init, "__qualname__", _ADDRESS.sub("", repr(init)))
    if cls.__repr__ is not eqx.Module.__repr__:
        return repr(init)
    fields = [
        f"{f.name}={_value(getattr(init, f.name), rounded=most is not None)}"
        for f in dataclasses.fields(init)
        if not _is_default(getattr(init, f.name), f.default)
    ]
    text = " ".join(f"{cls.__name__}({', '.join(fields)})".split())
    return text if most is None or len(text) <= most else f"{text[: most - 3]}..."


def _value(value: Any, *, rounded: bool) -> str:
    if rounded and isinstance(value, float) and len(repr(value)) > 6:
        return number(value)
    if callable(value) and not isinstance(value, eqx.Module):
        return getattr(value, "__name__", _ADDRESS.sub("", repr(value)))
    return _ADDRESS.sub("", eqx.tree_pformat(value, width=40))


def _is_default(value: Any, default: Any) -> bool:
    if isinstance(value, (jax.Array, np.ndarray)):
        return False
    return type(value) is type(default) and value == default
