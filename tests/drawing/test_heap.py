"""What is free goes back to the system, where the C library can do that."""

import ctypes
import mmap
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eqinit._fill import heap


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * mmap.PAGESIZE


@pytest.fixture(autouse=True)
def fresh():
    heap._trim.cache_clear()
    yield
    heap._trim.cache_clear()


def has_trim() -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not has_trim(), reason="malloc is not glibc's")
def test_what_is_free_goes_back():
    # Blocks of the heap (too small to be mapped by themselves), every other one held:
    # free memory lies between them, and none of it at the end, where it goes by itself.
    blocks: list[Any] = [np.ones(64 << 10, np.uint8) for _ in range(2000)]
    del blocks[::2]
    before = resident()
    heap.give_back()
    assert before - resident() > 0.8 * 1000 * (64 << 10)
    assert all((block == 1).all() for block in blocks)


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_another_malloc_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
):
    asked: list[object] = []

    def none(name: object) -> object:
        asked.append(name)
        raise error

    monkeypatch.setattr(ctypes, "CDLL", none)
    for _ in range(2):
        heap.give_back()
    # Of the running program, once, and nothing is raised.
    assert asked == [None]
