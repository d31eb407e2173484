"""Which classes a config may name, and by what name: looked up, never imported."""

import dataclasses
import functools
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, overload

import equinox as eqx

from .. import _schemes
from .._laws.base import AbstractBase
from .._laws.transforms import AbstractTransform
from .._models.selectors import AbstractSelector
from .._nearest import nearest
from .._schemes.initializer import AbstractInitializer
from .limits import WORD


_C = TypeVar("_C", bound=type)

# Every concrete subclass of these can be written down, a user's own included.
_ROOTS: tuple[type, ...] = (
    AbstractInitializer,
    AbstractBase,
    AbstractSelector,
    AbstractTransform,
)


class Codec(NamedTuple):
    """How one class is taken apart and put together again."""

    fields: Callable[[Any], Mapping[str, Any]]
    build: Callable[..., Any]


_NAMED: dict[str, type] = {}
_CODECS: dict[type, Codec] = {}


@overload
def configurable(cls: _C, /) -> _C: ...
@overload
def configurable(
    *,
    name: str | None = None,
    fields: Callable[[Any], Mapping[str, Any]] | None = None,
    build: Callable[..., Any] | None = None,
    override: bool = False,
) -> Callable[[_C], _C]: ...
def configurable(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    fields: Callable[[Any], Mapping[str, Any]] | None = None,
    build: Callable[..., Any] | None = None,
    override: bool = False,
) -> Any:
    """Let a class stand in configs, under a name of its own.

    Initializers, bases, selectors and transforms need this only for another name, or
    where their constructor does not take their fields: subclassing is enough. Layer
    types that are no `eqx.Module` need it to be named by a `Layer` selector.

    ```python
    @configurable(name="my_lab.Whitened")
    class Whitened(AbstractInitializer): ...
    ```

    **Arguments:**

    - `cls`: the class.
    - `name`: what configs call it; the class's own name if left out.
    - `fields`: from an instance to its constructor's arguments, as a dict.
    - `build`: from these arguments to an instance.
    - `override`: take the name away from the class that has it.

    **Returns:** the class itself, or a decorator.

    **Raises:** `ValueError` for a name that another class has, eqinit's own included.
    The same class defined anew (a notebook's cell) is no other one.
    """

    def register(cls: Any) -> Any:
        if not override:
            _check_free(name or cls.__name__, cls)
        _NAMED[name or cls.__name__] = cls
        if fields is not None or build is not None:
            _CODECS[cls] = Codec(fields or own_fields, build or cls)
        return cls

    return register if cls is None else register(cls)


def _check_free(name: str, cls: type) -> None:
    own = [c for c in _concrete() if _own(c) and c.__name__ == name]
    taken = next(iter([_NAMED[name]] if name in _NAMED else own), cls)
    if qualified(taken) != qualified(cls):
        raise ValueError(
            f"configs call {qualified(taken)} `{name}` already. Give {cls.__name__} a "
            f'name of its own, `@configurable(name="my_lab.{name}")`, or take this one '
            "away from the other class with `override=True`."
        )


def codec_of(cls: type) -> Codec:
    return _CODECS.get(cls) or Codec(own_fields, cls)


def own_fields(instance: Any) -> dict[str, Any]:
    """Constructor arguments: what the object says of itself, or its fields."""
    if hasattr(instance, "config_fields"):
        return dict(instance.config_fields())
    if not dataclasses.is_dataclass(instance):
        return {}
    fields = dataclasses.fields(instance)
    return {field.name: getattr(instance, field.name) for field in fields if field.init}


def _descendants(cls: type) -> Iterator[type]:
    for sub in cls.__subclasses__():
        # One that goes by its parent's path stands in for it (a probe's tapped layer).
        if qualified(sub) != qualified(cls):
            yield sub
            yield from _descendants(sub)


def _is_concrete(cls: type) -> bool:
    return not inspect.isabstract(cls) and not cls.__name__.startswith("Abstract")


