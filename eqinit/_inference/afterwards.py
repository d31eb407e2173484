"""What a kernel's output meets: a function, a stream, a norm, the caller."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .curves import name_of
from .domain import Meaning
from .roles import Reader
from .values import Fate
from .walker import Place


class Afterwards:
    """Asked of kernels, by number."""

    def __init__(self, meaning: Meaning, reader: Reader) -> None:
        self.meaning = meaning
        self._fates: dict[int, list[Fate]] = {}
        for key, reading in reader.readings.items():
            if reading.role == "kernel":
                self._fates.setdefault(key[1], []).append(meaning.fates[key])
        places = {
            p for fates in self._fates.values() for f in fates for p in f.residual
        }
        ordered = sorted(places)
        self._count = sum(self._times(place) for place in ordered)
        self._branches = {
            place: 1 + sum(self._times(p, before=place) for p in ordered[:n])
            for n, place in enumerate(ordered)
        }
        self._names: dict[bytes, str | None] = {}

    def of(self, number: int) -> dict[str, Any]:
        fates = self._fates[number]
        branches = [self._branches[p] for fate in fates for p in fate.residual]
        consumed = any(fate.consumed for fate in fates)
        returned = any(fate.returned for fate in fates)
        return {
            "activation": self._activation([c for f in fates for c in f.curves]),
            "residual": min(branches, default=None),
            "residual_count": self._count if branches else None,
            "normalised": any(fate.followed for fate in fates),
            "readout": returned and not consumed and not branches,
        }

    def _times(self, place: Place, before: Place = ()) -> int:
        """How often a place is passed (before another is, for the first time).

        Once in every round of the loops around it, of which those that are around the
        other as well are in their first.
        """
        loops = [
            place[:n] for n in range(len(place)) if place[:n] in self.meaning.loops
        ]
        around = [loop for loop in loops if before[: len(loop)] != loop or not before]
        return math.prod(self.meaning.loops[loop] or 1 for loop in around)

    def _activation(self, curves: Sequence[tuple[Any, Any]]) -> str | None:
        by_part: dict[Any, list[str]] = {}
        for part, curve in curves:
            names = by_part.setdefault(tuple(part), [])
            name = self._name(curve)
            if name not in names:
                names.append(name)
        cut = {part: names for part, names in by_part.items() if part}
        parts = cut or by_part
        ordered = sorted(parts, key=lambda part: [cut.start or 0 for cut in part])
        said = [" | ".join(_first(parts[part])) for part in ordered]
        return (said[0] if len(set(said)) == 1 else ", ".join(said)) if said else None

    def _name(self, curve: Any) -> str:
        if isinstance(curve, str):
            return curve
        key = b"" if curve is None else np.asarray(curve).tobytes()
        if key not in self._names:
            self._names[key] = name_of(curve)
        return self._names[key] or "?"


def _first(names: list[str]) -> list[str]:
    """A stream is read by many; what counts is where a function is met."""
    known = [name for name in names if name not in ("identity", "?")]
    return known or [name for name in names if name != "identity"] or names
