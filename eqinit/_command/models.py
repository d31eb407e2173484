"""What `FILE:NAME` names, and the model that it makes."""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from .._nearest import nearest
from .._typing import Key


def named(target: str) -> Any:
    """What `model.py:make`, or `package.module:Class.make`, names.

    **Raises:** `ValueError` where there is no such file, module or name.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not name or not place:
        raise ValueError(
            f"`{target}` names nothing: write FILE:NAME, such as `model.py:make`, or "
            "MODULE:NAME, such as `package.module:make`."
        )
    value: Any = _module(place)
    for part in name.split("."):
        if not hasattr(value, part):
            public = [n for n in dir(value) if not n.startswith("_")]
            raise ValueError(f"`{place}` has no `{name}`.{nearest(part, public)}")
        value = getattr(value, part)
    return value


def _module(place: str) -> Any:
    path = Path(place)
    if path.suffix != ".py":
        _look_in(Path.cwd())
        if importlib.util.find_spec(place.partition(".")[0]) is None:
            raise ValueError(f"there is no module `{place}`, and no file of this name.")
        return importlib.import_module(place)
    if not path.is_file():
        raise ValueError(f"there is no file `{place}` here ({Path.cwd()}).")
    # As `python FILE` does: what the file imports may lie beside it.
    _look_in(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # By its name, which configs use for the layer types that it defines.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def skeleton_of(target: str) -> Any:
    """The model without its values, where its constructor can be traced."""
    made = named(target)
    if not _makes(made):
        return made
    try:
        return eqx.filter_eval_shape(_make, made, jax.random.key(0))
    except Exception:
        return _make(made, jax.random.key(0))  # its own complaint, if it has one


def model_of(target: str, key: Key) -> Any:
    """The model, as its constructor makes it with `key`."""
    made = named(target)
    return _make(made, key) if _makes(made) else made


def _makes(given: Any) -> bool:
    # A model may be callable itself.
    return callable(given) and not isinstance(given, eqx.Module)


def _make(make: Any, key: Key) -> Any:
    parameters = inspect.signature(make).parameters
    wanted = [p for p in parameters.values() if p.default is p.empty and _given(p)]
    if "key" in parameters:
        wanted = [p for p in wanted if p.name != "key"]
        arguments, keywords = (), {"key": key}
    else:
        arguments, keywords = ((key,) if wanted else ()), {}
        wanted = wanted[1:]
    if wanted:
        names = ", ".join(p.name for p in wanted)
        raise ValueError(
            f"`{make.__name__}` wants {names} as well: name a function of a key alone, "
            f"such as `def make(key): return {make.__name__}(..., key=key)`."
        )
    return make(*arguments, **keywords)


def _given(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
