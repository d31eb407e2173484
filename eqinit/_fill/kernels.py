"""One compiled kernel a (base, dtype, number of rows), ahead of its use if asked."""

import functools
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import jax
import numpy as np

from .bases import BASES, COLUMNS, draw_rows, kernel_of, prepare_truncation
from .request import Device, default_device


# Short enough that a bias of 64 wastes little, long enough that the start of a row is
# lost in it.
WIDTH = 1024

Kernel: TypeAlias = Callable[[np.ndarray], jax.Array]

_Name: TypeAlias = tuple[str, str, int, Device]
_kernels: dict[_Name, Kernel] = {}
_locks: dict[_Name, threading.Lock] = {}  # one each, for whoever compiles it


def rows_per_launch(device: Device) -> int:
    """How many rows one call of a kernel draws.

    A launch costs some 20 us whatever it draws, and its loops wait for each other, so
    it should hold many elements; but some ten launches' memory is under way or about to
    be reused. On two cores 128 rows are 512 KiB and 0.3 ms (256 are as fast and take
    5 MB more, 64 a fifth longer). More cores share a launch, so it grows with them.
    """
    if device.platform != "cpu":
        return 4096
    return min(max(128, 64 * (os.cpu_count() or 1)), 4096)


_CPU_OPTIONS = {
    # XLA stays with 256-bit vectors by default, for fear of lower clocks. These kernels
    # are nothing but vector arithmetic: 512 bits, where there are any, are 20% faster.
    "xla_cpu_prefer_vector_width": 512,
    # In jax 0.10 this drops barriers before it fuses what they hold apart.
    "xla_disable_hlo_passes": "cse_barrier_expander",
}


def _compile(base: str, dtype: str, rows: int, device: Device) -> Kernel:
    draw = functools.partial(draw_rows, base, np.dtype(dtype), WIDTH)
    nothing = np.zeros((rows, COLUMNS), np.uint32)
    with jax.default_device(device):
        try:
            options = _CPU_OPTIONS if device.platform == "cpu" else None
            kernel = jax.jit(draw, compiler_options=options)
            kernel(nothing)
        except jax.errors.JaxRuntimeError:  # An XLA that does not know the options.
            kernel = jax.jit(draw)
            kernel(nothing)
    return kernel


def compiled(base: str, dtype: str, rows: int, device: Device) -> Kernel:
    """The compiled kernel, waiting for it if another thread is at it."""
    name = (base, dtype, rows, device)
    # A lock, and no promise to whoever waits: an interrupt cannot leave it unkept.
    with _locks.setdefault(name, threading.Lock()):
        if name not in _kernels:
            _kernels[name] = _compile(*name)
        return _kernels[name]


def prefetch(
    bases: Iterable[str], dtype: Any = np.float32, device: Device | None = None
) -> None:
    """Begin to compile what `fill` will want, in other threads, and return at once.

    Compilation holds no Python lock, so it overlaps with tracing a model or resolving
    rules. It changes no value, and does nothing for what is compiled already.
    """
    device = device or default_device()
    rows = rows_per_launch(device)
    bases = BASES.keys() & bases
    tasks: list[Callable[[], Any]] = [
        functools.partial(compiled, base, np.dtype(dtype).name, rows, device)
        for base in sorted({kernel_of(base) for base in bases})
    ]
    if "truncated_normal" in bases:
        tasks.append(prepare_truncation)
    # An error is not lost: whoever needs the kernel tries again, and raises it.
    pool = ThreadPoolExecutor(max(len(tasks), 1))
    for task in tasks:
        pool.submit(task)
    pool.shutdown(wait=False)
