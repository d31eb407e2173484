"""Inside of a trace: `apply` under somebody's `jit`, and an ensemble under `vmap`."""

import functools
import time
from typing import Any

from . import fresh as _fresh
from .models import MODELS


JITTED = ("mlp_100x256", "gpt2", "resnet50", "efficientnet")
ENSEMBLES = ("mlp_100x256", "resnet50")
WAYS = ("vmap", "filter_vmap", "alone", "loop")
MEMBERS = 4


def _planned(make: Any) -> tuple[Any, Any]:
    import equinox as eqx
    import jax

    import eqinit as ei

    skeleton = eqx.filter_eval_shape(make, key=jax.random.key(0))
    skeleton = skeleton[0] if isinstance(skeleton, tuple) else skeleton
    rules = [
        ei.Rule(eqx.nn.Conv, weight=ei.HeNormal(), bias=ei.Zeros(), optional=True),
        ei.Rule(eqx.nn.Linear, weight=ei.LecunNormal(), bias=ei.Zeros(), optional=True),
        ei.Rule("**", ei.Normal(0.02), optional=True),
    ]
    return ei.plan(skeleton, rules), skeleton


def jitted_run(make: Any) -> dict[str, float]:
    """Seconds to trace and to compile `apply` under `jit`, then to run it.

    `outside` is the same `apply` in steady state without `jit`; `peak` is the memory of
    the compiled program by XLA's own account, results included, over the model's bytes.
    """
    import equinox as eqx
    import jax

    plan, skeleton = _planned(make)
    key = jax.block_until_ready(jax.random.key(0))
    draw = jax.jit(lambda k: eqx.filter(plan.apply(skeleton, k), eqx.is_array))
    start = time.perf_counter()
    traced = draw.lower(key)
    middle = time.perf_counter()
    compiled = traced.compile()
    end = time.perf_counter()
    made, _ = _fresh.clock(lambda: compiled(key))
    size = sum(x.nbytes for x in jax.tree.leaves(made))
    memory = compiled.memory_analysis()
    peak = (memory.temp_size_in_bytes + memory.output_size_in_bytes) / size
    del made
    return {
        "trace": middle - start,
        "compile": end - middle,
        "run": _fresh.repeated(lambda: compiled(key), 3)["wall"],
        "outside": _fresh.repeated(lambda: plan.apply(skeleton, key), 3)["wall"],
        "peak": peak,
    }


def ensemble_run(make: Any, way: str) -> dict[str, float]:
    """Seconds for an ensemble, first and again: mapped, or in a loop.

    `vmap` is jax's, of the arrays of the model; `filter_vmap` is Equinox's; `alone` is
    the latter around a function that returns an ensemble which is there: what it takes
    by itself, whatever it maps.
    """
    import equinox as eqx
    import jax

    plan, skeleton = _planned(make)
    arrays_of = functools.partial(eqx.filter, filter_spec=eqx.is_array)
    keys = jax.random.split(jax.random.key(0), MEMBERS)
    jax.block_until_ready(keys)

    members = [plan.apply(skeleton, key) for key in keys] if way == "alone" else []
    ready = jax.tree.map(_stacked, *members) if members else None
    jax.block_until_ready(ready)

    def call() -> Any:
        if way == "alone":
            return eqx.filter_vmap(lambda model: model)(ready)
        if way == "loop":
            return [plan.apply(skeleton, key) for key in keys]
        if way == "vmap":
            return jax.vmap(lambda k: arrays_of(plan.apply(skeleton, k)))(keys)
        return eqx.filter_vmap(lambda key: plan.apply(skeleton, key))(keys)

    _, first = _fresh.clock(call)
    return {"first": first["wall"], "again": _fresh.repeated(call, 2)["wall"]}


def _stacked(*leaves: Any) -> Any:
    """In numpy, which compiles nothing."""
    import equinox as eqx
    import jax.numpy as jnp
    import numpy as np

    if not eqx.is_array(leaves[0]):
        return leaves[0]
    return jnp.asarray(np.stack([np.asarray(leaf) for leaf in leaves]))


def jitted(model: str) -> dict[str, float]:
    return jitted_run(MODELS[model])


def ensemble(model: str, way: str) -> dict[str, float]:
    return ensemble_run(MODELS[model], way)


def measure(turns: int) -> dict[str, Any]:
    found: dict[str, Any] = {"jit": {}, "vmap": {}}
    for model in JITTED:
        call = {"": ("traced.jitted", model)}
        found["jit"][model] = _fresh.in_turns(call, turns)[""]
        print(model, {k: round(v, 2) for k, v in found["jit"][model].items()})
    for model in ENSEMBLES:
        calls = {way: ("traced.ensemble", model, way) for way in WAYS}
        found["vmap"][model] = _fresh.in_turns(calls, turns)
        print(model, found["vmap"][model])
    return found
