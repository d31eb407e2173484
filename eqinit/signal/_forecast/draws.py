"""Rules of random numbers that the call draws itself, such as those of dropout."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..._inference.walker import Equation, Rule, walk
from .domain import SecondMoments
from .moments import independent
from .values import Known, Unknown, Value, random


def call(domain: SecondMoments, eqn: Equation, values: Sequence[Any]) -> list[Any]:
    """A function of jax by its name, if it is one that draws; any other by its body."""
    numbers = [v.array for v in map(domain.plain, values) if isinstance(v, Known)]
    moments = _moments(str(eqn.params.get("name")), [float(n.mean()) for n in numbers])
    if moments is None:
        return walk(domain, eqn.params["jaxpr"], values, eqn.place)
    return [random(independent(tuple(eqn.outputs[0].shape), *moments))]


def _moments(name: str, numbers: Sequence[float]) -> tuple[float, float] | None:
    """Mean and std of what is drawn."""
    match name, numbers:
        case "_uniform", [low, high]:
            return (low + high) / 2, (high - low) / math.sqrt(12)
        case "_bernoulli", [p]:
            return p, math.sqrt(max(p * (1 - p), 0.0))
        case "_normal" | "_normal_real", _:
            return 0.0, 1.0
        case _:
            return None


def unknown(domain: SecondMoments, eqn: Equation, values: Sequence[Any]) -> list[Value]:
    """A loop whose end only its values tell."""
    del domain, values
    why = "a loop that ends where its values say so"
    return [Unknown(tuple(out.shape), why) for out in eqn.outputs]


RULES: Mapping[str, Rule[Any]] = {"jit": call, "pjit": call, "while": unknown}
