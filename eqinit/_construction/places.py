"""Where a function can keep something: its globals, closures, objects and classes."""

import functools
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from .._memo import Memo


class Place(NamedTuple):
    """Something that can be changed: what is in it now, and how to put that back."""

    read: Callable[[], Mapping[Any, Any]]
    write: Callable[[Mapping[Any, Any]], None]

    def is_as(self, before: Mapping[Any, Any]) -> bool:
        """Whether it holds the very same things."""
        now = self.read()
        return list(now) == list(before) and all(now[k] is before[k] for k in now)


def places(make: Callable[..., Any]) -> Iterator[Place]:
    """All that can be reached from a function, as far as Python shows it.

    What is nearest comes first; after some thousand objects it is enough.
    """
    seen: Memo[None] = Memo()
    todo: deque[Any] = deque([make])
    while todo and len(seen) < _MOST:
        node = todo.popleft()
        # By its class: `isinstance` runs code of strangers, which proxies have.
        if (node,) in seen or issubclass(type(node), _OPAQUE):
            continue
        seen.put((node,), None)
        for place, held in _looked_into(node):
            todo.extend(held)
            if place is not None:
                yield place


_MOST = 5_000  # nodes to look at, at 10 us each; and
_LONGEST = 1_000  # things in one of them
_OPAQUE = (
    *(str, bytes, int, float, complex, type(None), types.ModuleType, types.CodeType),
    *(np.ndarray, np.generic, np.dtype, jax.Array, jax.ShapeDtypeStruct),
)
# They keep no generators of keys, and are much to look through.
_OTHERS = sys.stdlib_module_names.union(
    ("jax", "jaxlib", "numpy", "equinox", "jaxtyping", "beartype", "eqinit")
)

_Found = Iterator[tuple[Place | None, Iterable[Any]]]


def _looked_into(node: Any) -> _Found:
    try:
        return iter(list(_in(node)))
    except Exception:  # asking for an attribute runs code of strangers
        return iter(())


def _in(node: Any) -> _Found:
    """The places that a node has itself, and what it holds."""
    if isinstance(node, types.FunctionType):
        yield from _in_function(node)
    elif isinstance(node, type):
        yield from _in_class(node)
    elif isinstance(node, types.MethodType):
        yield None, (node.__self__, node.__func__)
    elif isinstance(node, functools.partial):
        yield None, (node.func, node.args, node.keywords)
    elif isinstance(node, dict):
        yield from _in_items(_dict_place(node), node.values())
    elif isinstance(node, list | deque):
        yield from _in_items(_list_place(node), node)
    elif isinstance(node, set):
        yield from _in_items(_set_place(node), node)
    elif isinstance(node, tuple | frozenset):
        yield from _in_items(None, node)
    elif isinstance(node, staticmethod | classmethod):
        yield None, (node.__func__,)
    elif isinstance(node, property):
        yield None, (node.fget,)
    else:
        yield from _in_object(node)


def _in_items(place: Place | None, items: Any) -> _Found:
    if len(items) <= _LONGEST:
        yield place, list(items)


def _in_function(function: types.FunctionType) -> _Found:
    names = set(_names(function.__code__))
    for cell in function.__closure__ or ():
        place = _cell_place(cell)
        yield place, place.read().values()
        yield from _in_modules(place.read().values(), names)
    yield None, (function.__defaults__, function.__kwdefaults__)
    yield _dict_place(function.__dict__), function.__dict__.values()
    if not _is_others(function.__module__):
        yield from _in_names(function.__globals__, names)


def _in_names(space: dict[str, Any], names: set[str]) -> _Found:
    """In what code names of a module, and in the modules among that."""
    place = _dict_place(space, names)
    held = place.read()
    yield place, held.values()
    yield from _in_modules(held.values(), names - held.keys())


def _in_modules(values: Iterable[Any], names: set[str]) -> _Found:
    # Attributes are names of the code as well: `rng.KEY` has `rng` and `KEY`.
    for value in values:
        if isinstance(value, types.ModuleType) and not _is_others(value.__name__):
            yield from _in_names(value.__dict__, names)


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _names(const)


def _in_class(cls: type) -> _Found:
    if not _is_others(cls.__module__):
        yield _class_place(cls), list(vars(cls).values())
        yield None, cls.__bases__


def _in_object(node: Any) -> _Found:
    cls = type(node)
    root = cls.__module__.partition(".")[0]
    yield None, (getattr(node, "__wrapped__", None),)  # of jitted functions too
    if root in ("jax", "jaxlib", "numpy"):
        return
    own = not _is_others(root) or isinstance(node, threading.local)
    held = getattr(node, "__dict__", None)
    if isinstance(held, dict):
        mutable = own and not isinstance(node, eqx.Module)
        yield _dict_place(held) if mutable else None, list(held.values())
    slots = [s for c in cls.__mro__ for s in _slots(c) if hasattr(node, s)]
    if slots:
        place = _slots_place(node, slots)
        yield place if own else None, place.read().values()
    yield None, (cls,)


def _slots(cls: type) -> Iterable[str]:
    slots = vars(cls).get("__slots__", ())
    named = (slots,) if isinstance(slots, str) else tuple(slots)
    return [s for s in named if s not in ("__dict__", "__weakref__")]


def _is_others(module: str | None) -> bool:
    # A user's own script is `__main__`, which the standard library has as well.
    root = (module or "").partition(".")[0]
    return root in _OTHERS and root != "__main__"


def _dict_place(space: dict[Any, Any], names: set[str] | None = None) -> Place:
    """A dict, or some names in it."""

    def read() -> dict[Any, Any]:
        if names is None:
            return dict(space)
        return {name: space[name] for name in sorted(names) if name in space}

    def write(before: Mapping[Any, Any]) -> None:
        for name in read().keys() - before.keys():
            del space[name]
        space.update(before)

    return Place(read, write)


def _list_place(items: "list[Any] | deque[Any]") -> Place:
    def write(before: Mapping[Any, Any]) -> None:
        items.clear()
        items.extend(before.values())

    return Place(lambda: dict(enumerate(items)), write)


def _set_place(items: set[Any]) -> Place:
    def write(before: Mapping[Any, Any]) -> None:
        items.clear()
        items.update(before)

    return Place(lambda: {item: item for item in items}, write)


def _cell_place(cell: types.CellType) -> Place:
    def read() -> dict[str, Any]:
        try:
            return {"": cell.cell_contents}
        except ValueError:
            return {}  # empty: a name that is not assigned yet

    def write(before: Mapping[Any, Any]) -> None:
        if before:
            cell.cell_contents = before[""]
        else:
            del cell.cell_contents

    return Place(read, write)


def _class_place(cls: type) -> Place:
    def write(before: Mapping[Any, Any]) -> None:
        now = vars(cls)
        for name in now.keys() - before.keys():
            delattr(cls, name)
        for name, value in before.items():
            if now.get(name) is not value:
                setattr(cls, name, value)

    return Place(lambda: dict(vars(cls)), write)


def _slots_place(node: Any, slots: list[str]) -> Place:
    def write(before: Mapping[Any, Any]) -> None:
        for name, value in before.items():
            setattr(node, name, value)

    return Place(
        lambda: {s: getattr(node, s) for s in slots if hasattr(node, s)}, write
    )
