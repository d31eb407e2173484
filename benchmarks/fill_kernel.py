"""The bulk fill kernel by itself: steady state, cold start, memory, a kernel's cost.

    python benchmarks/fill_kernel.py                     # all parts
    python benchmarks/fill_kernel.py steady cold --repeats 5

Every measurement is a fresh process, variants take turns, and medians are printed. Only
ratios mean something on a machine that is shared: they are made within one process
(steady state) or between processes that took turns (the rest). Beside the time on the
clock stands the CPU time, which other load disturbs less.
"""

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np


STEADY_SIZE = 2**23
# The shapes of GPT-2 small, 124 M parameters, whose embedding is 31% of it.
GPT2_BLOCK = [(2304, 768), (768, 768), (3072, 768), (768, 3072)]
GPT2 = [(50257, 768), (1024, 768)] + 12 * GPT2_BLOCK
# As in a mobile network: kernels of many widths, hardly two alike.
MANY = [
    (c + 8 * i, c, k, k)
    for i, (c, k) in enumerate((16 + 4 * j, k) for j in range(20) for k in (1, 3, 5))
]
SMALL = [(64, 64), (64,), (256, 64), (256,)] * 2500


def cpu_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def clock(fn: Callable[[], Any]) -> tuple[float, float]:
    import jax

    wall, cpu = time.perf_counter(), cpu_time()
    jax.block_until_ready(fn())
    return time.perf_counter() - wall, cpu_time() - cpu


def requests_of(shapes: list[tuple[int, ...]], base: str) -> list[Any]:
    from eqinit._fill.request import FillRequest

    keys = np.random.default_rng(0).integers(0, 2**32, (len(shapes), 2), np.uint32)
    return [
        FillRequest(key, shape, base, scale=0.02)
        for key, shape in zip(keys, shapes, strict=True)
    ]


def measure_steady() -> dict[str, Any]:
    import jax
    import jax.numpy as jnp

    from eqinit._fill.fill import fill

    n, key = STEADY_SIZE, jax.random.key(0)
    variants: dict[str, Callable[[], Any]] = {
        "np.full": lambda: np.full(n, 1, np.float32),
        "jnp.full": lambda: jnp.full(n, 1, jnp.float32),
        "random.normal": lambda: jax.random.normal(key, (n,)),
        "random.truncated_normal": lambda: jax.random.truncated_normal(
            key, -2.0, 2.0, (n,)
        ),
        "random.uniform": lambda: jax.random.uniform(key, (n,)),
    }
    for base in ("normal", "truncated_normal", "uniform", "lognormal"):
        requests = requests_of([(n,)], base)
        variants[f"fill {base}"] = functools.partial(fill, requests)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for turn in range(8):
        for name, fn in variants.items():
            took = clock(fn)
            if turn > 0:
                runs[name].append(took)
    return {
        name: [statistics.median(t[i] for t in times) * 1e9 / n for i in (0, 1)]
        for name, times in runs.items()
    }


def measure_cold(way: str, shapes: list[tuple[int, ...]]) -> dict[str, float]:
    import jax
    import jax.numpy as jnp

    jax.block_until_ready(jnp.zeros(3))  # The backend's own start is everybody's.
    key_data = [r.key_data for r in requests_of(shapes, "normal")]
    from eqinit._fill.fill import fill
    from eqinit._fill.kernels import prefetch
    from eqinit._fill.request import FillRequest

    def bulk() -> Any:
        return fill(
            [
                FillRequest(k, s, "truncated_normal", scale=0.02)
                for k, s in zip(key_data, shapes, strict=True)
            ]
        )

    def leaf_by_leaf() -> Any:
        init = jax.nn.initializers.truncated_normal(0.02)
        keys = [jax.random.wrap_key_data(jnp.asarray(k)) for k in key_data]
        return [init(k, s) for k, s in zip(keys, shapes, strict=True)]

    if way == "prefetched":
        prefetch(["truncated_normal"])
        time.sleep(2)
    wall, cpu = clock({"leaf by leaf": leaf_by_leaf}.get(way, bulk))
    return {"wall": wall, "cpu": cpu}


def measure_memory(way: str) -> dict[str, float]:
    import jax

    from eqinit._fill.fill import fill

    # The compiler's own memory is not the leaves': compile before counting.
    fill(requests_of([(3,)], "normal"))

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    start = peak()
    requests = requests_of(GPT2, "normal")
    if way == "fill":
        arrays = fill(requests)
    else:
        key = jax.random.key(0)
        arrays = [jax.random.normal(key, r.shape) * 0.02 for r in requests]
    jax.block_until_ready(arrays)
    return {"ratio": (peak() - start) / sum(a.nbytes for a in arrays)}


