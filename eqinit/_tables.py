"""Reports: a table in plain text and in HTML, and the same rows as data."""

import abc
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise, zip_longest
from typing import Any, Generic, NamedTuple, TypeVar

from ._folding import Line, fold
from ._memo import Memo
from ._typing import DTypeLike, Number


_T = TypeVar("_T")

WIDTH = 100
_NARROWEST = 6  # no column is wrapped to less than this
_MOST_LINES = 200
# Cells are worked out for so many rows, at 1 ms each, before lines are left out.
_MOST_READ = 1000


@dataclasses.dataclass(frozen=True)
class Column(Generic[_T]):
    """One column of a table.

    - `heading`: what stands above it.
    - `cell`: from a row to its text.
    - `quiet`: leave the column out where every cell is empty or `0`.
    """

    heading: str
    cell: Callable[[_T], str]
    quiet: bool = False


@dataclasses.dataclass(frozen=True)
class Table(Generic[_T]):
    """Rows to be shown, or to be read as data.

    Rows of repeated layers that differ by their index alone are shown as one,
    `blocks.0..23.norm.weight`. Long cells are wrapped, so that a line has at most 100
    characters; of very many rows the first are shown.

    - `rows`: one record per row.
    - `columns`: what is shown of each; the first one shows its path.
    - `summary`: lines below the table.
    - `data`: from a row to what `to_dict` says of it.
    - `facts`: what `to_dict` says beside the rows.
    - `alike`: from a row to objects, the same ones (by identity) for rows whose cells
        are the same. Where rows are many, it saves working out the cells of each.
    """

    rows: Sequence[_T]
    columns: Sequence[Column[_T]]
    summary: Sequence[str]
    data: Callable[[_T], Mapping[str, Any]]
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    alike: Callable[[_T], tuple[object, ...]] | None = None

    def text(self, *, folded: bool = True) -> str:
        """The table and its summary, in plain text."""
        lines, left = self._lines(folded)
        more = [f"... and {left:,} more lines; `to_dict()` has all."] if left else []
        return "\n".join([text_table(*self._cells(lines), WIDTH), *more, *self.summary])

    def html(self) -> str:
        """The table in HTML, with its summary as the caption."""
        lines, left = self._lines(True)
        more = [f"{left:,} more lines are left out."] if left else []
        return html_table(*self._cells(lines), " ".join([*self.summary, *more]))

    def to_dict(self) -> dict[str, Any]:
        """Plain data: `rows`, a dict each, and the facts beside them."""
        return {"rows": [dict(self.data(row)) for row in self.rows], **self.facts}

    def _lines(self, folded: bool) -> tuple[list[Line], int]:
        """What is shown, and how many lines more there would be."""
        path, *columns = self.columns
        lines = [Line(path.cell(row), (), i) for i, row in enumerate(self.rows)]
        if folded and len(lines) > _MOST_READ:
            lines = self._folded_by_objects(lines)
        read = [
            dataclasses.replace(
                line, cells=tuple(c.cell(self.rows[line.first]) for c in columns)
            )
            for line in lines[:_MOST_READ]
        ]
        if folded:
            read = fold(read)
        left = len(lines[_MOST_READ:]) + len(read[_MOST_LINES:])
        return read[:_MOST_LINES], left

    def _folded_by_objects(self, lines: list[Line]) -> list[Line]:
        """Fold without looking at a cell."""
        if self.alike is None:
            return lines
        kinds: Memo[list[Line]] = Memo()
        for line, row in zip(lines, self.rows, strict=True):
            kinds.once(self.alike(row), list).append(line)
        folded = [line for kind in kinds.values() for line in fold(kind)]
        return sorted(folded, key=lambda line: line.first)

    def _cells(self, lines: Sequence[Line]) -> tuple[list[str], list[list[str]]]:
        """Headings and cells of the columns that have something to say."""
        cells = [(line.path, *line.cells) for line in lines]
        kept = [
            i
            for i, column in enumerate(self.columns)
            if not column.quiet or any(row[i] not in ("", "0") for row in cells)
        ]
        headings = [self.columns[i].heading for i in kept]
        return headings, [[row[i] for i in kept] for row in cells]


class AbstractReport(abc.ABC):
    """What prints as a table, in notebooks too, and has its rows as data."""

    @abc.abstractmethod
    def _table(self) -> Table[Any]:
        """The table."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, made of dicts, lists, strings and numbers: `rows` and more."""
        return self._table().to_dict()

    def unfolded(self) -> str:
        """The table as printed, with a line of its own for every repeated layer."""
        return self._table().text(folded=False)

    def __str__(self) -> str:
        return self._table().text()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({next(iter(self._table().summary), '')})"

    def _repr_html_(self) -> str:
        return self._table().html()


