"""Values as plain data: dicts, lists, strings, bools and finite numbers."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from .limits import BITS, Limits
from .names import codec_of, is_configurable, name_of


# How values are written that TOML or JSON have no word for; no argument of a scheme may
# be a dict with one of these keys.
RESERVED = ("type", "array", "float", "complex", "none")


class Encoder:
    """Writes values down."""

    def __init__(self) -> None:
        self._limits = Limits()

    def encode(self, value: Any, where: str) -> Any:
        """Plain data that a decoder reads as this value."""
        self._limits.count(where)
        if isinstance(value, int) and abs(value) >= 1 << (BITS - 1):
            raise ValueError(
                f"{where}: a number of more than {BITS} bits, its sign is one."
            )
        if isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, np.generic | np.ndarray | jax.Array):
            return self._array(value, where)
        if isinstance(value, complex):
            return {"complex": [_float(value.real), _float(value.imag)]}
        if value is None:
            return {"none": True}
        with self._limits.inside(value, where):
            return self._container(value, where)

    def _container(self, value: Any, where: str) -> Any:
        if isinstance(value, list | tuple):
            return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, Mapping):
            return self._mapping(value, where)
        if is_configurable(type(value)):
            return self._instance(value, where)
        name = getattr(value, "__qualname__", repr(value))
        raise ValueError(
            f"{where}: {name} cannot be written down: a config holds names and "
            "numbers. Functions have neither; use a scheme, a `Path` or a `Layer` "
            "instead, or a class of your own (`eqinit.configurable`)."
        )

    def _mapping(self, value: Mapping[Any, Any], where: str) -> dict[str, Any]:
        wrong = [k for k in value if not isinstance(k, str) or k in RESERVED]
        if wrong:
            raise ValueError(
                f"{where}: the keys {wrong} cannot be written down; keys are strings "
                f"other than {list(RESERVED)}."
            )
        return {k: self.encode(item, f"{where}.{k}") for k, item in value.items()}

    def _instance(self, value: Any, where: str) -> dict[str, Any]:
        self._limits.count_instance(where)
        codec = codec_of(type(value))
        defaults = _defaults(codec.build)
        config: dict[str, Any] = {"type": name_of(type(value))}
        for name, item in codec.fields(value).items():
            if item is None and defaults.get(name, 0) is None:
                continue
            config[name] = self.encode(item, f"{where}.{name}")
        return config

    def _array(self, value: Any, where: str) -> dict[str, Any]:
        if isinstance(value, Tracer):
            raise ValueError(
                f"{where}: a traced value cannot be written down. Call `to_config` "
                "outside of `jit`, `vmap` and `grad`."
            )
        array = np.asarray(value)
        kinds = {"b": bool, "i": np.int64, "u": np.uint64, "c": np.complex128}
        wide = array.astype(kinds.get(array.dtype.kind, np.float64)).ravel()
        if np.iscomplexobj(wide):
            wide = wide.view(np.float64)  # real and imaginary parts, one by one
        data = self.encode(wide.tolist(), where)
        return {"array": data, "shape": list(array.shape), "dtype": array.dtype.name}


def _float(value: float) -> Any:
    return float(value) if math.isfinite(value) else {"float": str(float(value))}


def _defaults(build: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(build).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
