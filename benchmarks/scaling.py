"""What grows with the number of parameters, and what an import costs."""

import time
from typing import Any

from . import fresh as _fresh
from .models import many


LEAVES = [1_000, 10_000, 100_000]


def plan_and_keys(leaves: int) -> dict[str, float]:
    import equinox as eqx
    import jax

    import eqinit as ei
    from eqinit._parameters.keys import derive_keys

    key = jax.random.key(0)
    skeleton = eqx.filter_eval_shape(many, leaves, key=key)
    rules = [ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.Zeros())]
    plan, planned = _fresh.clock(lambda: ei.plan(skeleton, rules))
    paths = [row.path for row in plan.rows]
    _, derived = _fresh.clock(lambda: derive_keys(key, paths))
    applied, first = _fresh.clock(lambda: plan.apply(skeleton, key))
    del applied
    return {
        "plan": planned["wall"],
        "keys": derived["wall"],
        "apply": first["wall"],
        "cpu": planned["cpu"] + derived["cpu"],
    }


def imports() -> dict[str, float]:
    import beartype  # noqa: F401
    import equinox  # noqa: F401

    start = time.perf_counter()
    import eqinit as ei

    middle = time.perf_counter()
    _ = ei.apply, ei.Rule, ei.HeNormal, ei.Zeros  # imports all that a first call needs
    return {"import": middle - start, "first use": time.perf_counter() - middle}


def measure(turns: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        str(n): _fresh.in_turns({"": ("scaling.plan_and_keys", n)}, turns)[""]
        for n in LEAVES
    }
    found["import"] = _fresh.in_turns({"": ("scaling.imports",)}, 2 * turns + 1)[""]
    for name, run in found.items():
        print(name, {what: round(value, 3) for what, value in run.items()})
    return found
