"""Exports that import their module on first use.

Making a hundred module classes takes longer than all the rest of `import eqinit`. What
a package exports stands in its `__init__.pyi`, written by hand as everywhere, where
type checkers and the documentation read it too; names are imported when asked for.
"""

import ast
import importlib
import pathlib
import sys
from collections.abc import Callable
from typing import Any


_Sources = dict[str, tuple[str | None, str]]


def _hint(package: str, name: str, sources: _Sources) -> str:
    """Where a name is that is not here, or which one was meant."""
    from ._nearest import nearest  # difflib: for errors alone

    spaces = [f"{package}.{n}" for n, (module, _) in sources.items() if module is None]
    known = {space: vars(importlib.import_module(space)) for space in spaces}
    for space, names in known.items():
        if name in names:
            return f" It is `{space}.{name}`."
    return nearest(name, sources)


def attach(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package with a stub beside it."""
    stub = ast.parse(pathlib.Path(file).with_suffix(".pyi").read_text("utf-8"))
    sources: _Sources = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                sources[alias.asname or alias.name] = (node.module, alias.name)

    def __getattr__(name: str) -> Any:
        if name not in sources:
            hint = "" if name.startswith("_") else _hint(package, name, sources)
            raise AttributeError(f"module {package!r} has no attribute {name!r}.{hint}")
        module, original = sources[name]
        if module is None:  # `from . import recipes as recipes`
            value = importlib.import_module(f"{package}.{original}")
        else:
            value = getattr(importlib.import_module(f"{package}.{module}"), original)
        # From now on a plain attribute.
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__, lambda: sorted(sources), sorted(sources)
