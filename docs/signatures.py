"""Show an `eqx.Module` with the signature that its fields make, as for a dataclass."""

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


def _parameters(cls: griffe.Class) -> Iterator[griffe.Parameter]:
    """Own and inherited fields, in the order of a dataclass."""
    fields: dict[str, griffe.Attribute] = {}
    for owner in [*reversed(cls.mro()), cls]:
        fields |= {k: v for k, v in owner.members.items() if _is_field(v)}
    for name, field in fields.items():
        yield griffe.Parameter(
            name,
            annotation=field.annotation,
            kind=griffe.ParameterKind.positional_or_keyword,
            default=_default(field.value),
        )


def _classes(node: griffe.Module | griffe.Class) -> Iterator[griffe.Class]:
    for member in node.members.values():
        if isinstance(member, griffe.Module | griffe.Class):
            yield from _classes(member)
        if isinstance(member, griffe.Class):
            yield member


class ModuleSignatures(griffe.Extension):
    """Gives classes without an `__init__` one that mkdocstrings can show."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Called once the package and its aliases are known."""
        del kwargs
        # All of them are found before any is changed: what a parent is given here must
        # not look like an `__init__` that its children inherit.
        bare = [cls for cls in _classes(pkg) if "__init__" not in cls.all_members]
        for cls in bare:
            if not cls.name.startswith("Abstract"):
                parameters = griffe.Parameters(*_parameters(cls))
                init = griffe.Function("__init__", parameters=parameters)
                cls.set_member("__init__", init)
