"""The collector is off meanwhile, and afterwards as it was."""

import gc
import threading
from collections.abc import Iterator

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
