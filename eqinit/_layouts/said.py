"""From what somebody says of a layer type to its record: no typo changes a fan."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx

from .._nearest import nearest
from .._parameters.axes import parse
from .layout import FACTS, Layout


def make_layout(said: Mapping[str, Any]) -> Layout:
    """A layout from one mapping, as `register_layout` takes its keywords."""
    facts = {name: value for name, value in said.items() if name in FACTS}
    fields = {name: parse(said[name]) for name in said if name not in FACTS}
    return Layout(fields, **facts)


def checked_layout(
    cls: type, said: Mapping[str, Any], known: Layout | None = None
) -> Layout:
    """The same, of a class at hand.

    `known` is what has been said of the class already, and may be referred to.

    **Raises:** `ValueError` with everything that the class does not have.
    """
    before = Layout() if known is None else known
    problems = list(_problems(cls, said)) or list(_misfits(cls, said, before))
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        text = problems[0] if len(problems) == 1 else f"\n{listed}"
        raise ValueError(f"layout of {cls.__name__}: {text}")
    return make_layout(said)


def _problems(cls: type, said: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be read at all."""
    if not issubclass(cls, eqx.Module) or cls is eqx.Module:
        yield "parameters are those of an `eqx.Module`. Pass the class of the layer."
        return
    for name, notation in said.items():
        if name in FACTS:
            continue
        if not isinstance(notation, str):
            size = f"`sizes={{{name!r}: {notation!r}}}`"
            yield (
                f'`{name}={notation!r}` is no notation such as `{name}="out in"`. '
                f"The size of a name that is used in one is said by {size}."
            )
            continue
        if name not in fields_of(cls):
            yield f"{cls.__name__} has no field `{name}`.{_near(name, fields_of(cls))}"
        try:
            parse(notation)
        except ValueError as error:
            yield f"`{name}`: {error}"


def _misfits(cls: type, said: Mapping[str, Any], before: Layout) -> Iterator[str]:
    """What refers to something that is not there."""
    layout = make_layout(said)
    for name, notation in layout.fields.items():
        there = {**before.fields, **layout.fields}
        for feeder in notation.fed_by:
            if feeder not in there:
                near = _near(feeder, there)
                yield f"`{name}` is fed by `{feeder}`, which has no notation.{near}"
    used = layout.names | before.names
    for name, size in layout.sizes.items():
        if name not in used:
            yield f"`sizes` has `{name}`, which no notation uses.{_near(name, used)}"
        yield from _absent(cls, f"sizes[{name!r}]", size)
    yield from _absent(cls, "stride", layout.stride)
    yield from _absent(cls, "unit_axis", layout.unit_axis)


def _absent(cls: type, what: str, field: Any) -> Iterator[str]:
    names = fields_of(cls) | set(dir(cls))
    if isinstance(field, str) and field not in names:
        near = _near(field, fields_of(cls))
        yield f"`{what}` is the field `{field}`, which {cls.__name__} has not.{near}"


def _near(name: str, known: Any) -> str:
    return nearest(name, known) or f" There are {sorted(known)}."


def fields_of(cls: type) -> frozenset[str]:
    """Names that a class or its ancestors annotate, abstract ones included."""
    return frozenset(
        name for base in cls.__mro__ for name in inspect.get_annotations(base)
    )