def _own(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "eqinit"


def qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _public(cls: type) -> str:
    """The shortest loaded path to a class: `equinox.nn.Linear`, not `..._linear...`."""
    parts = cls.__module__.split(".")
    for count in range(1, len(parts) + 1):
        module = sys.modules.get(".".join(parts[:count]))
        if getattr(module, cls.__name__, None) is cls:
            return ".".join([*parts[:count], cls.__name__])
    return qualified(cls)


def _unique(classes: Iterable[type]) -> list[type]:
    """A class defined anew under the same path (a notebook's cell) replaces the old."""
    return list({qualified(cls): cls for cls in classes}.values())


@functools.cache
def _families() -> tuple[Any, ...]:
    """The modules with schemes: imported on first use, and now all are needed."""
    return tuple(
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(_schemes.__path__, f"{_schemes.__name__}.")
    )


def _concrete() -> list[type]:
    _families()
    found = (cls for root in _ROOTS for cls in _descendants(root))
    return _unique(cls for cls in found if _is_concrete(cls))


def is_configurable(cls: type) -> bool:
    return cls in _NAMED.values() or (issubclass(cls, _ROOTS) and _is_concrete(cls))


def name_of(cls: type) -> str:
    """What a config calls this class."""
    for name, named in _NAMED.items():
        if named is cls:
            return name
    if _own(cls):
        return cls.__name__
    same = [other for other in _concrete() if other.__name__ == cls.__name__]
    return cls.__name__ if same == [cls] else qualified(cls)


def class_of(name: str) -> type:
    """The class that a config means by `name`.

    **Raises:** `ValueError` for a name that nobody has, with the nearest ones, and for
    one that several have.
    """
    if name in _NAMED:
        return _NAMED[name]
    known = _concrete()
    found = [cls for cls in known if name in (cls.__name__, qualified(cls))]
    found = [cls for cls in found if _own(cls)] or found
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        options = ", ".join(f"`{qualified(cls)}`" for cls in found)
        raise ValueError(f"`{name}` may be {options}; write one of these.")
    names = {cls.__name__: cls for cls in known} | _aliases() | _NAMED
    own = name.removeprefix("eqinit.")
    spelled = names | {snake(word): cls for word, cls in names.items()}
    if own in spelled:  # he_normal, XavierNormal, eqinit.HeNormal
        return spelled[own]
    raise ValueError(
        f"no scheme, base, selector or rule is called `{name[:WORD]}`{_file(name)}."
        f"{nearest(name, names)} One of your own joins once its class is imported."
    )


def _file(name: str) -> str:
    """What to add of a name that is a file's."""
    is_one = name.endswith((".toml", ".json", ".yaml", ".yml"))
    return (
        ", and no file is opened: read it first, `tomllib.loads(text)`"
        if is_one
        else ""
    )


def is_scheme(name: str) -> bool:
    """Whether an initializer is called so."""
    try:
        return issubclass(class_of(name), AbstractInitializer)
    except ValueError:
        return False


_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """`HeNormal` as `he_normal`."""
    return _CAPITAL.sub("_", name).lower()


def _aliases() -> dict[str, type]:
    """Further names of schemes: `XavierNormal`."""
    pairs = (pair for family in _families() for pair in vars(family).items())
    return {
        name: value
        for name, value in pairs
        if isinstance(value, type) and issubclass(value, AbstractInitializer)
        if not name.startswith("_") and _is_concrete(value)
    }


def layer_name(cls: type) -> str:
    """What a config calls a layer type."""
    named = [name for name, other in _NAMED.items() if other is cls]
    if not named and not issubclass(cls, eqx.Module):
        raise ValueError(
            f"the layer type {qualified(cls)} is no `eqx.Module`, and a config could "
            "not find it again. Decorate it with `@eqinit.configurable`."
        )
    return named[0] if named else _public(cls)


def layer_of(name: str) -> type:
    """The layer type that a config means: loaded already, by its path or its name."""
    if name in _NAMED:
        return _NAMED[name]
    known = _unique(_descendants(eqx.Module))
    exact = [cls for cls in known if name in (_public(cls), qualified(cls))]
    found = exact or [cls for cls in known if cls.__name__ == name]
    if len(found) == 1:
        return found[0]
    if found:
        options = ", ".join(f"`{_public(cls)}`" for cls in found)
        raise ValueError(f"the layer type `{name}` may be {options}; write one.")
    names = {_public(cls) for cls in known if not _is_private(cls)}
    raise ValueError(
        f"no layer type `{name}` is loaded.{nearest(name, names)} Import the package "
        "that has it before reading the config: a config never imports anything."
    )


def _is_private(cls: type) -> bool:
    return any(part.startswith("_") for part in _public(cls).split("."))
