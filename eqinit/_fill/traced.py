"""The way under a trace: a few loops over rows, whatever the number of shapes.

A draw that is traced becomes code, and code is compiled: one draw per leaf takes a
minute for a model that takes a second to fill. Here leaves share a loop whose body is
the kernel of the bulk fill. Its rows are data, so it is compiled once per loop, and
what grows with the number of leaves is one slice each.

A loop writes into a buffer from which leaves are sliced, which would hold the model
twice. So leaves go by groups, one after the other, and a leaf that is a group by itself
is the buffer. A loop takes some 0.15 s to compile and a slice 0.01 s.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .bases import COLUMNS, draw_rows, float_columns, kernel_of
from .kernels import WIDTH
from .request import FillRequest, default_device, dtype_name


# Rows per step of a loop: as many as a launch of the bulk fill has on two cores.
_ROWS = 256
# A group's share of all bytes, which is what is there beside the model.
_SHARE = 0.28
# Below this, a group is not worth a loop of its own to compile.
_LEAST = 1 << 20

_LOC, _SCALE = COLUMNS - 1, COLUMNS - 2  # as `float_columns` orders them


class _Group(NamedTuple):
    """Leaves, by their place among the requests, that one loop draws."""

    members: list[int]
    kernel: str
    dtype: str


def fill_traced(
    requests: Sequence[FillRequest], key_data: Any, terms: Any
) -> list[Array]:
    """The draws of `fill`, bit for bit, as part of what is being traced.

    **Arguments:**

    - `requests`: what to draw; their keys, locations and scales are not read.
    - `key_data`: `uint32[requests, 2]`, the words of their keys.
    - `terms`: `float32[requests, 2]`, their locations and scales. A location of -0.0
        is one that is not added.

    **Returns:** one array per request, in order.
    """
    key_data, terms = jnp.asarray(key_data), jnp.asarray(terms)
    # What no loop draws is empty.
    empty = [i for i, request in enumerate(requests) if request.size == 0]
    results = {i: jnp.zeros(requests[i].shape, requests[i].dtype) for i in empty}
    after = jnp.float32(0)
    for group in _groups(requests):
        flat = _drawn(group, requests, key_data, terms, after)
        leaves = _sliced(flat, [requests[i].size for i in group.members])
        for i, leaf in zip(group.members, leaves, strict=True):
            results[i] = leaf.reshape(requests[i].shape)
        # One number of each: the next buffer is not made before these are read off.
        after = jnp.stack([leaf[-1].astype(jnp.float32) for leaf in leaves]).sum()
    return [results[i] for i in range(len(requests))]


def _groups(requests: Sequence[FillRequest]) -> list[_Group]:
    """The large leaves first, each by itself; the others in groups of some size."""
    sizes = [request.size for request in requests]
    most = max(int(_SHARE * sum(sizes)), _LEAST)
    open_groups: dict[tuple[str, str], _Group] = {}
    used: dict[tuple[str, str], int] = {}
    groups: list[_Group] = []
    for i in sorted(range(len(requests)), key=lambda i: -sizes[i]):
        if sizes[i] == 0:
            continue
        kind = kernel_of(requests[i].base), dtype_name(requests[i].dtype)
        if kind not in open_groups or used[kind] + sizes[i] > most:
            open_groups[kind], used[kind] = _Group([], *kind), 0
            groups.append(open_groups[kind])
        open_groups[kind].members.append(i)
        used[kind] += sizes[i]
    return groups


class _Rows(NamedTuple):
    """Where every row of a group's buffer belongs, and where it begins in its leaf.

    - `leaf`: `int32[steps, rows]`, the place of its leaf in the group.
    - `start`: `uint32[steps, rows, 2]`, its first element in that leaf's draw, as a
        high and a low word.
    - `offset`: `int32[steps]`, where the step's elements begin in the buffer.
    - `size`: of the buffer, in elements.
    """

    leaf: np.ndarray
    start: np.ndarray
    offset: np.ndarray
    size: int


def _rows(sizes: Sequence[int]) -> _Rows:
    """Every leaf begins a row of its own; a leaf by itself ends with the buffer."""
    if len(sizes) == 1 and sizes[0] >= WIDTH:
        return _rows_of_one(sizes[0])
    counts = [-(-size // WIDTH) for size in sizes]
    rows = _per_step(sum(counts))
    steps = max(-(-sum(counts) // rows), 2)
    leaf = np.zeros(steps * rows, np.int32)
    within = np.zeros(steps * rows, np.uint64)
    leaf[: sum(counts)] = np.repeat(np.arange(len(sizes)), counts)
    within[: sum(counts)] = np.concatenate([np.arange(n) for n in counts])
    return _laid_out(leaf, within * np.uint64(WIDTH), rows, np.arange(steps) * rows)


def _per_step(rows: int) -> int:
    # Two steps at least: the body of a loop of one step would be inlined, and compiled
    # together with what reads it, which may change how it rounds.
    return min(_ROWS, -(-rows // 2))


def _rows_of_one(size: int) -> _Rows:
    # An element depends on its key and its place alone, so the last step may begin
    # early enough to end with the leaf, and draw some elements a second time.
    rows = _per_step(size // WIDTH)
    steps = max(-(-size // (rows * WIDTH)), 2)
    offset = np.minimum(np.arange(steps) * rows * WIDTH, size - rows * WIDTH)
    start = offset[:, None] + np.arange(rows) * WIDTH
    leaf = np.zeros(steps * rows, np.int32)
    found = _laid_out(leaf, start.ravel().astype(np.uint64), rows, np.arange(steps))
    return found._replace(offset=offset, size=size)


def _laid_out(
    leaf: np.ndarray, start: np.ndarray, rows: int, first_row: np.ndarray
) -> _Rows:
    words = np.stack([start >> np.uint64(32), start & np.uint64(0xFFFFFFFF)], -1)
    return _Rows(
        leaf.reshape(-1, rows),
        words.astype(np.uint32).reshape(-1, rows, 2),
        first_row * WIDTH,
        leaf.size * WIDTH,
    )


def _drawn(
    group: _Group,
    requests: Sequence[FillRequest],
    key_data: Array,
    terms: Array,
    after: Array,
) -> Array:
    """The group's buffer, `dtype[elements]`; not begun before `after` is there."""
    members = np.asarray(group.members)
    rows = _rows([requests[i].size for i in group.members])
    fixed = np.asarray([float_columns(requests[i]) for i in members], np.float32)
    keys = key_data[members]
    floats = jnp.asarray(fixed)
    floats = floats.at[:, _LOC - 4].set(terms[members, 0])
    floats = floats.at[:, _SCALE - 4].set(terms[members, 1])
    columns = jnp.concatenate(  # uint32[members, COLUMNS - 2], the start left out
        [keys, lax.bitcast_convert_type(floats, jnp.uint32)], axis=1
    )
    leaf, start, offset = (jnp.asarray(a) for a in rows[:3])

    def step(i: Array, buffer: Array) -> Array:
        i = _at_run_time(i)
        own = columns[leaf[i]]
        table = jnp.concatenate([own[:, :2], start[i], own[:, 2:]], axis=1)
        drawn = draw_rows(group.kernel, np.dtype(group.dtype), WIDTH, table)
        # Threads share what makes numbers, but not what writes them into a buffer.
        drawn = lax.optimization_barrier(drawn.reshape(-1))
        return lax.dynamic_update_slice(buffer, drawn, (offset[i],))

    empty = jnp.broadcast_to(after.astype(group.dtype), (rows.size,))
    return lax.optimization_barrier(lax.fori_loop(0, len(rows.offset), step, empty))


