"""What is known of libraries of layers, read only once a class of theirs is met."""

import functools
import importlib
from types import ModuleType


# Root package to the module here that knows its layers. These are tables by class
# name: nothing of the library is imported, and it need not be installed.
_LIBRARIES = {
    "equinox": "equinox",
    "equimo": "equimo",
    "eqx_zoo": "eqx_zoo",
    "esm2quinox": "esm2quinox",
    "flowjax": "flowjax",
    "jaxonlayers": "jaxonmodels",
    "jaxonmodels": "jaxonmodels",
    "klax": "klax",
    "paramax": "paramax",
    "pdequinox": "pdequinox",
}


@functools.cache
def _tables(root: str) -> ModuleType | None:
    name = _LIBRARIES.get(root)
    return (
        None if name is None else importlib.import_module(f".known.{name}", __package__)
    )


def library_of(cls: type) -> ModuleType | None:
    """The tables (`LAYOUTS`, `PARAMETRIZATIONS`) of the library that `cls` is from."""
    return _tables(cls.__module__.partition(".")[0])
