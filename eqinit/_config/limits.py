"""How much a config may hold: what is beyond that ends in an error at once."""

import contextlib
from collections.abc import Generator

from .._memo import Memo


DEPTH = 50
VALUES = 1_000_000
CONTAINERS = 100_000
INSTANCES = 10_000
BITS = 64
WORD = 200  # characters of a name
MOST_PROBLEMS = 50  # before it is no use to read on


class TooMuch(ValueError):
    """A config that is no config: nothing of it is read any further."""


class Limits:
    """Counts what is read or written, and knows what it is in the middle of.

    A list that holds itself would never end, and one that holds another list twice,
    which holds another twice, and so on, is written in a line and has 2^n values.
    """

    def __init__(self) -> None:
        self._values = 0
        self._containers = 0
        self._instances = 0
        self._depth = 0
        self._above: Memo[None] = Memo()

    def count(self, where: str, values: int = 1) -> None:
        """So many values more."""
        self._values += values
        if self._values > VALUES:
            raise TooMuch(f"{where}: a config has at most {VALUES:,} values.")

    def count_instance(self, where: str) -> None:
        """One scheme, selector or rule more."""
        self._instances += 1
        if self._instances > INSTANCES:
            raise TooMuch(f"{where}: a config has at most {INSTANCES:,} schemes.")

    @contextlib.contextmanager
    def inside(self, container: object, where: str) -> Generator[None]:
        """While what is in a list or a dict is looked at."""
        self._containers += 1
        if self._containers > CONTAINERS:
            raise TooMuch(
                f"{where}: a config has at most {CONTAINERS:,} lists and dicts."
            )
        if (container,) in self._above:
            raise TooMuch(f"{where}: a config cannot hold itself.")
        if self._depth == DEPTH:
            # Its path is as long as it is deep.
            raise TooMuch(f"{where[:WORD]}...: a config is at most {DEPTH} deep.")
        self._above.put((container,), None)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._above.drop((container,))
