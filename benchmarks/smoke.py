"""Every benchmark once, at sizes for tests and in one process: that it still runs."""

import functools
from collections.abc import Callable
from typing import Any

from . import accelerator, orthogonal, scaling, steady, traced
from .models import SMALL
from .peers import OURS, VARIANTS


def _calls() -> dict[str, Callable[[], Any]]:
    import jax

    key = jax.random.key(0)
    ours = {name: VARIANTS[name] for name in ("equinox", "jax leaf by leaf", *OURS)}
    calls: dict[str, Callable[[], Any]] = {
        f"cold {model} {name}": lambda way=way, make=make: way(make, key)
        for model, make in SMALL.items()
        for name, way in ours.items()
    }
    steady.MODELS = {steady.MODEL: SMALL["mlp"]}
    calls |= {
        f"steady {way} {law}": lambda f=f, law=law: f(law)
        for law in ("normal", "truncated_normal")
        for way, f in {"eqinit": steady.eqinit, "jax": steady.jax_random}.items()
    }
    calls |= {
        "orthogonal jax": lambda: orthogonal.jax_orthogonal(2, 8),
        "orthogonal qr": lambda: orthogonal.eqinit(2, 8, "qr"),
        "orthogonal householder": lambda: orthogonal.eqinit(2, 8, "householder"),
        "scaling": lambda: scaling.plan_and_keys(20),
        "imports": scaling.imports,
        "jit": lambda: traced.jitted_run(SMALL["mlp"]),
        "accelerator model": lambda: accelerator.model_run("gpt2", "eqinit", True),
        "accelerator 7b": lambda: accelerator.large_run("eqinit", True),
        "accelerator bits": accelerator.bits_run,
        "accelerator orthogonal": lambda: accelerator.orthogonal_run("qr", 8, 2),
    }
    for way in traced.WAYS:
        run = functools.partial(traced.ensemble_run, SMALL["mlp"], way)
        calls[f"ensemble, {way}"] = run
    return calls


def run() -> None:
    for name, call in _calls().items():
        found = call()
        figures = found if isinstance(found, dict) else {}
        assert all(value >= 0 for value in figures.values()), (name, figures)
        print(name, "ok", flush=True)
