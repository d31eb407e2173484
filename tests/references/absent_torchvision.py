"""Stands for torchvision, which timm imports for its data sets, where it is missing.

To be imported before timm.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from typing import Any


class Anything(type):
    """The type of a class that has every name."""

    def __getattr__(cls, name: str) -> str:
        return name


class Absent(types.ModuleType):
    """A module any name of which is a class that does nothing."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})


class Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.partition(".")[0] == "torchvision":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        return Absent(spec.name)

    def exec_module(self, module: types.ModuleType) -> None: ...


if importlib.util.find_spec("torchvision") is None:
    sys.meta_path.append(Stubs())
