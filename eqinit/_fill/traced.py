"""The way under a trace: a few loops over rows, whatever the number of shapes.

A draw that is traced becomes code, and code is compiled: one draw per leaf takes a
minute for a model that takes a second to fill. Here leaves share a loop whose body is
the kernel of the bulk fill. Its rows are data, and so are the places where leaves are
cut out of what it writes: what is compiled grows with the number of loops and of sizes,
but not with that of leaves.

A loop writes into a buffer from which leaves are sliced, which would hold the model
twice. So leaves go by groups, one after the other, and a leaf that is a group by itself
is the buffer. A loop takes some 0.1 s to compile and the slices of one size 0.015 s.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .bases import COLUMNS, draw_rows, float_columns, kernel_of
from .kernels import WIDTH
from .request import FillRequest, default_device, dtype_name


_BITS = WIDTH.bit_length() - 1
# Elements that 32 bits can count; a leaf that has more begins each step at a row.
_COUNTED = 1 << 32
# Rows per step of a loop: enough for some cores, and 512 KiB of numbers.
_ROWS = 128
# A group's share of all bytes, which is what is there beside the model.
_SHARE = 0.2
# Below this, a group is not worth a loop of its own to compile.
_LEAST = 1 << 18

# As tried with 0.10.2, 0.11.0 and 0.12.0.
_BARRIERS_HOLD = jax.__version_info__ >= (0, 12)

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
    sizes = [-(-request.size // WIDTH) * WIDTH for request in requests]
    most = min(max(int(_SHARE * sum(sizes)), _LEAST), _COUNTED - 1)
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
    """How a group's buffer is cut into steps of equally many rows.

    - `per_step`, `steps`: how many rows a step draws, and how many steps there are.
    - `first`: `uint32[members]`, the row with which each leaf begins.
    - `shape`: of the buffer. Rows, or the elements of the only leaf of the group, which
        need not fill its last row.
    """

    per_step: int
    steps: int
    first: np.ndarray
    shape: tuple[int, ...]


def _rows(sizes: Sequence[int]) -> _Rows:
    """Every leaf begins a row of its own; a leaf by itself is the buffer."""
    counts = [-(-size // WIDTH) for size in sizes]
    alone = len(sizes) == 1 and WIDTH <= sizes[0] < _COUNTED
    # Two steps at least: the body of a loop of one step would be inlined, and compiled
    # together with what reads it, which may change how it rounds.
    per_step = min(_ROWS, -(-(sizes[0] // WIDTH if alone else sum(counts)) // 2))
    steps = max(-(-sum(counts) // per_step), 2)
    first = np.cumsum([0, *counts[:-1]]).astype(np.uint32)
    return _Rows(per_step, steps, first, (sizes[0],) if alone else (sum(counts), WIDTH))


class _Place(NamedTuple):
    """Where a step writes, and what: rows of which leaves, and which of theirs.

    `at`: an index into the buffer; `leaf`: `int32[rows]`, places in the group; `high`
    and `low`: `uint32[rows]`, the words of each row's first element in its leaf's draw.
    """

    at: tuple[Array, ...]
    leaf: Array
    high: Array
    low: Array


def _place(rows: _Rows, step: Array) -> _Place:
    # An element depends on its key and its place alone, so the last step may begin
    # early enough to end with the buffer, and draw some elements a second time.
    unit = WIDTH if len(rows.shape) == 1 else 1
    latest = np.uint32(rows.shape[0] - rows.per_step * unit)
    begin = step.astype(jnp.uint32) * np.uint32(rows.per_step * unit)
    begin = jnp.minimum(begin, latest)
    row = np.arange(rows.per_step, dtype=np.uint32)
    if unit > 1:
        zero = jnp.zeros(rows.per_step, jnp.uint32)
        start = begin + row * np.uint32(WIDTH)
        return _Place((begin,), zero.astype(jnp.int32), zero, start)
    row = begin + row
    leaf = (row[:, None] >= rows.first[None]).sum(1, dtype=jnp.int32) - 1
    row = row - jnp.asarray(rows.first)[leaf]
    words = row >> np.uint32(32 - _BITS), row << np.uint32(_BITS)
    return _Place((begin, jnp.uint32(0)), leaf, *words)


def _drawn(
    group: _Group,
    requests: Sequence[FillRequest],
    key_data: Array,
    terms: Array,
    after: Array,
) -> Array:
    """The group's buffer, `dtype[elements]`; not begun before `after` is there."""
    rows = _rows([requests[i].size for i in group.members])
    columns = _columns(group.members, requests, key_data, terms)
    draw = functools.partial(draw_rows, group.kernel, np.dtype(group.dtype), WIDTH)

    def step(i: Array, buffer: Array) -> Array:
        i = _at_run_time(i)
        place = _place(rows, i)
        own = columns[place.leaf]
        start = jnp.stack([place.high, place.low], axis=1)
        (table,) = _hidden([jnp.concatenate([own[:, :2], start, own[:, 2:]], axis=1)])
        # Threads share what makes numbers, but not what writes them into a buffer; and
        # loops share what is compiled of a draw, as it is the same for all of them.
        (drawn,) = _hidden([draw(table)])
        if buffer.ndim == 1:
            drawn = drawn.reshape(-1)
        return lax.dynamic_update_slice(buffer, drawn, place.at)

    empty = jnp.broadcast_to(after.astype(group.dtype), rows.shape)
    buffer = lax.fori_loop(0, rows.steps, step, empty)
    return lax.optimization_barrier(buffer.reshape(-1))


