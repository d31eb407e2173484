"""What a constructor changes beside what it returns: noticed, and put back.

One that keeps a generator of keys in a global, or a table in a cache, leaves values of
a trace there when it is traced. Whoever uses them next would fail, wherever that is.
"""

import functools
import gc
import random
import types
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from jax.core import Tracer

from .._memo import Memo
from .._parameters.keys import is_tracing
from .places import places


class Surroundings:
    """The mutable state that a function can reach, as it is now."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._places = [(place, place.read()) for place in places(make)]
        self._random = random.getstate(), np.random.get_state()
        self._collections = _collections()
        # Those of a trace around this one, which may be old.
        self._known: Memo[None] = Memo()
        for tracer in _tracers(None if is_tracing() else 0):
            self._known.put((tracer,), None)

    def leaks(self) -> "Leaks":
        """Tracers that are alive and were not. The trace is over, so none should be."""
        # What is new has not left the youngest generation, unless it was collected.
        generation = 0 if _collections() == self._collections else None
        new = [weakref.ref(t) for t in _tracers(generation) if (t,) not in self._known]
        return Leaks(new)

    def restore(self) -> None:
        """Put everything back as it was."""
        for place, before in self._places:
            if not place.is_as(before):
                place.write(before)
        random.setstate(self._random[0])
        np.random.set_state(self._random[1])


class Leaks:
    """Tracers that something holds after their trace."""

    def __init__(self, tracers: Sequence["weakref.ref[Any]"]) -> None:
        self._tracers = tracers

    def __bool__(self) -> bool:
        if any(True for _ in self._alive()):
            gc.collect()  # what only a cycle of garbage holds is no leak
        return any(True for _ in self._alive())

    def _alive(self) -> Iterator[Any]:
        return (tracer for ref in self._tracers if (tracer := ref()) is not None)

    def empty_caches(self) -> None:
        """Empty every `functools.lru_cache` that holds one of them."""
        if not self:
            return
        alive = Memo[None]()
        for tracer in self._alive():
            alive.put((tracer,), None)
        for cache in [x for x in gc.get_objects() if type(x) is _CACHE]:
            if any((thing,) in alive for thing in _held(cache)):
                cache.cache_clear()


def _collections() -> int:
    return sum(stats["collections"] for stats in gc.get_stats())


def _tracers(generation: int | None) -> list[Any]:
    # By their classes: `isinstance` runs code of strangers, which proxies have.
    known: dict[type, bool] = {}
    found: list[Any] = []
    for thing in gc.get_objects(generation):
        cls = type(thing)
        if cls not in known:
            known[cls] = issubclass(cls, Tracer)
        if known[cls]:
            found.append(thing)
    return found


_CACHE = type(functools.lru_cache(lambda: None))
# What leads out of a cache into all that a program has loaded.
_ELSEWHERE = (type, types.ModuleType, types.FrameType, _CACHE)


def _held(cache: Any, levels: int = 4) -> Iterator[Any]:
    """What a cache of a function holds, and what that holds.

    From the few caches down, and not from the tracers up: who refers to an object is
    known to nobody, so that each such question goes through the whole memory.
    """
    seen = Memo[None]()
    level = [cache]
    for _ in range(levels):
        below: list[Any] = []
        for holder in level:
            for thing in _referents(holder):
                if (thing,) not in seen and not isinstance(thing, _ELSEWHERE):
                    seen.put((thing,), None)
                    below.append(thing)
        yield from below
        level = below


def _referents(holder: Any) -> Sequence[Any]:
    if type(holder) is types.FunctionType:  # and not the globals of its module
        return [holder.__closure__, holder.__defaults__]
    return gc.get_referents(holder)
