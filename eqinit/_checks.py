"""What a hyper-parameter may be: said in its type, checked in one place.

```python
std: NonNegative = 0.01  # Annotated[ScalarLike, non_negative]
```

A value is looked at whatever kind of number it comes as; a traced one passes.
"""

import dataclasses
import functools
import inspect
import reprlib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ._articles import with_article


@dataclasses.dataclass(frozen=True)
class Condition:
    """What every entry of a number or of an array has to be.

    - `wanted`: the words for it.
    - `holds`: from an array, rounded as it will be when numbers are drawn, to bools.
    - `kinds`: of numbers: `"whole"`, `"real"`, `"complex"`, `"bool"`.
    """

    wanted: str
    holds: Callable[[Any], Any]
    kinds: tuple[str, ...] = ("whole", "real")


# Comparisons with NaN are false.
finite = Condition("a finite number", np.isfinite)
positive = Condition("a finite number > 0", lambda x: np.isfinite(x) & (x > 0))
non_negative = Condition("a finite number >= 0", lambda x: np.isfinite(x) & (x >= 0))
probability = Condition("a number in [0, 1]", lambda x: (x >= 0) & (x <= 1))
share = Condition("a number in (0, 1]", lambda x: (x > 0) & (x <= 1))
inside = Condition("a number inside (0, 1)", lambda x: (x > 0) & (x < 1))
number = Condition("a number", lambda x: ~np.isnan(x))
any_number = Condition("a number", lambda _: True, ("whole", "real", "complex"))
whole = Condition("a whole number", np.isfinite, ("whole",))
natural = Condition("a whole number >= 1", lambda x: x >= 1, ("whole",))
count = Condition("a whole number >= 0", lambda x: x >= 0, ("whole",))
flags = Condition("True, False or an array of these", np.isfinite, ("bool",))


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a value has to be that is no number: the words for it, and a test."""

    wanted: str
    holds: Callable[[Any], bool]


# Beside a condition: an array may have a number for each entry of a parameter.
entries: Any = object()

_KINDS = {
    "bool": np.bool_,
    "whole": np.integer,
    "real": np.floating,
    "complex": np.complexfloating,
}
_NO_NUMBERS = (np.timedelta64, np.ma.MaskedArray)  # derived from those
_NUMBERS = (int, float, complex, np.generic, np.ndarray, jax.Array)


def _array(value: Any, condition: Condition) -> np.ndarray | None:
    """A number or an array of the right kind, as it will be when numbers are drawn."""
    if not isinstance(value, _NUMBERS) or isinstance(value, _NO_NUMBERS):
        return None
    if isinstance(value, jax.Array) and not value.is_fully_addressable:
        return np.ones((), int)  # a part of it is on other hosts
    array = np.asarray(value)
    if array.dtype == object:  # a Python integer beyond 64 bits, which no array holds
        return None
    # The short way for what nearly all are.
    if not (type(value) is float and "real" in condition.kinds):
        kinds = (_KINDS[kind] for kind in condition.kinds)
        if not any(jnp.issubdtype(array.dtype, kind) for kind in kinds):
            return None
    if "real" not in condition.kinds or np.iscomplexobj(array):
        return array
    with np.errstate(over="ignore"):
        return array.astype(jax.dtypes.canonicalize_dtype(float))


def passes(condition: Condition, value: Any) -> bool:
    """Whether a value is what is wanted; a traced one is."""
    if isinstance(value, Tracer):
        return True
    array = _array(value, condition)
    return array is not None and bool(np.all(condition.holds(array)))


def known(*values: Any) -> bool:
    """Whether all values can be looked at: none is traced or missing."""
    return not any(isinstance(value, Tracer) or value is None for value in values)


def ordered(owner: str, *, strict: bool = True, **values: Any) -> Iterator[str]:
    """What is wrong unless the first of two values is below the second."""
    (low, first), (high, last) = values.items()
    if not known(first, last):
        return
    below, above = (np.asarray(value, np.float64) for value in (first, last))
    if not np.all(below < above if strict else below <= above):
        yield (
            f"{owner} got {low}={shown(first)} and {high}={shown(last)}; `{low}` must "
            f"be {'below' if strict else 'at most'} `{high}`."
        )


# One way in which a value may be right, and the words for it.
Way = tuple[Callable[[Any], bool], str]


def _ways(annotation: Any) -> Iterator[Way]:
    """The alternatives of an annotation."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        told = _marks(annotation, Condition | Kind)
        yield from () if told else _ways(arguments[0])
        for mark in told:
            number = isinstance(mark, Condition)
            holds = functools.partial(passes, mark) if number else mark.holds
            yield holds, mark.wanted
    elif origin is tuple:
        yield _sequence(tuple(_ways(arguments[0])))
    elif origin in (types.UnionType, typing.Union):
        for argument in arguments:
            yield from _ways(argument)
    elif origin is Literal:
        yield lambda x: _is_among(x, arguments), f"one of {list(arguments)}"
    elif annotation is type(None):
        yield lambda x: x is None, "None"
    elif origin is Callable:
        yield callable, "a function"
    else:
        cls = origin or annotation
        yield lambda x: isinstance(x, cls), with_article(cls.__name__)


