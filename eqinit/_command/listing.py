"""Schemes and recipes, listed, or one of them explained."""

import importlib
import inspect
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from .. import recipes
from .._config.names import snake
from .._nearest import nearest
from .._schemes.initializer import AbstractInitializer
from .._tables import WIDTH, text_table
from .formulas import readable


def schemes() -> dict[str, Any]:
    """Every scheme by its public name, those of the namespaces included."""
    # Asked for by name, and not before a command runs: it stands above this room.
    package = importlib.import_module(__name__.partition(".")[0])
    values = {name: getattr(package, name) for name in package.__all__}
    for room in [v for v in values.values() if isinstance(v, ModuleType)]:
        prefix = room.__name__.removeprefix("eqinit.")
        public = [name for name in dir(room) if not name.startswith("_")]
        values |= {f"{prefix}.{name}": getattr(room, name) for name in public}
    return {name: value for name, value in values.items() if _is_scheme(value)}


def _is_scheme(value: Any) -> bool:
    if not (isinstance(value, type) and issubclass(value, AbstractInitializer)):
        return False
    return not inspect.isabstract(value) and not value.__name__.startswith("Abstract")


def recipe_functions() -> dict[str, Any]:
    """Every recipe by name, and the functions beside them; not what these return."""
    known = {name: getattr(recipes, name) for name in dir(recipes)}
    return {name: value for name, value in known.items() if not isinstance(value, type)}


def listed(kind: str, known: Mapping[str, Any], name: str | None) -> str:
    """All names with a sentence each; of one name, all that there is to say.

    **Raises:** `ValueError` for a name that is not known.
    """
    if name is None:
        rows = [[key, _sentence(value)] for key, value in sorted(known.items())]
        return text_table([kind, "what it is"], rows, WIDTH)
    # he_normal, as a config may say, is HeNormal.
    spelled = {snake(word): word for word in known} | {word: word for word in known}
    if name not in spelled:
        raise ValueError(f"there is no {kind} `{name}`.{nearest(name, known)}")
    name, value = spelled[name], known[spelled[name]]
    explained = readable(inspect.getdoc(value) or "")
    return f"{name}({', '.join(_arguments(value))})\n\n{explained}"


def _sentence(value: Any) -> str:
    text = " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
    text = text.partition(". ")[0].rstrip(".")
    # As a terminal shows it: formulas spelled out, links by their text.
    return re.sub(r"\[(`[^`]*`)\]\[[^\]]*\]", r"\1", readable(text))


def _arguments(value: Any) -> list[str]:
    parameters = inspect.signature(value).parameters.values()
    return [str(p.replace(annotation=p.empty)) for p in parameters]
