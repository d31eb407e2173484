"""What an argument takes, read off its annotation: schemes by name, plain strings."""

import collections.abc
import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from .._schemes.initializer import AbstractInitializer


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a place in a config takes.

    - `strings`: text that means itself.
    - `schemes`: initializers, which may be written by their names alone.
    - `dicts`: dicts that are no instances, such as initializers by field.
    - `only_strings`: whether nothing else will do.
    - `free`: whether that says nothing of what is in its lists and dicts.
    """

    strings: bool = True
    schemes: bool = False
    dicts: bool = True
    only_strings: bool = False
    free: bool = False

    @property
    def within(self) -> "Wanted":
        """What the entries of a list or a dict in this place are."""
        return ANYTHING if self.free else self


ANYTHING = Wanted()
# What `from_config` is called with: one initializer, or whatever has some in it.
TOP = Wanted(strings=False, schemes=True, free=True)


@functools.lru_cache(maxsize=1024)
def wanted_by(build: Callable[..., Any]) -> Mapping[str, Wanted]:
    """By argument; `**` for those that have no name of their own."""
    parameters = inspect.signature(build).parameters.values()
    return {
        "**" if p.kind is p.VAR_KEYWORD else p.name: _wanted(p.annotation)
        for p in parameters
    }


def _wanted(annotation: Any) -> Wanted:
    leaves = list(_leaves(annotation))
    open_ended = any(leaf in (Any, object, inspect.Parameter.empty) for leaf in leaves)
    if open_ended or not all(isinstance(leaf, type) for leaf in leaves):
        return ANYTHING
    return Wanted(
        strings=str in leaves,
        schemes=any(issubclass(leaf, AbstractInitializer) for leaf in leaves),
        dicts=any(issubclass(leaf, Mapping) for leaf in leaves),
        only_strings=set(leaves) <= {str, types.NoneType},
    )


def _leaves(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        yield from _leaves(arguments[0])
    elif origin is Literal:
        yield from (type(value) for value in arguments)
    elif origin in (types.UnionType, typing.Union):
        for argument in arguments:
            yield from _leaves(argument)
    elif origin is collections.abc.Callable:
        yield types.FunctionType
    elif isinstance(origin, type):
        yield origin
        # Not those of arrays, which are shapes and dtypes.
        entries = arguments if issubclass(origin, (list, tuple, Sequence)) else ()
        entries = arguments[-1:] if issubclass(origin, Mapping) else entries
        for argument in entries:
            yield from () if argument is ... else _leaves(argument)
    else:
        yield annotation
