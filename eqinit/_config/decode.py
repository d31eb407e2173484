"""Plain data as values: names are looked up, and nothing is believed."""

import io
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from .._models.selectors import AbstractSelector
from .._nearest import nearest
from .._schemes.initializer import AbstractInitializer
from .limits import BITS, MOST_PROBLEMS, WORD, Limits, TooMuch
from .names import class_of, codec_of, is_scheme
from .wanted import ANYTHING, Wanted, wanted_by


ROOT = "config"  # what errors call the whole of it


class Decoder:
    """Reads on after a problem, so that all are reported together."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._limits = Limits()
        self._classes: dict[str, type] = {}  # looking one up takes a millisecond

    def read(self, config: Any, where: str, wanted: Wanted = ANYTHING) -> Any:
        """The value; `None` where there is a problem."""
        self._limits.count(where)
        if isinstance(config, str):
            return self._string(config, where, wanted)
        # Those of hydra (OmegaConf) as well, which are no dicts and no lists.
        if isinstance(config, Mapping):
            with self._limits.inside(config, where):
                return self._try(self._mapping, config, where, wanted)
        if isinstance(config, Sequence) and not isinstance(config, bytes):
            with self._limits.inside(config, where):
                return self._try(self._sequence, config, where, wanted)
        if _holds_a_config(config):
            self._problem(
                where,
                f"got {type(config).__name__}, and a config is plain data. Read the "
                "file first: `tomllib.loads(text)`, `json.loads(text)`.",
            )
            return None
        if isinstance(config, int) and config.bit_length() >= BITS:
            self._problem(where, f"a number has at most {BITS} bits, its sign is one.")
            return None
        if wanted.only_strings and config is not None:
            self._problem(
                where, f"got {config!r} for what is text; write it in quotes."
            )
            return None
        return config

    def _problem(self, where: str, text: object) -> None:
        self.problems.append(f"{where}: {text}")
        if len(self.problems) == MOST_PROBLEMS:
            raise TooMuch("\n".join([*self.problems, "... and so on."]))

    def _try(
        self, read: Callable[..., Any], config: Any, where: str, *rest: Any
    ) -> Any:
        """What reading gives; whatever it raises is one problem more."""
        try:
            return read(config, where, *rest)
        except TooMuch:
            raise
        except (ValueError, TypeError) as error:
            self._problem(where, error)
        except Exception as error:  # of a container, or of a class that is built
            self._problem(where, f"{type(error).__name__}: {error}")
        return None

    def _sequence(self, config: Sequence[Any], where: str, wanted: Wanted) -> list[Any]:
        inner = wanted.within
        if not inner.only_strings and all(type(c) is float for c in config):
            self._limits.count(where, len(config))  # an array's, most likely
            return list(config)
        # A list by itself is one of what might stand by itself; in a dict it may be
        # somebody's words.
        inner = wanted if where == ROOT else inner
        return [self.read(c, f"{where}[{i}]", inner) for i, c in enumerate(config)]

    def _string(self, text: str, where: str, wanted: Wanted) -> Any:
        if wanted.strings:
            return text
        if wanted.schemes:
            return self._try(self._by_name, text, where)
        fix = f"; write {text.strip()} without quotes" if _is_number(text) else ""
        self._problem(
            where, f"got the string {text[:WORD]!r} for what is no text{fix}."
        )
        return None

    def _mapping(self, config: Mapping[str, Any], where: str, wanted: Wanted) -> Any:
        if "type" in config:
            return self._instance(config, where)
        for key, others in _SPECIAL.items():
            if key in config:
                _check_keys(config, (key, *others))
                return self._special(key, config, where)
        if "selector" in config and any(key in config for key in _OF_RULES):
            raise ValueError(
                "this is a rule and has to say so: "
                f'`{{"type": "Rule", "selector": {config["selector"]!r}, ...}}`, with '
                "`init` for everything that is selected or `fields` by name."
            )
        if mistaken := _mistaken(config) or self._nested(config):
            raise ValueError(mistaken)
        if not wanted.dicts:
            raise ValueError(
                f"got a dict with the keys {_some(config)}; a dict that stands for "
                'something says what: `{"type": "HeNormal", ...}`.'
            )
        items = config.items()
        return {k: self.read(item, f"{where}.{k}", wanted.within) for k, item in items}

    def _instance(self, config: Mapping[str, Any], where: str) -> Any:
        name = config["type"]
        if not isinstance(name, str):
            raise ValueError(f"`type` is {type(name).__name__}, and has to be a name.")
        self._limits.count_instance(where)
        build = codec_of(self._class_of(name)).build
        takes = wanted_by(build)
        known = len(self.problems)
        arguments: dict[str, Any] = {}
        for key, item in config.items():
            if key == "type":
                continue
            if key not in takes and "**" not in takes:
                raise ValueError(_no_argument(name, key, takes))
            wanted = takes.get(key) or takes["**"]
            arguments[key] = _frozen(self.read(item, f"{where}.{key}", wanted))
        # What is wrong inside would make the outside fail for no reason of its own.
        return build(**arguments) if len(self.problems) == known else None

    def _special(self, key: str, config: Mapping[str, Any], where: str) -> Any:
        if key == "array":
            return self._array(config, where)
        if key == "float":
            return float(config["float"])
        if key == "complex":
            parts = self.read(config["complex"], where)
            if not isinstance(parts, list) or len(parts) != 2:
                raise ValueError("`complex` is a pair `[real, imaginary]`.")
            return complex(*parts)
        return None

    def _array(self, config: Mapping[str, Any], where: str) -> np.ndarray:
        dtype = _dtype(config.get("dtype", "float32"))
        values = self.read(config["array"], f"{where}.array")
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise ValueError(
                "`array` is a list of numbers, or of such lists."
            ) from error
        if array.size and array.dtype.kind not in "biuf":
            raise ValueError("`array` is a list of numbers, or of such lists.")
        if np.issubdtype(dtype, np.complexfloating):
            if array.size % 2 or array.ndim > 1:
                raise ValueError("complex ones are `[real, imaginary, real, ...]`.")
            array = np.asarray(array, np.float64).view(np.complex128)
        shape = config.get("shape", array.shape)
        whole = all(isinstance(n, int) and n >= 0 for n in shape)
        if not whole or math.prod(shape) != array.size:
            raise ValueError(f"`shape` is {list(shape)}, of {array.size} numbers.")
        with np.errstate(over="ignore", invalid="ignore"):
            return array.astype(dtype).reshape(tuple(shape))

    def _class_of(self, name: str) -> type:
        if name not in self._classes:
            self._classes[name] = class_of(name)
        return self._classes[name]

    def _nested(self, config: Mapping[Any, Any]) -> str:
        """What to say of `{"he_normal": {"gain": 2.0}}`, as other libraries have it."""
        if len(config) != 1:
            return ""
        ((name, inside),) = config.items()
        if not isinstance(name, str) or not isinstance(inside, Mapping):
            return ""
        if "type" in inside or not is_scheme(name):
            return ""
        return (
            f"`{name}` is a key with arguments below it; in a config they stand beside "
            f'its name: `{{"type": "{name}", ...}}`.'
        )

    def _by_name(self, name: str, where: str) -> Any:
        self._limits.count_instance(where)
        return codec_of(self._class_of(name)).build()


# What is read in a way of its own, and the keys that it may have besides.
_SPECIAL: Mapping[str, tuple[str, ...]] = {
    "array": ("shape", "dtype"),
    "float": (),
    "complex": (),
    "none": (),
}


# Beside a `selector`, these make a dict a rule that does not say so.
_OF_RULES = ("init", "fields", "weight", "bias", "kernel")


def _holds_a_config(value: Any) -> bool:
    """A file, the path of one, or a function: what is there is not what is meant."""
    schemes = AbstractInitializer | AbstractSelector | type
    function = callable(value) and not isinstance(value, schemes)
    return function or isinstance(value, os.PathLike | io.IOBase)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return len(text) < WORD


def _check_keys(config: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = [key for key in config if key not in known]
    if unknown:
        raise ValueError(
            f"`{known[0]}` stands with {list(known[1:]) or 'nothing'} beside it; got "
            f"`{unknown[0]}` as well.{nearest(str(unknown[0]), known)}"
        )


def _mistaken(config: Mapping[Any, Any]) -> str:
    """What to say of a dict whose key is another word for `type`."""
    for key, name in config.items():
        if not isinstance(key, str) or not isinstance(name, str):
            continue
        if key == "_target_" or nearest(key, ["type"]):
            short = name[:WORD].rpartition(".")[2]
            return f'`{key}` is no word of a config: it is `{{"type": "{short}"}}`.'
    return ""


def _some(config: Mapping[Any, Any]) -> str:
    keys = [str(key)[:WORD] for key in config]
    return str(keys[:5]) if len(keys) <= 5 else f"{keys[:5]} and more"


def _no_argument(name: str, key: Any, takes: Mapping[str, Wanted]) -> str:
    key = str(key)[:WORD]
    return (
        f"{name} has no argument `{key}`; it takes {list(takes)}.{nearest(key, takes)}"
    )


def _dtype(name: Any) -> np.dtype[Any]:
    """A dtype of numbers, by its name; a string of two billion characters is none."""
    try:
        dtype = jnp.dtype(name) if isinstance(name, str) and len(name) < WORD else None
    except TypeError:
        dtype = None
    kinds = (np.bool_, np.number)
    if dtype is not None and any(jnp.issubdtype(dtype, kind) for kind in kinds):
        return dtype
    raise ValueError(f"{str(name)[:WORD]!r} is no dtype of numbers, such as 'float32'.")


def _frozen(value: Any) -> Any:
    """Lists as tuples: static fields have to be hashable."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value
