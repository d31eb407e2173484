"""Cuts leaves of any shape into rows, and rows into launches."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .bases import COLUMNS, float_columns
from .kernels import WIDTH
from .request import FillRequest


class Piece(NamedTuple):
    """Elements `start:stop` of a leaf are at `source:...` in a launch's output."""

    leaf: int
    start: int
    stop: int
    source: int


class Launch(NamedTuple):
    """One call of a kernel: `uint32[rows, COLUMNS]`, and what its output is for."""

    table: np.ndarray
    pieces: list[Piece]


# Launches whose tables are written at once: numpy takes as long for sixteen as for one.
_TOGETHER = 16


def rows_of(size: int) -> int:
    """How many rows hold `size` elements; the last one may be part empty."""
    return -(-size // WIDTH)


class RowTable:
    """The rows of several leaves one after the other, written out a launch at a time.

    A model of 7B parameters has 7M rows, so the table as a whole is never made.
    """

    def __init__(self, requests: Sequence[FillRequest]) -> None:
        self._sizes = [request.size for request in requests]
        ends = np.cumsum([0, *map(rows_of, self._sizes)])
        self._starts, self._ends = ends[:-1], ends[1:]
        self._offsets = np.array([r.offset for r in requests], np.uint64)
        # A row per leaf: its key and its floats; where a row starts is its own affair.
        self._fixed = np.zeros((len(requests), COLUMNS), np.uint32)
        self._fixed[:, :2] = [r.key_data for r in requests]
        floats = np.array([float_columns(r) for r in requests], np.float32)
        self._fixed[:, 4:] = floats.view(np.uint32)

    def _rows(self, first: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows `first : first + rows` as `uint32[rows, COLUMNS]`, and whose they are.

        Those beyond the last leaf are nobody's, and nobody reads them.
        """
        row = np.arange(first, min(first + rows, self._ends[-1]))
        leaf = np.searchsorted(self._ends, row, side="right")
        table = np.zeros((rows, COLUMNS), np.uint32)
        table[: len(row)] = self._fixed[leaf]
        within = (row - self._starts[leaf]).astype(np.uint64) * np.uint64(WIDTH)
        index = self._offsets[leaf] + within
        table[: len(row), 2] = index >> np.uint64(32)
        table[: len(row), 3] = index & np.uint64(0xFFFFFFFF)
        return table, leaf

    def _pieces(self, first: int, rows: int, low: int, high: int) -> list[Piece]:
        """What leaves `low` to `high` get from this launch."""
        pieces: list[Piece] = []
        for leaf in range(low, high + 1):
            begin = int(self._starts[leaf])
            start = max(first - begin, 0) * WIDTH
            stop = min((first + rows - begin) * WIDTH, self._sizes[leaf])
            if stop > start:
                source = max(begin - first, 0) * WIDTH
                pieces.append(Piece(leaf, start, stop, source))
        return pieces

    def launches(self, rows: int) -> Iterator[Launch]:
        """All rows, `rows` at a time; leaves run on from one launch into the next."""
        end = int(self._ends[-1]) if len(self._ends) else 0
        for begin in range(0, end, rows * _TOGETHER):
            count = min(-(-(end - begin) // rows), _TOGETHER)
            table, leaf = self._rows(begin, rows * count)
            for i in range(count):
                some = slice(i * rows, (i + 1) * rows)
                low, high = int(leaf[some][0]), int(leaf[some][-1])
                pieces = self._pieces(begin + i * rows, rows, low, high)
                yield Launch(table[some], pieces)
