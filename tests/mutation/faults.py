"""Where small changes of an expression could be, and which of them are chosen."""

import ast
import dataclasses
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kinds import KINDS


ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "eqinit"


@dataclasses.dataclass(frozen=True)
class Fault:
    """A piece of one file's text, and what stands there instead."""

    kind: str
    file: Path
    start: int
    end: int
    text: str

    def planted(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]

    @property
    def lines(self) -> range:
        """The lines of the file that it is on, from 1."""
        source = _text(self.file)
        first, last = (source.count("\n", 0, at) + 1 for at in (self.start, self.end))
        return range(first, last + 1)

    @property
    def reach(self) -> range:
        """The lines that show that it matters: its own, of what a call runs.

        What an import runs, such as a default, is of the function or class that it is a
        part of, or of the file.
        """
        lines = self.lines
        for node in reversed(_scopes(self.file)):
            inside = range(node.lineno, (node.end_lineno or 0) + 1)
            if lines[0] not in inside:
                continue
            if isinstance(node, ast.ClassDef):
                return inside
            body = range(node.body[0].lineno, inside.stop)
            return lines if lines[0] in body else body
        return range(1, _text(self.file).count("\n") + 1)

    @property
    def name(self) -> "Name":
        source = _text(self.file)
        first, last = source.rfind("\n", 0, self.start), source.find("\n", self.end)
        old = source[first + 1 : last]
        new = source[first + 1 : self.start] + self.text + source[self.end : last]
        where = self.file.relative_to(ROOT).as_posix()
        old, new = (text.strip().partition("\n")[0] for text in (old, new))
        return Name(where, self.kind, old, new)

    def show(self) -> str:
        name = self.name
        where = f"{name.file}:{self.lines[0]} ({name.kind})"
        return f"{where}\n    - {name.old}\n    + {name.new}"


class Name(NamedTuple):
    """A fault, wherever its line has moved to: its first line without and with it."""

    file: str
    kind: str
    old: str
    new: str


@functools.cache
def _scopes(file: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    """Functions and classes, outer ones first."""
    nodes = ast.walk(ast.parse(_text(file)))
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]


@functools.cache
def _text(file: Path) -> str:
    return file.read_text("utf-8")


def _left_out(tree: ast.AST) -> set[ast.AST]:
    """Nodes that no program runs: annotations, what only prints, static checking."""
    found: set[ast.AST] = set()

    def leave(node: ast.AST | None) -> None:
        if node is not None:
            found.update(ast.walk(node))

    for node in ast.walk(tree):
        leave(getattr(node, "annotation", None))
        leave(getattr(node, "returns", None))
        for decorator in getattr(node, "decorator_list", ()):
            leave(decorator)
        if isinstance(node, ast.FunctionDef):
            if node.name in ("__repr__", "__str__", "_repr_html_", "_summary"):
                leave(node)
        # Of `zip`: lengths that differ are our defects.
        if isinstance(node, ast.keyword) and node.arg == "strict":
            leave(node.value)
        # A message may be worded otherwise; that there is one, "error forgotten" asks.
        if isinstance(node, ast.JoinedStr):
            leave(node)
        if isinstance(node, ast.AnnAssign | ast.Assign):
            value = node.value
            if isinstance(value, ast.Subscript | ast.Call) and "TypeVar" in ast.dump(
                value
            ):
                leave(node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            leave(node)
    return found


def _offsets(source: str) -> list[int]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    return starts


def faults_of(file: Path) -> Iterator[Fault]:
    """Every fault that could be planted in a file."""
    source = file.read_text("utf-8")
    raw, starts = source.encode(), _offsets(source)
    tree = ast.parse(source)
    skipped = _left_out(tree)

    def span(node: ast.AST) -> tuple[int, int]:
        start = starts[node.lineno - 1] + node.col_offset  # pyright: ignore
        end = starts[node.end_lineno - 1] + node.end_col_offset  # pyright: ignore
        return len(raw[:start].decode()), len(raw[:end].decode())

    def text(node: ast.AST) -> str:
        start, end = span(node)
        words = source[start:end]
        # In brackets: what it becomes a part of may bind otherwise.
        bound = (
            ast.BinOp | ast.BoolOp | ast.Compare | ast.IfExp | ast.Lambda | ast.UnaryOp
        )
        return f"({words})" if isinstance(node, bound) else words

    for node in ast.walk(tree):
        if node in skipped:
            continue
        for kind, change in KINDS.items():
            for place, new in change(node, text):
                start, end = span(place)
                yield Fault(kind, file, start, end, new)


def _is_python(fault: Fault) -> bool:
    try:
        ast.parse(fault.planted(_text(fault.file)))
    except SyntaxError:
        return False
    return True


def chosen(only: str, seed: int, count: int) -> list[Fault]:
    """As many of each kind, of the files whose path below `eqinit` holds `only`.

    By a hash of what each is: the others stay chosen where one line is changed.
    """
    files = [p for p in sorted(PACKAGE.rglob("*.py")) if "papers" not in p.parts]
    files = [p for p in files if only in p.relative_to(PACKAGE).as_posix()]
    by_kind: dict[str, list[Fault]] = {kind: [] for kind in KINDS}
    for file in files:
        for fault in faults_of(file):
            by_kind[fault.kind].append(fault)

    def order(fault: Fault) -> bytes:
        return hashlib.sha256(f"{seed} {fault.name}".encode()).digest()

    for faults in by_kind.values():
        faults.sort(key=order)
    # In turns, so that a kind that is rare leaves its share to the others.
    picked: list[Fault] = []
    while len(picked) < count and any(by_kind.values()):
        for faults in by_kind.values():
            if faults and _is_python(faults[-1]):
                picked.append(faults[-1])
            del faults[-1:]
    return picked[:count]
