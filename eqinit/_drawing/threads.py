"""Side by side: matrix schemes, of whose kind there are several, in threads."""

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax

from .._memo import Memo
from .._typing import Key
from .ask import Ask
from .one import draw_one
from .row import Row
from .way import AbstractWay, Progress


# Numbers in one matrix from which on it shows: eight of 1024 x 1024 take a second.
_MUCH = 1 << 18
_MOST_WORKERS = 8  # each holds a few copies of its matrix


@functools.cache
def workers() -> int:
    """How many draws may run side by side.

    One decomposition keeps one core busy, so two at a time take half as long: jax
    itself runs one after the other. But LAPACK with threads of its own (its default)
    takes every core for each, and two of them then take longer than one by one.
    """
    if jax.default_backend() != "cpu":
        return 1
    limits = [os.environ.get(f"{name}_NUM_THREADS") for name in ("OPENBLAS", "OMP")]
    alone = next(filter(None, limits), "") == "1"
    return min(os.cpu_count() or 1, _MOST_WORKERS) if alone else 1


class SideBySide(AbstractWay):
    """Large matrices without a law, where LAPACK has one thread."""

    def takes(self, ask: Ask) -> bool:
        return ask.law is None and ask.spec.size >= _MUCH and workers() > 1

    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        # Compiled here: a thread has settings of its own, and must not run users' code.
        ready = Memo[Callable[[Key], Any]]()
        with ThreadPoolExecutor(workers()) as pool:
            futures: list[Future[Any]] = []
            for ask in asks:
                key, row = ask.key, ask.row
                draw = ready.once(
                    (row.init, row.spec), lambda row=row, key=key: _compiled(row, key)
                )
                futures.append(pool.submit(_finished, draw, key))
            for ask, future in zip(asks, futures, strict=True):
                value, device = future.result(), ask.device
                yield value if device is None else jax.device_put(value, device)
                progress(ask.spec.nbytes)


def _compiled(row: Row, key: Key) -> Callable[[Key], Any]:
    """`draw_one` of rows like this one, as a function that no thread compiles anew."""
    return jax.jit(lambda key: draw_one(row, key)).lower(key).compile()


def _finished(draw: Callable[[Key], Any], key: Key) -> Any:
    return jax.block_until_ready(draw(key))
