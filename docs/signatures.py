"""Show an `eqx.Module` with the signature that its fields make, as for a dataclass.

Annotations are shown without the checks that they carry: `Annotated[float, positive]`
is a `float` to who reads it; what is refused stands in the text.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import griffe


_ABSTRACT = re.compile(r"(\w+\.)*Abstract(Class)?Var\b")


def _is_field(member: object) -> bool:
    """Neither a property, nor a `ClassVar`, nor an `AbstractVar` of either kind."""
    if not isinstance(member, griffe.Attribute) or member.annotation is None:
        return False
    stored = "instance-attribute" in member.labels and "property" not in member.labels
    return stored and not _ABSTRACT.match(str(member.annotation))


def _default(value: Any) -> Any:
    """What stands in the class body, seen through `eqx.field(default=...)`."""
    if not isinstance(value, griffe.ExprCall):
        return value
    named = {
        a.name: a.value for a in value.arguments if isinstance(a, griffe.ExprKeyword)
    }
    if str(value.function).endswith("field"):
        return named.get("default")
    # A helper of the module: `mode: Mode = _mode("fan_in")`.
    if str(value.function).startswith("_"):
        return value.arguments[0] if value.arguments else "..."
    return value


def _plain(annotation: Any) -> Any:
    """`Annotated[X, ...]` is `X`, wherever it stands."""
    if not isinstance(annotation, griffe.Expr):
        return annotation
    if isinstance(annotation, griffe.ExprSubscript):
        if str(annotation.left).endswith("Annotated"):
            assert isinstance(annotation.slice, griffe.ExprTuple)
            return _plain(annotation.slice.elements[0])
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(annotation):
        value = getattr(annotation, field.name)
        if isinstance(value, griffe.Expr):
            changed[field.name] = _plain(value)
        elif isinstance(value, list):
            changed[field.name] = [_plain(v) for v in value]
    return dataclasses.replace(annotation, **changed) if changed else annotation


def _parameters(cls: griffe.Class) -> Iterator[griffe.Parameter]:
    """Own and inherited fields, in the order of a dataclass."""
    fields: dict[str, griffe.Attribute] = {}
    for owner in [*reversed(cls.mro()), cls]:
        fields |= {k: v for k, v in owner.members.items() if _is_field(v)}
    for name, field in fields.items():
        yield griffe.Parameter(
            name,
            annotation=_plain(field.annotation),
            kind=griffe.ParameterKind.positional_or_keyword,
            default=_default(field.value),
        )


def _classes(node: griffe.Module | griffe.Class) -> Iterator[griffe.Class]:
    for member in node.members.values():
        if isinstance(member, griffe.Module | griffe.Class):
            yield from _classes(member)
        if isinstance(member, griffe.Class):
            yield member


def _functions(node: griffe.Module | griffe.Class) -> Iterator[griffe.Function]:
    for member in node.members.values():
        if isinstance(member, griffe.Module | griffe.Class):
            yield from _functions(member)
        if isinstance(member, griffe.Function):
            yield member


def _second_names(node: griffe.Module) -> Iterator[tuple[str, griffe.Class]]:
    """`KaimingNormal = HeNormal`: a name, and the class that it means."""
    for name, member in node.members.items():
        if isinstance(member, griffe.Module):
            yield from _second_names(member)
        if isinstance(member, griffe.Attribute):
            meant = node.members.get(str(member.value))
            if isinstance(meant, griffe.Class):
                yield name, meant


class ModuleSignatures(griffe.Extension):
    """Gives classes without an `__init__` one that mkdocstrings can show."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Called once the package and its aliases are known."""
        del kwargs
        for name, cls in _second_names(pkg):
            if name in pkg.members:  # exported: other projects may link to it
                alias = griffe.Alias(name, cls, parent=pkg)
                cls.aliases[alias.path] = alias
        for function in _functions(pkg):
            function.returns = _plain(function.returns)
            for parameter in function.parameters:
                parameter.annotation = _plain(parameter.annotation)
        # All of them are found before any is changed: what a parent is given here must
        # not look like an `__init__` that its children inherit.
        bare = [cls for cls in _classes(pkg) if "__init__" not in cls.all_members]
        for cls in bare:
            if not cls.name.startswith("Abstract"):
                parameters = griffe.Parameters(*_parameters(cls))
                init = griffe.Function("__init__", parameters=parameters)
                cls.set_member("__init__", init)
