"""On an accelerator: cold and steady, against peers on the same device, in one run.

    python -m benchmarks --accelerator           # under eight minutes on one GPU
    python -m benchmarks --accelerator --small   # small sizes, on whatever there is

Every figure is from a process of its own, which is stopped after `LIMIT` seconds: what
takes longer is shown as that. torch takes part where it is installed with CUDA.
"""

import contextlib
import functools
import gc
import importlib.util
import json
from pathlib import Path
from typing import Any

from . import fresh as _fresh


RESULTS = Path(__file__).with_name("accelerator.json")
# Seconds for one process, its start included, and for all of them.
LIMIT, BUDGET = 60, 480
MODELS = ("gpt2", "resnet50")
VARIANTS = ("eqinit", "equinox", "jax leaf by leaf", "one jit", "flax nnx", "torch")
# Side and number of the orthogonal matrices.
MATRICES = ((1024, 1), (1024, 48), (4096, 1))


def _make(model: str, small: bool) -> Any:
    from .models import GPT, MODELS as USUAL, SMALL

    if model == "7b":
        # Llama's sizes in GPT's blocks: 6.9 B parameters, 13.9 GB in bfloat16.
        sizes = (64, 16, 2, 32) if small else (32000, 4096, 34, 4096)
        return functools.partial(GPT, *sizes)
    return SMALL["vit" if model == "gpt2" else "resnet"] if small else USUAL[model]


def _peak() -> int:
    """Most bytes that the device has held; 0 where it does not say (CPU)."""
    import jax

    stats = jax.devices()[0].memory_stats() or {}
    return int(stats.get("peak_bytes_in_use", 0))


def _size(made: Any) -> int:
    import jax

    arrays = [x for x in jax.tree.leaves(made) if isinstance(x, jax.Array)]
    keys = jax.dtypes.prng_key
    return sum(x.nbytes for x in arrays if not jax.dtypes.issubdtype(x.dtype, keys))


def _torch_device() -> contextlib.AbstractContextManager[Any]:
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _call(model: str, variant: str, small: bool) -> Any:
    """The variant's work as a function of no arguments that ends when it is done."""
    import jax

    from .peers import VARIANTS as WAYS

    key = jax.block_until_ready(jax.random.key(0))
    make = _make(model, small)
    if variant != "torch":
        return lambda: WAYS[variant](make, key)

    def call() -> Any:
        import torch

        with _torch_device():
            made = WAYS["torch"](make, key)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return made

    return call


def model_run(model: str, variant: str, small: bool) -> dict[str, float]:
    """First call and a call after it, in seconds; peak over the model's bytes."""
    call = _call(model, variant, small)
    if variant == "eqinit":
        import eqinit  # noqa: F401
    gc.collect()
    made, first = _fresh.clock(call)
    peak, size = _peak(), _size(made)
    del made
    gc.collect()
    _, again = _fresh.clock(call)
    memory = {"memory": peak / size} if peak and size else {}
    return {"cold": first["wall"], "again": again["wall"], **memory}


