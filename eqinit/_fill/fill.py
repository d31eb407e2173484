"""`fill`: many arrays of any shapes out of a few compiled kernels."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .bases import eligible, kernel_of
from .device import fill_device
from .host import fill_host
from .kernels import compiled, rows_per_launch
from .put import Putter
from .request import Device, FillRequest, default_device, dtype_name


def _check(requests: Sequence[FillRequest]) -> None:
    if bad := [request for request in requests if not eligible(request)]:
        raise ValueError(
            f"{len(bad)} of {len(requests)} requests cannot be filled in bulk, the "
            f"first of them {bad[0]}. Draw what `eligible` refuses with `draw`."
        )


def _by_kernel(requests: Sequence[FillRequest]) -> dict[tuple[str, str], list[int]]:
    groups: dict[tuple[str, str], list[int]] = {}
    for i, request in enumerate(requests):
        if request.size == 0:
            continue
        name = (kernel_of(request.base), dtype_name(request.dtype))
        groups.setdefault(name, []).append(i)
    return groups


def fill(
    requests: Sequence[FillRequest],
    *,
    device: Device | None = None,
    resident: bool | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[jax.Array]:
    """Draw every request: the bits of its flat draw, without compiling for its shape.

    It must not be called while jax traces.

    **Arguments:**

    - `requests`: each must be `eligible`.
    - `device`: where to put the arrays, which are then committed to it. By default
        where `jax.numpy` would, uncommitted.
    - `resident`: whether blocks reach their leaves on the device rather than through
        host memory. By default so on everything but CPU.
    - `progress`: called with the number of bytes done, every so often.

    **Returns:** one array a request, in order.
    """
    _check(requests)
    target = device or default_device()
    resident = target.platform != "cpu" if resident is None else resident
    rows = rows_per_launch(target)
    way = fill_device if resident else fill_host
    with jax.default_device(target):
        put = Putter(device, ((r.shape, np.dtype(r.dtype)) for r in requests)).put
        # What no kernel draws is empty.
        nothing = [np.zeros(r.shape, r.dtype) for r in requests if r.size == 0]
        empty = iter(put(nothing))
        results: list[Any] = [next(empty) if r.size == 0 else None for r in requests]
        for (base, dtype), members in _by_kernel(requests).items():
            group = [requests[i] for i in members]
            kernel = compiled(base, dtype, rows, target)
            arrays = way(group, kernel, rows, put, progress or (lambda _: None))
            for i, array in zip(members, arrays, strict=True):
                results[i] = array
    return results


def fill_into(requests: Sequence[FillRequest], places: Sequence[np.ndarray]) -> None:
    """Draw every request into host memory that is there already (on CPU).

    **Arguments:**

    - `requests`: each must be `eligible`.
    - `places`: `dtype[size]` for each request, in its dtype, contiguous.
    """
    _check(requests)
    target = default_device()
    rows = rows_per_launch(target)
    with jax.default_device(target):
        for (base, dtype), members in _by_kernel(requests).items():
            group = [requests[i] for i in members]
            kernel = compiled(base, dtype, rows, target)
            memory = [places[i] for i in members]
            fill_host(group, kernel, rows, list, lambda _: None, memory)
