"""What malloc keeps at hand: the memory of launches, and nothing of a compiler."""

import ctypes
import functools
from collections.abc import Callable

import numpy as np


@functools.cache
def keep(launch_bytes: int) -> None:
    """Have malloc reuse the memory of launches instead of returning it each time.

    glibc maps a block of this size anew, page fault by page fault, and unmaps it when
    it is freed, until it has once seen a larger one freed: 10% of the time of a fill.
    Here it sees one, of which no page is ever touched. It keeps twice as much as that
    at hand, so it should be little more than a launch.
    """
    np.empty(launch_bytes + launch_bytes // 4, np.uint8)


def give_back() -> None:
    """Return to the system what is free already, in the heaps of all threads.

    A compiler leaves its thread some 10 MB, and tracing a constructor another 5, which
    nothing that comes afterwards would reuse. It takes 10 ms, so it is for what takes
    far longer. Nothing where malloc is not glibc's.
    """
    _trim()(0)


@functools.cache
def _trim() -> Callable[[int], object]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # of another C library; of Windows
        return lambda _: None
