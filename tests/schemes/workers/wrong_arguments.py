"""Passes wrong values to every argument of every scheme, as users have it.

In a process of its own: under the suite's import hook beartype would be the first to
refuse what is no number at all. Prints what was accepted, and how much was tried.
"""

import dataclasses
import inspect
import json
import sys
import typing
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np


sys.path.insert(0, str(Path(__file__).parents[2]))

from cases import CASES

from eqinit._checks import Condition
from eqinit._config.names import own_fields


NO_NUMBERS = [None, True, np.bool_(False), "0.1", [1.0], (1.0,), {}, np.array(["1"])]
NUMBERS = [1j, np.nan, np.inf, -np.inf, -1, 0, 2.5, 1e39, 10**400, 2]
KINDS = [
    lambda x: x,
    np.float32,
    np.float64,
    jnp.float32,
    jnp.bfloat16,
    lambda x: np.array([2, x]),
    lambda x: jnp.stack([jnp.asarray(v, jnp.float32) for v in (2, x)]),
]
# What each condition means: the numbers above that it takes.
TAKES: dict[str, list[Any]] = {
    "a number": NUMBERS,
    "a finite number": [-1, 0, 2.5, 2],
    "a finite number >= 0": [0, 2.5, 2],
    "a finite number > 0": [2.5, 2],
    "a number in [0, 1]": [0],
    "a number in (0, 1]": [],
    "a number in [0, 1)": [0],
    "a number inside (0, 1)": [],
    "a number inside (-1, 1)": [0],
    "a whole number": [-1, 0, 2],
    "a whole number of 32 bits": [-1, 0, 2],
    "a whole number >= 0": [0, 2],
    "a whole number >= 1": [2],
    "True, False or an array of these": [],
}


def conditions(annotation: Any) -> Iterator[Condition]:
    yield from (m for m in typing.get_args(annotation) if isinstance(m, Condition))
    for inner in typing.get_args(annotation):
        if not isinstance(inner, Condition):
            yield from conditions(inner)


def wrong(cls: type, field: Any, condition: Condition) -> Iterator[Any]:
    """Values that the argument must refuse, numbers in every kind of number."""
    for value in NUMBERS:
        if value not in TAKES[condition.wanted]:
            yield from (made for kind in KINDS for made in attempt(kind, value))
    if field.metadata.get("static") and TAKES[condition.wanted][:1]:
        yield jnp.asarray(TAKES[condition.wanted][-1])  # even where its value is right
    fine: tuple[type, ...] = ()
    if inspect.signature(cls).parameters[field.name].default is None:
        fine += (type(None),)
    if "bool" in condition.kinds:
        fine += (bool, np.bool_)
    if "tuple" in str(field.type) or field.metadata.get("converter") is not None:
        fine += (tuple, list)
    if "str" in str(field.type):
        fine += (str,)
    yield from (value for value in NO_NUMBERS if not isinstance(value, fine))


def all_wrong(cls: type, field: Any) -> Iterator[Any]:
    for condition in conditions(field.type):
        yield from wrong(cls, field, condition)


def attempt(kind: Any, value: Any) -> Iterator[Any]:
    try:
        yield kind(value)
    except (TypeError, OverflowError):  # a complex number as a float32
        pass


def main() -> None:
    warnings.simplefilter("ignore")  # jax's, of an array in a static field
    tried, accepted, unclear = 0, list[str](), list[str]()
    for cls, init in {type(case.init): case.init for case in CASES}.items():
        for field in dataclasses.fields(cls):
            for value in all_wrong(cls, field):
                tried += 1
                call = f"{cls.__name__}({field.name}={value!r})"
                arguments = {**own_fields(init), field.name: value}
                try:
                    cls(**arguments)
                except (ValueError, TypeError) as error:
                    if not error.args[0].startswith(f"{cls.__name__} got"):
                        unclear.append(f"{call}: {error!r}")
                else:
                    accepted.append(call)
    print(json.dumps({"tried": tried, "accepted": accepted, "unclear": unclear}))


if __name__ == "__main__":
    main()
