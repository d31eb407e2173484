"""Nonsense for each field of each scheme: refused early, or drawn without complaint."""

import functools
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES, Case

from eqinit import ParamSpec


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


NAN, INF = float("nan"), float("inf")
NONSENSE: dict[str, Any] = {
    "not a number": NAN,
    "infinite": INF,
    "minus infinite": -INF,
    "minus one": -1,
    "zero": 0,
    "a fraction": 2.5,
    "beyond float32": 1e39,
    "beyond float64": 10**400,
    "a word": "x",
    "an empty word": "",
    "bytes": b"x",
    "nothing": None,
    "true": True,
    "complex": 1j,
    "a list": [1],
    "an empty tuple": (),
    "a dict": {},
    "an object": object(),
    "a class": int,
    "a function": lambda: 0,
    "numpy's nan": np.float32(NAN),
    "jax's nan": jnp.asarray(NAN),
    "an array": np.array([1.0, 2.0]),
    "a jax array": jnp.ones(2),
    "an empty array": np.zeros(0),
    "a date": np.datetime64("2026-01-01"),
    "a key": jax.random.key(0),
}
# Whoever asks for an infinite constant gets it.
MEANT = {("Constant", "value")}


def fields(case: Case) -> dict[str, Any]:
    """What the scheme was made with, where its fields say it."""
    names = [name for name in inspect.signature(type(case.init)).parameters]
    return {n: getattr(case.init, n) for n in names if hasattr(case.init, n)}


FIRST = {type(case.init): case for case in reversed(CASES)}
PAIRS = [
    pytest.param(case, field, id=f"{cls.__name__}.{field}")
    for cls, case in FIRST.items()
    for field in fields(case)
    if (cls.__name__, field) not in MEANT
    and set(fields(case)) == set(inspect.signature(cls).parameters)
]


# A quarter of them in every run, all in thorough ones.
SOME = [
    pytest.param(*p.values, id=p.id, marks=pytest.mark.thorough if i % 4 else ())
    for i, p in enumerate(PAIRS)
]


def test_nearly_all_schemes_are_asked():
    asked = {type(param.values[0].init) for param in PAIRS}
    left = {cls for cls in FIRST if cls not in asked and fields(FIRST[cls])}
    # Their constructors take something else than what they keep.
    assert {cls.__name__ for cls in left} <= {"Constant", "PerGate", "Blocks"}
    assert len(PAIRS) > 180


def attempt(make: Any, spec: ParamSpec) -> Any:
    """A scheme that says of itself that it can be drawn, or `None`."""
    try:
        init = make()
        init.check(spec)
    except (TypeError, ValueError):
        return None
    return init


# Equinox warns of jax's arrays in static fields; an error follows.
@pytest.mark.filterwarnings("ignore:A JAX array is being set as static")
@pytest.mark.parametrize(("case", "field"), SOME)
def test_nonsense_is_refused_before_a_draw(case: Case, field: str):
    spec = case.spec(case.dtypes[-1] if "float32" not in case.dtypes else "float32")
    kept = fields(case)
    for name, value in NONSENSE.items():
        given = {**kept, field: value}
        init = attempt(lambda given=given: type(case.init)(**given), spec)
        if init is None:
            continue
        # What was let through can be drawn, and its moments are numbers.
        draw = functools.partial(init.draw, spec=spec)
        drawn = jax.eval_shape(draw, jax.random.key(0))
        assert (drawn.shape, drawn.dtype) == (spec.shape, spec.dtype), name
        moments = init.moments(spec)
        assert moments is None or not np.isnan(moments).any(), name
