"""The collector is off meanwhile, and afterwards as it was."""

import gc
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from eqinit._gc import no_collection


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_nested_and_left_as_it_was(enabled: bool):
    (gc.enable if enabled else gc.disable)()
    with no_collection():
        with no_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() is enabled
    with pytest.raises(RuntimeError, match="inside"), no_collection():
        raise RuntimeError("inside")
    assert gc.isenabled() is enabled


def test_two_threads_that_overlap():
    # The first comes and goes before the second goes, which came while it was off.
    gc.enable()
    events = {
        name: threading.Event() for name in ("first in", "second in", "first out")
    }
    states: list[bool] = []

    def first() -> None:
        with no_collection():
            events["first in"].set()
            assert events["second in"].wait(10)
        events["first out"].set()

    def second() -> None:
        assert events["first in"].wait(10)
        with no_collection():
            events["second in"].set()
            assert events["first out"].wait(10)
            states.append(gc.isenabled())

    threads = [threading.Thread(target=run) for run in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == [False]
    assert gc.isenabled()


def interrupted_at(moment: int) -> bool:
    """Ask for no collection, with an interrupt at that line; whether it came."""
    left = moment

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith("_gc.py"):
            return None
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with no_collection(), no_collection():
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return left < 0  # where nobody hears of it: while an object dies


# One that comes while an object dies is told of, and goes no further.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_at_any_line_leaves_it_as_it_was():
    gc.enable()
    moments = 0
    while interrupted_at(moments):
        moments += 1
        assert gc.isenabled(), moments
    assert moments > 20
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
