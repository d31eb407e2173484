"""Every public docstring has what a reader looks for, as far as machines can see it."""

import inspect
import re
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import eqinit as ei


def public(space: Any = ei, path: str = "eqinit") -> Iterator[tuple[str, Any]]:
    for name in (name for name in dir(space) if not name.startswith("_")):
        value = getattr(space, name)
        if not isinstance(value, types.ModuleType):
            yield f"{path}.{name}", value
        elif value.__name__ == f"{path}.{name}" and value is not ei.typing:  # aliases
            yield from public(value, value.__name__)


NAMES = dict(public())
# Classes that users call; all others are what eqinit makes and hands out.
KINDS = (
    ei.AbstractInitializer,
    ei.AbstractSelector,
    ei.transforms.AbstractTransform,
    ei.Rule,
    ei.bases.AbstractBase,
    ei.signal.AbstractMethod,
)
CALLED = {
    path: value
    for path, value in NAMES.items()
    if not isinstance(value, type)
    or (issubclass(value, KINDS) and not value.__name__.startswith("Abstract"))
}
RESULTS = {
    path: value
    for path, value in NAMES.items()
    if isinstance(value, type) and not issubclass(value, KINDS)
}
FUNCTIONS = {k: v for k, v in CALLED.items() if not isinstance(v, type)}
SCHEMES = {
    path: value
    for path, value in CALLED.items()
    if isinstance(value, type) and issubclass(value, ei.AbstractInitializer)
}


def parameters(value: Callable[..., Any]) -> list[str]:
    return [
        name
        for name, p in inspect.signature(value).parameters.items()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and name[0] != "_"
    ]


def section(doc: str, title: str) -> str | None:
    """The text under `**Title:**`, up to the next title."""
    _, found, rest = doc.partition(f"**{title}:**")
    return re.split(r"\n\*\*\w+:\*\*", rest)[0] if found else None


def told(doc: str) -> set[str]:
    """The names at the heads of the list under **Arguments:**."""
    heads = re.findall(
        r"^- ((?:`[^`]+`(?:, )?)+):", section(doc, "Arguments") or "", re.M
    )
    return {name for head in heads for name in re.findall(r"`\**(\w+)`", head)}


@pytest.mark.parametrize("path", CALLED)
def test_every_argument_is_told(path: str):
    doc = inspect.getdoc(CALLED[path]) or ""
    assert [p for p in parameters(CALLED[path]) if p not in told(doc)] == []


@pytest.mark.parametrize("path", RESULTS)
def test_results_tell_what_they_hold(path: str):
    doc, cls = inspect.getdoc(RESULTS[path]) or "", RESULTS[path]
    heads = re.findall(r"^- ((?:`[^`]+`(?:, )?)+):", doc, re.M)
    names = {name for head in heads for name in re.findall(r"`(\w+)`", head)}
    fields_of = (getattr(base, "__annotations__", {}) for base in cls.__mro__)
    has = {*dir(cls)}.union(*fields_of)
    assert names - has == set()
    fields = getattr(cls, "__annotations__", {})
    assert names or not fields or cls.__name__.startswith("Abstract")


@pytest.mark.parametrize("path", CALLED)
def test_no_argument_is_told_that_there_is_not(path: str):
    names = inspect.signature(CALLED[path]).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in names.values()):
        assert told(inspect.getdoc(CALLED[path]) or "") - set(names) == set()


@pytest.mark.parametrize("path", FUNCTIONS)
def test_functions_tell_what_they_return(path: str):
    doc = inspect.getdoc(FUNCTIONS[path]) or ""
    returns = inspect.signature(FUNCTIONS[path]).return_annotation
    assert (section(doc, "Returns") is None) == (returns is None)


@pytest.mark.parametrize("path", NAMES)
def test_the_first_sentence_is_one(path: str):
    first = (inspect.getdoc(NAMES[path]) or "").split("\n\n")[0]
    assert re.match(r"[-A-Z0-9$`\[]", first)
    assert first.endswith((".", ":", "$")), first


@pytest.mark.parametrize("path", CALLED)
def test_sections_stand_in_one_order(path: str):
    doc = inspect.getdoc(CALLED[path]) or ""
    order = ["Arguments", "Returns", "Raises"]
    found = [t for t in re.findall(r"^\*\*(\w+):\*\*", doc, re.M) if t in order]
    assert found == sorted(found, key=order.index)


# Laws that a sentence says in full: constants, and what is done to another's draw.
WORDS = {
    *(
        "Zeros",
        "Ones",
        "Constant",
        "Keep",
        "Masked",
        "Mixture",
        "Clipped",
        "Abs",
        "Rounded",
    ),
    *(
        "PerGate",
        "PerSlice",
        "Blocks",
        "Normalized",
        "Sparse",
        "Scaled",
    ),
    *("Shifted", "ForgetGateBias"),
}


@pytest.mark.parametrize("path", SCHEMES)
def test_schemes_have_a_formula(path: str):
    doc = inspect.getdoc(SCHEMES[path]) or ""
    assert "$" in doc.partition("**Arguments:**")[0] or SCHEMES[path].__name__ in WORDS
