"""The way on an accelerator: nothing leaves it, at one small compilation per shape."""

import functools
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np
from jax import Array, lax

from .kernels import WIDTH, Kernel
from .request import FillRequest
from .rows import RowTable, rows_of


@functools.partial(jax.jit, static_argnums=(2,))
def _cut(block: Array, start: Array, shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape, dtype=np.int64))
    flat = lax.reshape(block, (block.size,))
    return lax.reshape(lax.dynamic_slice(flat, (start,), (size,)), shape)


@functools.partial(jax.jit, static_argnums=(1,))
def _join(blocks: list[Array], shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape, dtype=np.int64))
    flat = lax.concatenate([lax.reshape(block, (block.size,)) for block in blocks], 0)
    return lax.reshape(lax.slice(flat, (0,), (size,)), shape)


def _shared_launches(
    requests: Sequence[FillRequest], rows: int
) -> Iterator[list[tuple[int, FillRequest]]]:
    """Runs of leaves that fit into one launch; a leaf too long for one is alone."""
    run: list[tuple[int, FillRequest]] = []
    used = 0
    for i, request in enumerate(requests):
        used += rows_of(request.size)
        if run and used > rows:
            yield run
            run, used = [], rows_of(request.size)
        run.append((i, request))
    if run:
        yield run


def fill_device(
    requests: Sequence[FillRequest],
    kernel: Kernel,
    rows: int,
    put: Callable[..., list[Array]],
    progress: Callable[[int], object],
) -> list[Array]:
    """Draws requests that share a kernel, and keeps them where they were drawn."""
    results: list[tuple[int, Array]] = []
    for run in _shared_launches(requests, rows):
        indices, members = zip(*run, strict=True)
        launches = list(RowTable(members).launches(rows))
        blocks = [kernel(launch.table) for launch in launches]
        if len(blocks) > 1:
            arrays = [_join(blocks, members[0].shape)]
        else:
            lengths = [rows_of(request.size) * WIDTH for request in members]
            starts = np.cumsum([0, *lengths], dtype=np.int32)
            arrays = [
                _cut(blocks[0], np.int32(start), request.shape)
                for start, request in zip(starts, members, strict=False)
            ]
        results.extend(zip(indices, put(arrays), strict=True))
        progress(sum(array.nbytes for array in arrays))
    return [array for _, array in sorted(results, key=lambda pair: pair[0])]
