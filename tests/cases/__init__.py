"""Cases by family; `CASES` is all of them.

A family's file is called after the file in `eqinit/_schemes` and has a list `CASES`.
"""

import importlib
import pkgutil

from ._case import Case as Case


def _collect() -> list[Case]:
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name[0] != "_")
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [case for module in modules for case in module.CASES]


CASES = _collect()
