"""No garbage collection where many objects are made and none are dropped."""

import functools
import gc
import threading
import weakref
from collections.abc import Callable
from typing import ParamSpec, TypeVar


_T = TypeVar("_T")
_P = ParamSpec("_P")


# The collector is one for all threads. So those that want none are held in a set, and
# the last one to leave puts things back as the first one met them. Were each to restore
# what it met itself, the later one of two that overlap would leave it off for good.
_LOCK = threading.RLock()
_inside: "weakref.WeakSet[no_collection]" = weakref.WeakSet()
_is_off = False  # and it is we who turned it off


class no_collection:
    """Look for no garbage meanwhile; nestable, and right in several threads.

    Tracing, planning and filling thousands of layers make objects and next to no
    garbage. The collector looks all of them through again and again, which takes a
    quarter of the time.

    An interrupt may come at any line, those of this class included: what it keeps from
    leaving leaves when it dies. No generator, whose frames and exception would hold
    each other, and die when the collector comes.
    """

    def __enter__(self) -> None:
        global _is_off
        with _LOCK:
            _inside.add(self)
            # In this order: an interrupt in between has it enabled once more.
            _is_off = _is_off or gc.isenabled()
            gc.disable()

    def __exit__(self, *_: object) -> None:
        _leave(self)

    def __del__(self) -> None:
        _leave(self)

    def __call__(self, fn: Callable[_P, _T]) -> Callable[_P, _T]:
        @functools.wraps(fn)
        def quiet(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            with no_collection():
                return fn(*args, **kwargs)

        return quiet


def _leave(visit: no_collection) -> None:
    global _is_off
    with _LOCK:
        _inside.discard(visit)
        if _is_off and not _inside:
            gc.enable()
            _is_off = False
