"""Plain config: initializers, selectors and rules as dicts for TOML and JSON."""

import dataclasses
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._models.selectors import Layer, SelectorLike
from .._nearest import nearest
from .._planning.keep import Keep
from .._planning.rule import Rule
from .._typing import Number, checked
from .names import (
    class_of,
    codec_of,
    configurable,
    is_configurable,
    layer_name,
    layer_of,
    name_of,
)


# How values are written that TOML or JSON have no word for; no argument of a scheme may
# be a dict with one of these keys.
_RESERVED = ("type", "array", "float", "complex", "none")


@checked
def to_config(value: Any) -> Any:
    """Write initializers, bases, selectors or rules down as plain data.

    ```python
    to_config(HeNormal(gain=0.5))
    # {'type': 'HeNormal', 'gain': 0.5, 'negative_slope': 0.0, 'mode': 'fan_in', ...}
    json.dumps({"rules": to_config(rules)})
    ```

    The result is made of dicts with string keys, lists, strings, bools and finite
    numbers: it survives JSON and TOML. Arguments are all written out, so that a config
    still means the same when a default changes; only those that are `None` are left
    out, for which TOML has no word.

    **Arguments:**

    - `value`: an initializer, a base distribution, a selector or a rule, or a list,
        tuple or dict of these.

    **Returns:** plain data; [`eqinit.from_config`][] reads it.

    **Raises:** `ValueError` for what has no name: functions (in `Where`, `Filter`, or
    instead of an initializer) and traced arrays.
    """
    return _encode(value, "config")


