"""Measure in a fresh process: what one variant compiled or cached helps no other."""

import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


ROOT = Path(__file__).parents[1]
Run = dict[str, float]


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start


def fresh(function: str, *args: Any, limit: float | None = None) -> Run:
    """`benchmarks.MODULE.FUNCTION(*args)` in a process of its own, as numbers.

    **Raises:** `subprocess.TimeoutExpired` after `limit` seconds.
    """
    command = [sys.executable, "-m", "benchmarks.fresh", function, json.dumps(args)]
    # With compiled bytecode, as users have it: a hundred modules without cost 60 ms.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=limit, env=env
    )
    if done.returncode:
        raise RuntimeError(f"{function}{args} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def within(limit: float, function: str, *args: Any) -> Run | None:
    """`fresh`, or `None` for what takes longer than `limit` seconds."""
    try:
        return fresh(function, *args, limit=limit)
    except subprocess.TimeoutExpired:
        return None


def medians(runs: Iterable[Run]) -> Run:
    runs = list(runs)
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def in_turns(calls: dict[str, tuple[Any, ...]], turns: int) -> dict[str, Run]:
    """The medians of every call; they take turns, so that other load hits all alike."""
    runs: dict[str, list[Run]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            runs[name].append(fresh(*call))
    return {name: medians(found) for name, found in runs.items()}


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def clock(call: Callable[[], Any]) -> tuple[Any, Run]:
    """What a call returns, once its arrays are there, and its wall and CPU seconds."""
    import jax

    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    jax.block_until_ready([x for x in jax.tree.leaves(result) if hasattr(x, "nbytes")])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return result, {"wall": wall, "cpu": cpu}


def repeated(call: Callable[[], Any], times: int) -> Run:
    """Medians over calls in this process, the first one left out."""
    return medians([clock(call)[1] for _ in range(times + 1)][1:])


if __name__ == "__main__":
    module, _, function = sys.argv[1].rpartition(".")
    called = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    print(json.dumps(called(*json.loads(sys.argv[2]))))