def large_run(way: str, small: bool) -> dict[str, float]:
    """A transformer of 7 B parameters in bfloat16, from its skeleton alone."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    def half(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct(leaf.shape, jnp.bfloat16)

    skeleton = eqx.filter_eval_shape(_make("7b", small), key=jax.random.key(0))
    structs, rest = eqx.partition(
        skeleton, lambda x: isinstance(x, jax.ShapeDtypeStruct)
    )
    skeleton = eqx.combine(jax.tree.map(half, structs), rest)
    key = jax.random.key(0)
    made, first = _fresh.clock(lambda: _draw_large(way, skeleton, key))
    peak, size = _peak(), _size(made)
    memory = {"memory": peak / size} if peak else {}
    return {"cold": first["wall"], "billions": size / 2e9, **memory}


def _draw_large(way: str, skeleton: Any, key: Any) -> Any:
    import jax
    import jax.numpy as jnp

    if way == "eqinit":
        import eqinit as ei

        return ei.apply(skeleton, key, [("**", ei.Normal(0.02))])
    leaves, treedef = jax.tree.flatten(skeleton)
    std = jnp.bfloat16(0.02)
    made = [
        std * jax.random.normal(jax.random.fold_in(key, i), leaf.shape, leaf.dtype)
        if isinstance(leaf, jax.ShapeDtypeStruct)
        else leaf
        for i, leaf in enumerate(leaves)
    ]
    return jax.tree.unflatten(treedef, made)


def orthogonal_run(way: str, side: int, count: int) -> dict[str, float]:
    from . import orthogonal

    if way == "jax":
        return orthogonal.jax_orthogonal(count, side)
    return orthogonal.eqinit(count, side, way)


def bits_run() -> dict[str, float]:
    """Share of entries that are on this device what they are on the CPU.

    Of eqinit's draws and of `jax.random`'s, for each law. The erf_inv of an accelerator
    may round otherwise than that of a CPU; uniform draws must agree in every bit.
    """
    import jax
    import numpy as np

    import eqinit as ei

    shape, key = (1024, 1024), jax.random.key(0)
    laws = {"normal": ei.Normal(), "truncated": ei.TruncatedNormal()}
    laws |= {"uniform": ei.Uniform(-1.0, 1.0)}
    theirs = {
        "normal": lambda k: jax.random.normal(k, shape),
        "truncated": lambda k: jax.random.truncated_normal(k, -2, 2, shape),
        "uniform": lambda k: jax.random.uniform(k, shape, minval=-1, maxval=1),
    }
    skeleton = [jax.ShapeDtypeStruct(shape, np.float32)]
    shares: dict[str, float] = {}
    for name, init in laws.items():
        ours = _on_both(lambda k, i=init: ei.apply(skeleton, k, [("**", i)])[0], key)
        jaxs = _on_both(theirs[name], key)
        shares |= {f"{name}, eqinit": ours, f"{name}, jax": jaxs}
    return shares


def _on_both(draw: Any, key: Any) -> float:
    import jax
    import numpy as np

    here = np.asarray(draw(key))
    cpu = jax.devices("cpu")[0]
    with jax.default_device(cpu):
        there = np.asarray(draw(jax.device_put(key, cpu)))
    return float((here.view(np.uint32) == there.view(np.uint32)).mean())


def device() -> dict[str, Any]:
    import jax

    first = jax.devices()[0]
    return {
        "platform": first.platform,
        "kind": first.device_kind,
        "jax": jax.__version__,
        "torch": importlib.util.find_spec("torch") is not None,
    }


def _installed(variant: str) -> bool:
    needs = {"flax nnx": "flax", "torch": "torch"}
    return importlib.util.find_spec(needs.get(variant, "jax")) is not None


def _calls(small: bool) -> dict[str, tuple[Any, ...]]:
    """Name to call, the most telling first: the budget may end before the list."""
    calls: dict[str, tuple[Any, ...]] = {"bits": ("accelerator.bits_run",)}
    for model in MODELS:
        for variant in filter(_installed, VARIANTS):
            call = ("accelerator.model_run", model, variant, small)
            calls[f"{model} | {variant}"] = call
    for way in ("eqinit", "jax leaf by leaf"):
        calls[f"7b, bf16 | {way}"] = ("accelerator.large_run", way, small)
    for side, count in ((32, 3),) if small else MATRICES:
        for way in ("jax", "qr", "householder"):
            call = ("accelerator.orthogonal_run", way, side, count)
            calls[f"{count} x {side} | {way}"] = call
    return calls


def measure(small: bool = False) -> dict[str, Any]:
    """Everything; figures as they come, and `None` for what hit the limit."""
    clock = _fresh.Stopwatch()
    runs: dict[str, Any] = {}
    for name, call in _calls(small).items():
        if clock.seconds > BUDGET - LIMIT:
            print(f"{name}: left out, the {BUDGET} s are over")
            continue
        runs[name] = _fresh.within(LIMIT, *call)
        print(name, runs[name] or f"over {LIMIT} s", flush=True)
    return {"device": _fresh.fresh("accelerator.device"), "small": small, "runs": runs}


def main(small: bool) -> None:
    results = measure(small)
    if not small:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
