"""The way on CPU: launches are copied into their leaves; nothing else compiles."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from .heap import keep
from .kernels import WIDTH, Kernel
from .request import FillRequest
from .rows import Launch, RowTable


# XLA reads host memory in place if it is aligned to this, and copies it otherwise.
_ALIGNMENT = 64


def empty_aligned(size: int, dtype: Any) -> np.ndarray:
    """Host memory that a CPU array can take over without a copy."""
    bytes_ = np.empty(size * np.dtype(dtype).itemsize + _ALIGNMENT, np.uint8)
    skip = -bytes_.ctypes.data % _ALIGNMENT
    return bytes_[skip : len(bytes_) - _ALIGNMENT + skip].view(dtype)


def _ahead(
    launches: Iterable[Launch], kernel: Kernel
) -> Iterator[tuple[Launch, jax.Array]]:
    """Each launch with its output, the next under way while this is copied out."""
    waiting: deque[tuple[Launch, jax.Array]] = deque()
    for launch in launches:
        waiting.append((launch, kernel(launch.table)))
        if len(waiting) > 1:
            yield waiting.popleft()
    yield from waiting


def fill_host(
    requests: Sequence[FillRequest],
    kernel: Kernel,
    rows: int,
    put: Callable[..., list[Any]],
    progress: Callable[[int], object],
    memory: Sequence[np.ndarray] | None = None,
) -> list[Any]:
    """Draws requests that share a kernel; into `memory`, flat, if there is some.

    Every leaf is copied into memory of its own, which becomes the array without another
    copy: nothing else refers to it, so nothing can write to it afterwards. A view of a
    launch would become an array as well, whatever `may_alias` says, and hold all of it.
    """
    keep(rows * WIDTH * np.dtype(np.float32).itemsize)
    results: list[Any] = [None] * len(requests)
    open_leaves: dict[int, np.ndarray] = {}
    for launch, output in _ahead(RowTable(requests).launches(rows), kernel):
        values = np.asarray(output).reshape(-1)
        done: dict[int, np.ndarray] = {}
        for leaf, start, stop, source in launch.pieces:
            shape, size = requests[leaf].shape, requests[leaf].size
            drawn = values[source : source + stop - start]
            if start == 0:
                own = None if memory is None else memory[leaf]
                open_leaves[leaf] = (
                    empty_aligned(size, drawn.dtype) if own is None else own
                )
            open_leaves[leaf][start:stop] = drawn
            if stop == size:
                done[leaf] = open_leaves.pop(leaf).reshape(shape)
        for leaf, array in zip(done, put(list(done.values())), strict=True):
            results[leaf] = array
        progress(sum(p.stop - p.start for p in launch.pieces) * values.itemsize)
    return results