def _columns(
    members: Sequence[int], requests: Sequence[FillRequest], key_data: Array, terms: Any
) -> Array:
    """`uint32[members, COLUMNS - 2]`, the row of each leaf with its start left out."""
    where = np.asarray(members)
    floats = jnp.asarray([float_columns(requests[i]) for i in members], jnp.float32)
    floats = floats.at[:, _LOC - 4].set(terms[where, 0])
    floats = floats.at[:, _SCALE - 4].set(terms[where, 1])
    floats = lax.bitcast_convert_type(floats, jnp.uint32)
    return jnp.concatenate([key_data[where], floats], axis=1)


def _at_run_time(step: Array) -> Array:
    """`step`, in a way that leaves the steps of a loop to XLA's scheduler on CPU.

    jax 0.12 makes one function of a loop that is nothing but arithmetic, and runs it on
    one thread. A sort is not arithmetic.
    """
    if default_device().platform != "cpu":
        return step
    return lax.sort(jnp.stack([step, step]))[0]


def _hidden(values: Sequence[Array]) -> list[Array]:
    """`values`, all of one shape, of which the compiler knows no more than that.

    What makes them and what takes them is then compiled apart. That is what a barrier
    is for, but jax 0.10 takes it away too early on CPU. It does not look through a loop
    that goes round as often as only the run tells.
    """
    if _BARRIERS_HOLD:
        return list(lax.optimization_barrier(list(values)))
    once = lax.sort(jnp.arange(2, dtype=jnp.int32))[1]
    first = [jnp.zeros_like(values[0]), *values]
    turned = lax.fori_loop(0, once, lambda _, carry: [*carry[1:], carry[0]], first)
    return turned[:-1]


def _sliced(flat: Array, sizes: Sequence[int]) -> list[Array]:
    """The leaves out of their buffer, where each begins a row; flat.

    Where they begin is data, so leaves of one size share what is compiled of their
    slices, which otherwise takes more time than everything else. A slice that is shaped
    at once takes half as long again to compile, and XLA frees the buffer later.
    """
    if len(sizes) == 1:
        return [lax.slice(flat, (0,), (sizes[0],))]
    counts = [-(-size // WIDTH) for size in sizes]
    at = _hidden([jnp.uint32(row * WIDTH) for row in np.cumsum([0, *counts[:-1]])])
    cut = [lax.dynamic_slice(flat, (i,), (n,)) for i, n in zip(at, sizes, strict=True)]
    return list(lax.optimization_barrier(cut))


def terms_of(requests: Sequence[FillRequest]) -> np.ndarray:
    """`float32[requests, 2]`: locations (-0.0 for none) and scales, as numbers."""
    fixed = [float_columns(request)[_SCALE - 4 : _LOC - 3] for request in requests]
    return np.asarray(fixed, np.float32).reshape(-1, 2)[:, ::-1]