def _encode(value: Any, where: str) -> Any:
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": str(float(value))}
    if isinstance(value, np.generic | np.ndarray | jax.Array):
        return _encode_array(value, where)
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if value is None:
        return {"none": True}
    if isinstance(value, list | tuple):
        return [_encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return _encode_mapping(value, where)
    if is_configurable(type(value)):
        return _encode_instance(value, where)
    said = getattr(value, "__qualname__", repr(value))
    raise ValueError(
        f"{where}: {said} cannot be written down: a config holds names and numbers. "
        "Functions have neither; use a scheme, a `Path` or a `Layer` instead, or a "
        "class of your own (`eqinit.configurable`)."
    )


def _encode_mapping(value: Mapping[Any, Any], where: str) -> dict[str, Any]:
    wrong = [k for k in value if not isinstance(k, str) or k in _RESERVED]
    if wrong:
        raise ValueError(
            f"{where}: the keys {wrong} cannot be written down; keys are strings other "
            f"than {list(_RESERVED)}."
        )
    return {key: _encode(item, f"{where}.{key}") for key, item in value.items()}


def _encode_instance(value: Any, where: str) -> dict[str, Any]:
    codec = codec_of(type(value))
    defaults = _defaults(codec.build)
    config: dict[str, Any] = {"type": name_of(type(value))}
    for name, item in codec.fields(value).items():
        if item is None and defaults.get(name, 0) is None:
            continue
        config[name] = _encode(item, f"{where}.{name}")
    return config


def _encode_array(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, Tracer):
        raise ValueError(
            f"{where}: a traced value cannot be written down. Call `to_config` outside "
            "of `jit`, `vmap` and `grad`."
        )
    array = np.asarray(value)
    name = array.dtype.name
    if np.iscomplexobj(array):
        wide = array.astype(np.complex128).ravel()
        flat: list[Any] = [[x.real, x.imag] for x in wide.tolist()]
    else:
        kinds = {"b": bool, "i": np.int64, "u": np.uint64}
        flat = array.astype(kinds.get(array.dtype.kind, np.float64)).ravel().tolist()
    data = _encode(flat, where)
    return {"array": data, "shape": list(array.shape), "dtype": name}


def _defaults(build: Any) -> dict[str, Any]:
    parameters = inspect.signature(build).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


@checked
def from_config(config: Any) -> Any:
    """Read what [`eqinit.to_config`][] wrote, or what was written by hand.

    Arguments that are not written have their defaults. Names are looked up among the
    classes that are loaded: nothing is imported and nothing evaluated, so a config from
    a stranger can at worst describe a bad initialisation.

    **Arguments:**

    - `config`: plain data, such as `{"type": "HeNormal", "gain": 0.5}`, or a list or
        dict of such.

    **Returns:** the initializer, base, selector or rule, or a list or dict of these.

    **Raises:** `ValueError` that lists every unknown name, with the nearest ones, and
    every argument that does not fit.
    """
    reader = _Reader()
    value = reader.read(config, "config")
    if reader.problems:
        raise ValueError("\n".join(reader.problems))
    return value


@dataclasses.dataclass
class _Reader:
    """Reads on after a problem, so that all are reported together."""

    problems: list[str] = dataclasses.field(default_factory=list)

    def read(self, config: Any, where: str) -> Any:
        if isinstance(config, Mapping):
            return self._mapping(config, where)
        if isinstance(config, list | tuple):
            return [self.read(item, f"{where}[{i}]") for i, item in enumerate(config)]
        return config

    def _mapping(self, config: Mapping[str, Any], where: str) -> Any:
        if "type" in config:
            return self._instance(config, where)
        if "array" in config:
            return self._array(config, where)
        if "float" in config:
            return float(config["float"])
        if "complex" in config:
            return complex(*config["complex"])
        if "none" in config:
            return None
        return {key: self.read(item, f"{where}.{key}") for key, item in config.items()}

    def _array(self, config: Mapping[str, Any], where: str) -> np.ndarray:
        dtype = jnp.dtype(config["dtype"])
        flat = self.read(config["array"], where)
        if np.issubdtype(dtype, np.complexfloating):
            flat = [complex(re, im) for re, im in flat]
        return np.asarray(flat).astype(dtype).reshape(config["shape"])

    def _instance(self, config: Mapping[str, Any], where: str) -> Any:
        known = len(self.problems)
        said = {
            name: _frozen(self.read(item, f"{where}.{name}"))
            for name, item in config.items()
            if name != "type"
        }
        try:
            build = codec_of(class_of(str(config["type"]))).build
            _check_arguments(str(config["type"]), build, said)
            # What is wrong inside would make the outside fail for no reason of its own.
            return build(**said) if len(self.problems) == known else None
        except (ValueError, TypeError) as error:
            self.problems.append(f"{where}: {error}")
            return None


def _frozen(value: Any) -> Any:
    """Lists as tuples: static fields have to be hashable."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def _check_arguments(name: str, build: Any, said: Mapping[str, Any]) -> None:
    parameters = inspect.signature(build).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    unknown = [key for key in said if key not in parameters]
    if unknown:
        raise ValueError(
            f"{name} has no argument `{unknown[0]}`; it takes {list(parameters)}."
            f"{nearest(unknown[0], parameters)}"
        )


def _read_layer(cls: str) -> Layer:
    return Layer(layer_of(cls))


configurable(
    fields=lambda selector: {"cls": layer_name(selector.cls)}, build=_read_layer
)(Layer)


def _rule_fields(rule: Rule) -> dict[str, Any]:
    axes = dict(rule.axes) if isinstance(rule.axes, tuple) else rule.axes
    optional = {"optional": True} if rule.optional else {}
    said = {"init": rule.init, "fields": rule.fields or None, "axes": axes}
    fans = {"fan_in": rule.fan_in, "fan_out": rule.fan_out}
    return {"selector": rule.selector, **said, **fans, **optional}


def _read_rule(
    selector: SelectorLike,
    init: Any = None,
    fields: Mapping[str, Any] | None = None,
    axes: Any = None,
    fan_in: Number | None = None,
    fan_out: Number | None = None,
    optional: bool = False,
) -> Rule:
    return Rule(
        selector,
        init,
        axes=axes,
        fan_in=fan_in,
        fan_out=fan_out,
        optional=optional,
        **(fields or {}),
    )


configurable(fields=_rule_fields, build=_read_rule)(Rule)
configurable(Keep)


__all__: Sequence[str] = ["configurable", "from_config", "to_config"]
