"""What is said once for the whole process, and by whom."""

import inspect
import types
from collections.abc import Callable
from typing import Any, Generic, TypeVar


_K = TypeVar("_K")
_V = TypeVar("_V")


class Registry(Generic[_K, _V]):
    """Facts about classes or functions. Nobody is overruled unawares.

    `builtin` gives what eqinit itself knows of a key.
    """

    def __init__(self, builtin: Callable[[_K], _V | None] = lambda key: None) -> None:
        self._builtin = builtin
        self._known: dict[_K, tuple[_V, str]] = {}

    def get(self, key: _K) -> _V | None:
        if key not in self._known:
            known = self._builtin(key)
            if known is None:
                return None
            self._known[key] = known, "eqinit itself,"
        return self._known[key][0]

    def add(
        self,
        key: _K,
        value: _V,
        *,
        call: str,
        override: bool,
        differs: Callable[[_V], str],
    ) -> None:
        """Register a value; one that says something else than before raises.

        `differs` says in words what is other than in the value that is known, and
        nothing where they agree; `call` is what the caller wrote.
        """
        known = self.get(key)
        difference = "" if known is None or override else differs(known)
        if difference:
            raise ValueError(
                f"{call} contradicts {self._known[key][1]} which was first: "
                f"{difference}. Pass `override=True` to replace that for the rest of "
                "the process."
            )
        self._known[key] = value, caller()


def caller() -> str:
    """Where the code outside of eqinit stands that has called it."""
    frame = inspect.currentframe()
    while frame is not None and is_ours(frame):
        frame = frame.f_back
    if frame is None:
        return "eqinit itself,"
    name = frame.f_globals.get("__name__", "?")
    return f"`{name}`, line {frame.f_lineno},"


def is_ours(frame: types.FrameType) -> bool:
    """Whether this is eqinit's code, or that of what checks its types."""
    root = str(frame.f_globals.get("__name__")).partition(".")[0]
    return root in ("eqinit", "jaxtyping", "beartype")


def agree(one: Any, other: Any) -> bool:
    """Whether two things that were said are the same; functions by their code.

    A notebook's cell that is run twice makes its functions anew.
    """
    codes = [getattr(fn, "__code__", None) for fn in (one, other)]
    if None not in codes:
        closures = [getattr(fn, "__closure__", None) for fn in (one, other)]
        return one is other or (codes[0] == codes[1] and closures == [None, None])
    return type(one) is type(other) and bool(one == other)