def _at_run_time(step: Array) -> Array:
    """`step`, in a way that leaves the steps of a loop to XLA's scheduler on CPU.

    jax 0.12 makes one function of a loop that is nothing but arithmetic, and runs it on
    one thread. A sort is not arithmetic.
    """
    if default_device().platform != "cpu":
        return step
    return lax.sort(jnp.stack([step, step]))[0]


def _sliced(flat: Array, sizes: Sequence[int]) -> list[Array]:
    """The leaves out of their buffer, where each begins a row; flat.

    A slice that is shaped at once takes half as long again to compile, and XLA frees
    the buffer later.
    """
    if flat.size == sizes[0]:
        return [flat]
    starts = np.cumsum([0, *(-(-size // WIDTH) * WIDTH for size in sizes[:-1])])
    at = lax.optimization_barrier([jnp.uint32(start) for start in starts])
    cut = [lax.dynamic_slice(flat, (i,), (n,)) for i, n in zip(at, sizes, strict=True)]
    return list(lax.optimization_barrier(cut))


def terms_of(requests: Sequence[FillRequest]) -> np.ndarray:
    """`float32[requests, 2]`: locations (-0.0 for none) and scales, as numbers."""
    fixed = [float_columns(request)[_SCALE - 4 : _LOC - 3] for request in requests]
    return np.asarray(fixed, np.float32).reshape(-1, 2)[:, ::-1]
