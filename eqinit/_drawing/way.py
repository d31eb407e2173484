"""The interface of every way to draw."""

import abc
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .ask import Ask


# Told of the bytes that are done.
Progress = Callable[[int], object]


class AbstractWay(abc.ABC):
    """A way to draw some rows: it says which, and draws them together.

    All ways give the values of `init.draw(key, spec)`, bit for bit; they differ in what
    they compile and in where they put the numbers.
    """

    @abc.abstractmethod
    def takes(self, ask: Ask) -> bool:
        """Whether this row can be drawn so; a later way is not asked then."""

    @abc.abstractmethod
    def draw(self, asks: Sequence[Ask], progress: Progress) -> Iterable[Any]:
        """One array per row, in order, where its `Ask` says."""


def by_device(asks: Sequence[Ask]) -> dict[Any, list[int]]:
    """Device to positions among `asks`."""
    groups: dict[Any, list[int]] = {}
    for i, ask in enumerate(asks):
        groups.setdefault(ask.device, []).append(i)
    return groups