def text_table(
    headings: Sequence[str], cells: Sequence[Sequence[str]], room: int | None = None
) -> str:
    """Columns padded to their widest cell.

    Where they do not fit in `room`, cells are wrapped, or paths (the first column) get
    lines of their own above the rest: whichever takes fewer lines.
    """
    rows = [headings, *cells]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if room is None or sum(widths) + 2 * (len(widths) - 1) <= room:
        return "\n".join(_lines(rows, widths))
    rest = [row[1:] for row in rows]
    beside = _lines(rows, _fitted(rows, widths, room))
    paths = [row[0] for row in rows]
    under = _lines(rest, _fitted(rest, widths[1:], room - 2), paths)
    return "\n".join(min(beside, under, key=len))


def _lines(
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    above: Sequence[str] | None = None,
) -> list[str]:
    """The first row, a rule, and the others; each with a line above it, if given."""
    blocks: list[list[str]] = []
    for row in rows:
        columns = [_pieces(*pair) for pair in zip(row, widths, strict=True)]
        texts = zip_longest(*columns, fillvalue="")
        blocks.append([_padded(line, widths) for line in texts])
    rule = _padded(["-" * width for width in widths], widths)
    blocks.insert(1, [rule])
    if above is None:
        return [line for block in blocks for line in block]
    paths = [above[0], "", *above[1:]]
    return [
        line
        for path, block in zip(paths, blocks, strict=True)
        for line in [*filter(None, [path]), *(f"  {text}".rstrip() for text in block)]
    ]


def _padded(texts: Iterable[str], widths: Sequence[int]) -> str:
    pairs = zip(texts, widths, strict=True)
    return "  ".join(text.ljust(width) for text, width in pairs).rstrip()


def _fitted(
    rows: Sequence[Sequence[str]], widths: Sequence[int], room: int
) -> list[int]:
    """Widths that fit in a line, with as few rows broken as may be.

    Column after column is cut to its next narrower form, each time the one that costs
    the fewest lines for each character that it saves.
    """
    columns = list(zip(*rows, strict=True))
    fitted, heights = list(widths), [1] * len(rows)
    words = [max(map(_longest_word, column)) for column in columns]
    while sum(fitted) + 2 * (len(fitted) - 1) > room:
        # Words are only broken where nothing else is left to break.
        whole = [i for i, width in enumerate(fitted) if width > words[i]]
        some = whole or [i for i, width in enumerate(fitted) if width > _NARROWEST]
        if not some:
            break
        cuts = [_cut(columns[i], fitted[i] - 1, heights, i) for i in some]
        best = min(cuts, key=lambda cut: cut.lines / (fitted[cut.column] - cut.width))
        fitted[best.column], heights = best.width, best.heights
    return fitted


class _Cut(NamedTuple):
    """A column made narrower: its width, how many lines that costs, all heights."""

    column: int
    width: int
    lines: int
    heights: list[int]


def _cut(texts: Sequence[str], width: int, heights: Sequence[int], i: int) -> _Cut:
    cells = [_pieces(text, width) for text in texts]
    tall = [max(len(pair[0]), pair[1]) for pair in zip(cells, heights, strict=True)]
    widest = max(len(piece) for pieces in cells for piece in pieces)
    return _Cut(i, widest, sum(tall) - sum(heights), tall)


# Behind these a text may be broken, but not in the middle of `0.02` and of `0..23`.
_BREAK = re.compile(r"[\s(|&]|(?<![.])\.(?![.\d])|(?<=[^\d.])\.(?=\d)")


def _longest_word(text: str) -> int:
    ends = [0, *(found.end() for found in _BREAK.finditer(text)), len(text)]
    return max(len(text[a:b].strip()) for a, b in pairwise(ends))


def _pieces(text: str, width: int) -> list[str]:
    pieces: list[str] = []
    while len(text) > width:
        # A space may stand beyond the width: it is dropped.
        ends = [found.end() for found in _BREAK.finditer(text, 0, width + 1)]
        fits = [end for end in ends if len(text[:end].rstrip()) <= width]
        end = max(fits, default=width)
        pieces.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*pieces, text]


def html_table(
    headings: Sequence[str], cells: Sequence[Sequence[str]], caption: str
) -> str:
    def row(tag: str, texts: Sequence[str]) -> str:
        return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)

    body = "".join(f"<tr>{row('td', texts)}</tr>" for texts in cells)
    head = f"<thead><tr>{row('th', headings)}</tr></thead>"
    caption = f"<caption>{escape(caption)}</caption>"
    return f"<table>{caption}{head}<tbody>{body}</tbody></table>"


_SHORT = {"float": "f", "bfloat": "bf", "complex": "c", "int": "i", "uint": "u"}


def short_dtype(dtype: DTypeLike) -> str:
    """`f32`, `bf16`, `c64`, `f8_e4m3fn`."""
    name = str(dtype)
    head = name.rstrip("0123456789")
    if head in _SHORT:
        return _SHORT[head] + name[len(head) :]
    return name.replace("float8", "f8")


def number(value: Number | None) -> str:
    if value is None:
        return ""
    return "0" if value == 0 else f"{value:.4g}"


def count(value: Number | None) -> str:
    """A fan: an integer where it is one."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else f"{value:.4g}"
