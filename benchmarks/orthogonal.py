"""Random orthogonal matrices against `jax.nn.initializers.orthogonal`."""

from typing import Any

from . import fresh as _fresh


CASES = {"1024": (1, 1024), "48 x 1024": (48, 1024), "4096": (1, 4096)}


def _times(side: int, count: int) -> int:
    return 1 if side > 2000 or count > 1 else 5


def jax_orthogonal(count: int, side: int) -> dict[str, float]:
    import jax

    init = jax.nn.initializers.orthogonal()
    keys = list(jax.random.split(jax.random.key(0), count))
    return _fresh.repeated(
        lambda: [init(k, (side, side)) for k in keys], _times(side, count)
    )


def eqinit(count: int, side: int, algorithm: Any) -> dict[str, float]:
    import jax
    import jax.numpy as jnp

    import eqinit as ei

    skeleton = [jax.ShapeDtypeStruct((side, side), jnp.float32) for _ in range(count)]
    rule = ei.Rule("**", ei.Orthogonal(algorithm=algorithm), axes="out in")
    plan, key = ei.plan(skeleton, [rule]), jax.random.key(0)
    return _fresh.repeated(lambda: plan.apply(skeleton, key), _times(side, count))


def measure(turns: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (count, side) in CASES.items():
        calls: dict[str, tuple[Any, ...]] = {
            "jax leaf by leaf": ("orthogonal.jax_orthogonal", count, side)
        }
        for algorithm in ("qr", "householder"):
            calls[algorithm] = ("orthogonal.eqinit", count, side, algorithm)
        # Half a minute each: the calls within a process are repeated instead.
        found[name] = _fresh.in_turns(calls, turns if side * count < 4096 else 1)
        for way, run in found[name].items():
            print(f"{name:12}{way:18}{run['wall']:8.3f} s  cpu {run['cpu']:8.3f} s")
    return found