def measure_kernel(base: str) -> dict[str, float]:
    import jax
    import jax.numpy as jnp

    from eqinit._fill import kernels as _kernels

    jax.block_until_ready(jnp.zeros(3))
    device = jax.devices()[0]
    args = (base, "float32", _kernels.rows_per_launch(device), device)
    wall, cpu = clock(lambda: _kernels.compiled(*args) and None)
    return {"wall": wall, "cpu": cpu}


def measure_rows(rows: int) -> dict[str, float]:
    import eqinit._fill.fill as entry

    entry.rows_per_launch = lambda _: rows  # pyright: ignore
    requests = requests_of([(STEADY_SIZE,)], "normal")
    times = [clock(lambda: entry.fill(requests)) for _ in range(8)][1:]
    wall, cpu = (statistics.median(t[i] for t in times) for i in (0, 1))
    return {"wall": wall * 1e9 / STEADY_SIZE, "cpu": cpu * 1e9 / STEADY_SIZE}


def fresh(call: str, env: dict[str, str]) -> Any:
    """The value of `call` in a process of its own, with this file's names in scope."""
    code = f"import fill_kernel as f, json; print(json.dumps(f.{call}))"
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.pathsep.join([here, os.path.dirname(here)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **env},
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout)


def compare(
    title: str, calls: dict[str, str], repeats: int, env: dict[str, dict[str, str]]
) -> None:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            runs[name].append(fresh(call, env.get(name, {})))
    print(f"\n{title}")
    for name, results in runs.items():
        columns = [
            f"{field} {statistics.median(r[field] for r in results):.3f}"
            for field in results[0]
        ]
        print(f"  {name:<28}" + "  ".join(columns))


def print_steady(repeats: int) -> None:
    runs = [fresh("measure_steady()", {}) for _ in range(repeats)]
    print(f"\nSteady state, ns an element ({STEADY_SIZE} float32): clock, CPU; ratios")

    def median(get: Callable[[dict[str, Any]], float]) -> float:
        return statistics.median(map(get, runs))

    for name in runs[0]:
        took = [median(lambda r, i=i, n=name: r[n][i]) for i in (0, 1)]
        line = f"  {name:<26}{took[0]:7.2f}{took[1]:7.2f}"
        if name.startswith("fill"):
            peer = "random." + name.split()[1].replace("lognormal", "normal")
            for other in (peer, "jnp.full", "np.full"):
                clock, cpu = (
                    median(lambda r, n=name, o=other, i=i: r[n][i] / r[o][i])
                    for i in (0, 1)
                )
                line += f"  {clock:5.2f} {cpu:5.2f} x {other}"
        print(line)


def main() -> None:
    parts = ["steady", "cold", "memory", "kernel", "rows"]
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=parts)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    repeats = args.repeats
    for part in args.parts:
        if part == "steady":
            print_steady(repeats)
        elif part == "cold":
            ways = ["bulk", "prefetched", "leaf by leaf"]
            for label, shapes in (("60 kernels", "MANY"), ("GPT-2", "GPT2")):
                calls = {w: f"measure_cold({w!r}, f.{shapes})" for w in ways}
                compare(f"Cold start, {label}, seconds", calls, repeats, {})
            calls = {"bulk": "measure_cold('bulk', f.SMALL)"}
            compare("Cold start, 10,000 small leaves", calls, repeats, {})
        elif part == "memory":
            calls = {w: f"measure_memory({w!r})" for w in ("fill", "leaf by leaf")}
            compare("Peak memory over the leaves' bytes, GPT-2", calls, repeats, {})
        elif part == "kernel":
            kernel_costs(repeats)
        elif part == "rows":
            calls = {
                f"{r} rows of 1024": f"measure_rows({r})" for r in (16, 64, 256, 1024)
            }
            compare("Rows a launch, normal, ns an element", calls, repeats, {})


def kernel_costs(repeats: int) -> None:
    with tempfile.TemporaryDirectory() as cache:
        cached = {
            "JAX_COMPILATION_CACHE_DIR": cache,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        bases = ("normal", "uniform", "lognormal")
        calls = {base: f"measure_kernel({base!r})" for base in bases}
        fresh(calls["normal"], cached)
        calls["normal, from jax's cache"] = calls["normal"]
        env = {"normal, from jax's cache": cached}
        compare("Trace, compile and first launch of a kernel, s", calls, repeats, env)


if __name__ == "__main__":
    main()
