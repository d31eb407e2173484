"""A progress bar for long draws."""

import contextlib
from collections.abc import Callable, Generator


@contextlib.contextmanager
def progress_bar(show: bool, total: int) -> Generator[Callable[[int], object] | None]:
    """A function that counts bytes drawn, shown as a bar; `None` where not wanted."""
    if not show:
        yield None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            "`progress=True` shows its bar with tqdm, which is not installed: "
            '`pip install tqdm`, or `pip install "eqinit[progress]"`.'
        ) from error
    with tqdm(total=total, unit="B", unit_scale=True, desc="eqinit") as bar:
        yield bar.update
