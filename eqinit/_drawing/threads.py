"""Draw parameters that come whole (a matrix scheme's), several of a kind at a time."""

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax

from .._laws.law import AbstractLaw
from .._typing import Array, Key
from .one import compile_one, draw_one
from .row import Row


# Numbers of one kind in all, from which on it shows: eight matrices of 1024 x 1024.
_MUCH = 1 << 23
_MOST_WORKERS = 8  # each holds a few copies of its matrix


@functools.cache
def _workers() -> int:
    """How many draws may run side by side.

    One decomposition keeps one core busy, so two at a time take half as long: jax
    itself runs one after the other. But LAPACK with threads of its own (its default)
    takes every core for each, and two of them then take longer than one by one.
    """
    if jax.default_backend() != "cpu":
        return 1
    said = [os.environ.get(f"{name}_NUM_THREADS") for name in ("OPENBLAS", "OMP")]
    alone = next(filter(None, said), "") == "1"
    return min(os.cpu_count() or 1, _MOST_WORKERS) if alone else 1


def draw_each(
    rows: Sequence[Row], laws: Sequence[AbstractLaw | None], keys: Sequence[Key]
) -> Iterator[Array]:
    """`draw_one` of each, in order."""
    if _workers() == 1:
        yield from map(draw_one, rows, keys)
        return
    kinds = [
        None if law is not None else (id(row.init), row.spec)
        for row, law in zip(rows, laws, strict=True)
    ]
    counts = Counter(kind for kind in kinds if kind is not None)
    much = {same for same, n in counts.items() if n * same[1].size >= _MUCH and n > 1}
    # Compiled here: a thread has settings of its own, and must not run users' code.
    ready: dict[Any, Callable[[Key], Any]] = {}
    with ThreadPoolExecutor(_workers()) as pool:
        futures: list[Future[Any] | None] = []
        for row, kind, key in zip(rows, kinds, keys, strict=True):
            if kind not in much:
                futures.append(None)
                continue
            if kind not in ready:
                ready[kind] = compile_one(row, key)
            futures.append(pool.submit(_finished, ready[kind], key))
        for row, key, future in zip(rows, keys, futures, strict=True):
            yield draw_one(row, key) if future is None else future.result()


def _finished(draw: Callable[[Key], Any], key: Key) -> Any:
    return jax.block_until_ready(draw(key))
