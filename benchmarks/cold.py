"""Cold start: from a process that has imported everything to a model that is ready."""

import gc
import importlib
from typing import Any

import jax

from . import fresh as _fresh
from .models import MODELS
from .peers import IMPORTS, VARIANTS


# Minutes of compilation: once has to do.
ONCE = ("one jit", "flax nnx", "haiku")
# A program of ten thousand draws: the compiler does not come back.
TOO_LONG = {("leaves_10k", "one jit")}
COMPARED = [
    *("gpt2", "resnet50", "vit_b16", "mlp_100x256", "gpt_12x64", "efficientnet"),
    "leaves_10k",
]


def one(model: str, variant: str) -> dict[str, float]:
    """Wall and CPU seconds, and the peak of memory over what was there before."""
    if variant in IMPORTS:
        importlib.import_module(IMPORTS[variant])
    key = jax.block_until_ready(jax.random.key(0))
    gc.collect()
    before = _fresh.peak_bytes()
    made, run = _fresh.clock(lambda: VARIANTS[variant](MODELS[model], key))
    peak = _fresh.peak_bytes() - before
    arrays = [x for x in jax.tree.leaves(made) if isinstance(x, jax.Array)]
    size = sum(x.nbytes for x in arrays if not _is_key(x))
    return {**run, "peak": peak, "size": size}


def _is_key(array: Any) -> bool:
    return jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key)


def measure(models: list[str], variants: list[str], turns: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for model in models:
        here = [v for v in variants if (model, v) not in TOO_LONG]
        calls = {v: ("cold.one", model, v) for v in here}
        often = {v: call for v, call in calls.items() if v not in ONCE}
        once = {v: call for v, call in calls.items() if v in ONCE}
        runs = _fresh.in_turns(often, turns) | _fresh.in_turns(once, 1)
        found[model] = {v: runs[v] for v in here}
        base = found[model]["eqinit"]["wall"]
        for variant, run in found[model].items():
            print(
                f"{model:14}{variant:22}{run['wall']:8.2f} s {run['wall'] / base:6.2f}x"
                f"  cpu {run['cpu']:6.2f} s",
                flush=True,
            )
    return found
