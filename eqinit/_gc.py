"""No garbage collection where many objects are made and none are dropped."""

import contextlib
import gc
from collections.abc import Generator


@contextlib.contextmanager
def no_collection() -> Generator[None]:
    """Look for no garbage meanwhile.

    Tracing, planning and filling thousands of layers make objects and next to no
    garbage. The collector looks all of them through again and again, which takes a
    quarter of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