def _sequence(ways: tuple[Way, ...]) -> Way:
    """A tuple, of which each entry is right in one of these ways."""

    def holds(value: Any) -> bool:
        entries = value if isinstance(value, tuple) else (object(),)  # right in no way
        return all(any(way(entry) for way, _ in ways) for entry in entries)

    return holds, f"a sequence, each of it {' or '.join(words for _, words in ways)}"


def _is_among(value: Any, options: tuple[Any, ...]) -> bool:
    # The type first: an array is equal to nothing in particular.
    return any(isinstance(value, type(o)) and value == o for o in options)


def _marks(annotation: Any, kinds: Any) -> list[Any]:
    """What stands beside a type in `Annotated`, of these kinds."""
    return [m for m in typing.get_args(annotation)[1:] if isinstance(m, kinds)]


def _is_one_number(annotation: Any) -> bool:
    """Whether each number of an annotation is one, and no array of them."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return any(map(_is_one_number, typing.get_args(annotation)))
    several = entries in typing.get_args(annotation)[1:]
    return bool(_marks(annotation, Condition)) and not several


def _is_told(annotation: Any, *, only_numbers: bool = False) -> bool:
    """Whether an annotation says more than a class, of which there are too many."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return bool(_marks(annotation, Condition | Kind))
    if origin in (types.UnionType, typing.Union, tuple):
        return any(
            _is_told(argument, only_numbers=only_numbers)
            for argument in typing.get_args(annotation)
        )
    return not only_numbers and (origin in (Literal, Callable) or annotation is bool)


@dataclasses.dataclass(frozen=True)
class Argument:
    """An argument that has something to be checked."""

    name: str
    ways: tuple[Way, ...]
    default: Any = None
    static: bool = False
    one_number: bool = False

    def problem(self, owner: str, value: Any) -> str | None:
        """What is wrong with a value, in a sentence that ends with what is right."""
        if not any(holds(value) for holds, _ in self.ways):
            wanted = " or ".join(words for _, words in self.ways)
        elif self.static and isinstance(value, jax.Array | np.ndarray):
            wanted = "a plain number, since it decides what is compiled"
        else:
            return None
        default = repr(self.default)
        if self.name == "gain" and hasattr(jax.nn, str(value)):
            default = f"eqinit.gain({value!r})"
        fix = f", such as `{owner}({self.name}={default})`"
        fix = "" if self.default is None else fix
        return f"{owner} got {self.name}={shown(value)}; it must be {wanted}{fix}."


def shown(value: Any) -> str:
    """A value in an error: short, and with its type where that may be what is wrong."""
    if type(value) in (int, float) or value is None:
        return reprlib.repr(value)
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        size = list(value.shape) if value.ndim else ""
        return f"{np.unique(value)[:4] if value.ndim else value} ({value.dtype}{size})"
    return f"{reprlib.repr(value)} ({type(value).__name__})"


@functools.cache
def _fields(cls: type) -> list[Argument]:
    return [
        Argument(
            field.name,
            tuple(_ways(field.type)),
            None if field.default is dataclasses.MISSING else field.default,
            bool(field.metadata.get("static")),
            _is_one_number(field.type),
        )
        for field in dataclasses.fields(cls)
        if _is_told(field.type)
    ]


@functools.cache
def _parameters(fn: Callable[..., Any]) -> tuple[inspect.Signature, list[Argument]]:
    signature = inspect.signature(fn)
    arguments = [
        Argument(
            parameter.name,
            tuple(_ways(parameter.annotation)),
            None if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in signature.parameters.values()
        # Bools and options are beartype's.
        if _is_told(parameter.annotation, only_numbers=True)
    ]
    return signature, arguments


def _raise(problems: Iterable[str | None]) -> None:
    if told := [problem for problem in problems if problem is not None]:
        raise ValueError("\n".join(told))


def check_fields(
    instance: Any, conflicts: Callable[[], Iterable[str]] = tuple[str]
) -> None:
    """Raise a `ValueError` that lists every field which is not what its type says.

    If there is none, it lists `conflicts()`: what is wrong with several together.
    """
    cls = type(instance)
    _raise(a.problem(cls.__name__, getattr(instance, a.name)) for a in _fields(cls))
    _raise(conflicts())


def arrays(instance: Any) -> Iterator[str]:
    """Fields that hold an array where a draw needs one number.

    They may while a model is put together: `jax.vmap` over it hands on one at a time.
    """
    for argument in _fields(type(instance)):
        value = getattr(instance, argument.name)
        is_array = isinstance(value, jax.Array | np.ndarray) and value.ndim > 0
        if argument.one_number and is_array:
            yield (
                f"{type(instance).__name__} got {argument.name}={shown(value)}; a draw "
                "needs one number. `jax.vmap` over the initializer draws with each."
            )


def check_call(fn: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> None:
    """The same for what a function is called with."""
    signature, arguments = _parameters(fn)
    if arguments:
        given = signature.bind(*args, **kwargs).arguments
        mine = [a for a in arguments if a.name in given]
        owner = type(args[0]) if fn.__name__ == "__call__" else fn
        _raise(a.problem(owner.__name__, given[a.name]) for a in mine)
