"""From a fresh process to a ready model: `eqinit.build` against its alternatives.

    python benchmarks/build_cold.py [--runs 3] [model ...]

Every number is the median over fresh processes, each of which imports everything first
and then times one call. The clock runs until the last array is there; the variants of a
model take turns, so that a busy machine disturbs all of them alike.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


ROOT = Path(__file__).parents[1]
STAGES = ("trace", "resolve", "evaluate", "derive_keys", "fill", "draw_rows")


def _rules() -> list[Any]:
    import equinox as eqx

    import eqinit as ei

    return [
        ei.Rule(eqx.nn.Conv, weight=ei.HeNormal(), bias=ei.Zeros(), optional=True),
        ei.Rule(eqx.nn.Linear, weight=ei.LecunNormal(), bias=ei.Zeros(), optional=True),
        ei.Rule(eqx.nn.Embedding, weight=ei.Normal(0.02), optional=True),
    ]


def constructor(make: Callable[..., Any], key: Any) -> Any:
    """Equinox's own values."""
    return make(key=key)


def initializers(make: Callable[..., Any], key: Any) -> Any:
    """`jax.nn.initializers`, a leaf at a time, on an abstract model."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    model = eqx.filter_eval_shape(make, key=key)
    leaves, treedef = jax.tree.flatten(model)
    he = jax.nn.initializers.he_normal(in_axis=1, out_axis=0)
    keys = jax.random.split(key, len(leaves))
    for i, leaf in enumerate(leaves):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            continue
        if len(leaf.shape) > 1 and leaf.size > leaf.shape[0]:
            leaves[i] = he(keys[i], leaf.shape, leaf.dtype)
        else:
            leaves[i] = jnp.zeros(leaf.shape, leaf.dtype)
    return jax.tree.unflatten(treedef, leaves)


def build(make: Callable[..., Any], key: Any) -> Any:
    """Every kernel by a rule, every bias zero."""
    import eqinit as ei

    return ei.build(make, key, _rules())


def build_kernels(make: Callable[..., Any], key: Any) -> Any:
    """Kernels by a rule; biases are the constructor's, at random."""
    import eqinit as ei

    return ei.build(make, key, [ei.Rule(ei.Role("kernel"), ei.HeNormal())])


VARIANTS = {f.__name__: f for f in (constructor, initializers, build, build_kernels)}


def _timed(seconds: dict[str, float]) -> None:
    """Add up the time inside of the functions called as the stages are."""
    import eqinit._build
    import eqinit._draw
    import eqinit._plan
    import eqinit._trace._evaluate

    modules = (eqinit._build, eqinit._draw, eqinit._plan, eqinit._trace._evaluate)
    for module in modules:
        for name in STAGES:
            if hasattr(module, name):
                setattr(module, name, _stage(getattr(module, name), name, seconds))


def _stage(call: Any, name: str, seconds: dict[str, float]) -> Any:
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            spent = time.perf_counter() - start
            seconds[name] = seconds.get(name, 0.0) + spent

    return timed


def child(model: str, variant: str) -> dict[str, Any]:
    import equinox as eqx
    import jax

    seconds: dict[str, float] = {}
    if variant.startswith("build"):
        before = time.perf_counter()
        import beartype  # noqa: F401

        middle = time.perf_counter()
        import eqinit  # noqa: F401

        seconds["import"] = time.perf_counter() - middle
        seconds["import beartype"] = middle - before
        _timed(seconds)
    sys.path.insert(0, str(ROOT))
    from benchmarks.models import MODELS

    key = jax.block_until_ready(jax.random.key(0))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    tree = VARIANTS[variant](MODELS[model], key)
    arrays = jax.block_until_ready(eqx.filter(tree, eqx.is_array))
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(arrays))
    return {"wall": wall, "cpu": cpu, "peak": peak * 1024, "size": size, **seconds}


def measure(models: list[str], runs: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for model in models:
        times: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
        for _ in range(runs):
            for variant in VARIANTS:
                command = [sys.executable, __file__, "--child", model, variant]
                result = subprocess.run(
                    command, capture_output=True, text=True, check=True, cwd=ROOT
                )
                times[variant].append(json.loads(result.stdout.splitlines()[-1]))
        found[model] = {v: _median(runs) for v, runs in times.items()}
        report(model, found[model])
    return found


def _median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def report(model: str, found: dict[str, Any]) -> None:
    base = found["constructor"]["wall"]
    print(f"\n{model}, {found['build']['size'] / 1e6:.1f} MB")
    for variant, run in found.items():
        print(
            f"  {variant:14}{run['wall']:7.2f} s  {base / run['wall']:6.1f}x"
            f"  cpu {run['cpu']:6.2f} s  peak {run['peak'] / run['size']:5.2f} x size"
        )
        stages = [f"{n} {run[n]:.3f}" for n in ("import", *STAGES) if n in run]
        if stages:
            print("    of which", ", ".join(stages), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(*args.child)))
        return
    usual = ["gpt2", "resnet50", "vit_b16", "mlp_100x256", "gpt_12x64", "efficientnet"]
    found = measure(args.models or usual, args.runs)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
