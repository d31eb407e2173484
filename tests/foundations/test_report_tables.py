"""Reports: folded, fitted to a page, and the same rows as data."""

import dataclasses
from typing import Any

import pytest

from eqinit._folding import Line, fold
from eqinit._tables import WIDTH, AbstractReport, Column, Table, text_table


def folded(*lines: str | tuple[str, str]) -> list[str]:
    pairs = [(x, "") if isinstance(x, str) else x for x in lines]
    made = fold([Line(path, (cell,), i) for i, (path, cell) in enumerate(pairs)])
    return [" ".join([line.path, *line.cells]).strip() for line in made]


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([f"blocks.{i}.w" for i in range(24)], ["blocks.0..23.w"]),
        (["w", "b"], ["w", "b"]),
        (["0", "1", "2"], ["0..2"]),
        (["blocks.0", "blocks.1"], ["blocks.0..1"]),
        # Only neighbours, or all of them if they are evenly spaced.
        (["a.0.w", "a.1.w", "a.5.w"], ["a.0..1.w", "a.5.w"]),
        ([f"a.{i}.w" for i in (1, 3, 5, 7)], ["a.1,3..7.w"]),
        (["a.1.w", "a.3.w"], ["a.1.w", "a.3.w"]),
        # From the inside out.
        (
            [f"a.{i}.b.{j}.w" for i in range(3) for j in range(2)],
            ["a.0..2.b.0..1.w"],
        ),
        (["a.0.b.0", "a.0.b.1", "a.1.b.0"], ["a.0.b.0..1", "a.1.b.0"]),
        # In the order of the first of them.
        (["a.0.w", "a.0.b", "a.1.w", "a.1.b"], ["a.0..1.w", "a.0..1.b"]),
        (["a.0.w", "x", "a.1.w"], ["a.0..1.w", "x"]),
        # What stands beside the path has to agree, but for paths of neighbours.
        ([("a.0.w", "p"), ("a.1.w", "q")], ["a.0.w p", "a.1.w q"]),
        (
            [("a.0.g", "as a.0.v"), ("a.1.g", "as a.1.v"), ("a.2.g", "as a.0.v")],
            ["a.0..1.g as a.0..1.v", "a.2.g as a.0.v"],
        ),
        ([("a.1.g", "a.1 a.11"), ("a.2.g", "a.2 a.11")], ["a.1..2.g a.1..2 a.11"]),
        # At the root a number is a path only where a field follows.
        ([(f"{i}.w", "f32[4,4] 0.5") for i in range(6)], ["0..5.w f32[4,4] 0.5"]),
        ([("0.g", "as 0.v"), ("1.g", "as 1.v")], ["0..1.g as 0..1.v"]),
        # A slice of a stacked layer; a dot that is part of a name.
        (["a[0]", "a[1]"], ["a[0..1]"]),
        ([r"a\.0", r"a\.1"], [r"a\.0", r"a\.1"]),
        (["layer1", "layer2"], ["layer1", "layer2"]),
    ],
)
def test_folding(lines: list[Any], shown: list[str]):
    assert folded(*lines) == shown


def test_folding_loses_no_line():
    # Numbers that are left out of a run are still there, as lines of their own.
    paths = [f"a.{i}.b.{j}" for i in range(9) for j in range(9) if (i * j) % 7 != 3]
    named: list[str] = []
    for line in folded(*paths):
        head, i, middle, j = line.split("#")[0].replace("..", "-").split(".")
        named += [f"{head}.{a}.{middle}.{b}" for a in _spread(i) for b in _spread(j)]
    assert sorted(named) == sorted(paths)


def _spread(text: str) -> range:
    start, _, last = text.partition("-")
    first, _, second = start.partition(",")
    step = int(second) - int(first) if second else 1
    return range(int(first), int(last or first) + 1, step)


@dataclasses.dataclass(frozen=True)
class Thing:
    path: str
    text: str
    size: int = 0


@dataclasses.dataclass(frozen=True, repr=False)
class Things(AbstractReport):
    rows: tuple[Thing, ...]

    def _table(self) -> Table[Thing]:
        columns = (
            Column[Thing]("thing", lambda row: row.path),
            Column[Thing]("text", lambda row: row.text),
            Column[Thing]("size", lambda row: str(row.size), quiet=True),
        )
        summary = [f"{len(self.rows)} things"]
        return Table(self.rows, columns, summary, dataclasses.asdict, {"fine": True})


def test_a_report_prints_and_is_data():
    things = Things(tuple(Thing(f"a.{i}", "x") for i in range(3)))
    assert str(things).splitlines() == [
        "thing   text",
        "------  ----",
        "a.0..2  x",
        "3 things",
    ]
    assert things.unfolded().count("a.") == 3
    assert repr(things) == "Things(3 things)"
    assert things.to_dict() == {
        "rows": [{"path": f"a.{i}", "text": "x", "size": 0} for i in range(3)],
        "fine": True,
    }
    assert "<td>a.0..2</td><td>x</td>" in things._repr_html_()


def test_a_quiet_column_speaks_when_it_has_something_to_say():
    assert "size" in str(Things((Thing("a", "x"), Thing("b", "x", 3))))


@pytest.mark.parametrize("path", ["a", "blocks.0.attention.query_projection.weight"])
@pytest.mark.parametrize("text", ["short", "word " * 60, "x" * 300])
def test_lines_fit_on_a_page(path: str, text: str):
    things = Things(tuple(Thing(f"{path}.{i}", f"{text}{i}", i) for i in range(3)))
    lines = str(things).splitlines()
    assert max(map(len, lines)) <= WIDTH
    # Nothing is lost by that.
    letters = "".join("".join(lines[2:-1]).split())
    assert letters.count("x" if "x" in text else "word") == (
        3 * text.count("x" if "x" in text else "word")
    )


def test_where_no_width_is_asked_for_nothing_is_wrapped():
    assert len(text_table(["a", "b"], [["x" * 90, "y" * 90]]).splitlines()) == 3


def test_ten_thousand_rows_are_not_all_looked_at():
    read: list[int] = []

    def text(row: Thing) -> str:
        read.append(row.size)
        return row.text

    columns = (Column[Thing]("thing", lambda row: row.path), Column("text", text))
    kinds = [object() for _ in range(5)]
    rows = [Thing(f"a.{i}.w{k}", f"kind {k}", k) for i in range(2000) for k in range(5)]
    table = Table(
        rows, columns, [], dataclasses.asdict, alike=lambda row: (kinds[row.size],)
    )
    lines = table.text().splitlines()
    assert lines[2:] == [f"a.0..1999.w{k}  kind {k}" for k in range(5)]
    assert len(read) == 5

    # Where none are alike, the first are shown, and the number of the others is said.
    read.clear()
    rows = [Thing(f"a{i}", f"text {i}") for i in range(10_000)]
    table = Table(rows, columns, [], dataclasses.asdict, alike=lambda row: (row,))
    lines = table.text().splitlines()
    assert len(lines) == 2 + 200 + 1
    assert lines[-1] == "... and 9,800 more lines; `to_dict()` has all."
    assert len(read) == 1000
