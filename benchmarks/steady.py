"""Steady state: everything compiled, GPT-2 small drawn again and again."""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import fresh as _fresh
from .models import MODELS


MODEL = "gpt2"
TIMES = 5


def _skeleton() -> Any:
    import equinox as eqx
    import jax

    return eqx.filter_eval_shape(MODELS[MODEL], key=jax.random.key(0))


def _shapes() -> list[tuple[int, ...]]:
    import jax

    found = jax.tree.leaves(_skeleton())
    return [x.shape for x in found if isinstance(x, jax.ShapeDtypeStruct)]


def eqinit(law: str) -> dict[str, float]:
    """`plan.apply` of one law to every parameter."""
    import jax

    import eqinit as ei

    inits = {"normal": ei.Normal(0.02), "truncated_normal": ei.TruncatedNormal(0.02)}
    skeleton = _skeleton()
    plan = ei.plan(skeleton, [("**", inits[law])])
    key = jax.random.key(0)
    return _fresh.repeated(lambda: plan.apply(skeleton, key), TIMES)


def _jax(law: str) -> Callable[[Any, tuple[int, ...]], Any]:
    import jax

    if law == "normal":
        return lambda key, shape: 0.02 * jax.random.normal(key, shape)
    return lambda key, shape: 0.02 * jax.random.truncated_normal(key, -2, 2, shape)


def jax_random(law: str) -> dict[str, float]:
    """`jax.random`, a parameter at a time, compiled once per shape."""
    import jax

    draw = jax.jit(_jax(law), static_argnums=1)
    shapes = _shapes()
    keys = list(jax.random.split(jax.random.key(0), len(shapes)))
    return _fresh.repeated(lambda: list(map(draw, keys, shapes)), TIMES)


def torch(law: str) -> dict[str, float]:
    """`torch.nn.init`, in place, as torch does it."""
    import torch

    fill = {
        "normal": lambda x: torch.nn.init.normal_(x, 0.0, 0.02),
        "truncated_normal": lambda x: torch.nn.init.trunc_normal_(
            x, 0.0, 0.02, -0.04, 0.04
        ),
    }[law]
    shapes = _shapes()
    return _fresh.repeated(lambda: [fill(torch.empty(s)) for s in shapes], TIMES)


def plain(law: str) -> dict[str, float]:
    """The same bytes, all the same: what memory alone costs."""
    del law
    shapes = _shapes()
    return _fresh.repeated(
        lambda: [np.full(s, 0.02, np.float32) for s in shapes], TIMES
    )


WAYS = {
    "eqinit": "steady.eqinit",
    "jax.random": "steady.jax_random",
    "torch": "steady.torch",
    "plain fill": "steady.plain",
}


def measure(turns: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for law in ("normal", "truncated_normal"):
        calls = {way: (function, law) for way, function in WAYS.items()}
        found[law] = _fresh.in_turns(calls, turns)
        base = found[law]["eqinit"]["wall"]
        for way, run in found[law].items():
            print(f"{law:18}{way:12}{run['wall']:7.3f} s {run['wall'] / base:6.2f}x")
    return found
