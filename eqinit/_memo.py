"""What was worked out once for a few objects, known by who they are."""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar


_V = TypeVar("_V")


class Memo(Generic[_V]):
    """Values by a tuple of objects, which are compared by identity and kept alive.

    Layers and arrays have no hash, and that of a spec takes longer than what is looked
    up; an `id` is unique only among objects that are alive. So a memo holds the objects
    of its keys for as long as it lives itself.

    ```python
    laws = Memo[AbstractLaw | None]()
    law = laws.once((init, spec), functools.partial(init.law, spec))
    ```

    What belongs to a key and is to be compared by value goes into `equal`.
    """

    def __init__(self) -> None:
        # (ids, equal) to (objects, value).
        self._entries: dict[Hashable, tuple[tuple[object, ...], _V]] = {}

    def once(
        self,
        objects: tuple[object, ...],
        make: Callable[[], _V],
        *,
        equal: Hashable = None,
    ) -> _V:
        """The value of this key; the first time, what `make` returns."""
        same = (*map(id, objects), equal)
        entry = self._entries.get(same)
        if entry is None:
            entry = self._entries[same] = (objects, make())
        return entry[1]

    def put(
        self, objects: tuple[object, ...], value: _V, *, equal: Hashable = None
    ) -> None:
        """Set the value of a key, whatever it was."""
        self._entries[(*map(id, objects), equal)] = (objects, value)

    def get(self, objects: tuple[object, ...], *, equal: Hashable = None) -> _V | None:
        """The value of a key, or `None` for one that has none."""
        entry = self._entries.get((*map(id, objects), equal))
        return None if entry is None else entry[1]

    def drop(self, objects: tuple[object, ...], *, equal: Hashable = None) -> None:
        """Forget a key that has a value, and let go of its objects."""
        del self._entries[(*map(id, objects), equal)]

    def values(self) -> Iterator[_V]:
        """The values, in the order in which their keys came."""
        return (value for _, value in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, objects: tuple[object, ...]) -> bool:
        return (*map(id, objects), None) in self._entries
