"""Which fields of schemes are leaves: what a transformation may trace."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import equinox as eqx
import jax
import pytest

import eqinit as ei


SPACES = [
    importlib.import_module(f"eqinit.{module.name}")
    for module in pkgutil.iter_modules(ei.__path__)
    if not module.name.startswith("_")
]
SCHEMES = {
    name: cls
    for space in (ei, *SPACES)
    for name in getattr(space, "__all__", vars(space))
    if isinstance(cls := getattr(space, name), type)
    and issubclass(cls, ei.AbstractInitializer)
}


def _parts(hint: Any) -> Iterator[Any]:
    """A type and all that it is made of."""
    yield hint
    for part in get_args(hint):
        yield from _parts(part)


@pytest.mark.parametrize("name", SCHEMES)
def test_what_decides_a_program_is_no_leaf(name: str):
    """Words, flags and counts are static; numbers that may be arrays need not be."""
    hints = get_type_hints(SCHEMES[name])
    for field in dataclasses.fields(SCHEMES[name]):
        classes = [part for part in _parts(hints[field.name]) if isinstance(part, type)]
        data = any(issubclass(one, (jax.Array, eqx.Module)) for one in classes)
        assert data or field.metadata.get("static"), field.name
