"""Small changes of an expression, such as programmers make, and where they could be."""

import ast
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


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
def _text(file: Path) -> str:
    return file.read_text("utf-8")


# What a kind makes of a node: the texts that may stand there instead.
Change = Callable[[ast.AST, Callable[[ast.AST], str]], Iterator[tuple[ast.AST, str]]]
Text = Callable[[ast.AST], str]


def _is_text(node: ast.AST) -> bool:
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return constant or isinstance(node, ast.JoinedStr | ast.List | ast.Tuple)


def _operators(pairs: dict[type, str]) -> Change:
    def change(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
        if isinstance(node, ast.BinOp) and type(node.op) in pairs:
            if _is_text(node.left) or _is_text(node.right):
                return
            yield node, f"{text(node.left)} {pairs[type(node.op)]} {text(node.right)}"

    return change


def _comparisons(pairs: dict[type, str]) -> Change:
    def change(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            other = pairs.get(type(node.ops[0]))
            if other is not None:
                right = text(node.comparators[0])
                yield node, f"{text(node.left)} {other} {right}"

    return change


def _power(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield node, text(node.left)


def _and_or(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.BoolOp):
        word = " or " if isinstance(node.op, ast.And) else " and "
        yield node, f"({word.join(text(value) for value in node.values)})"


def _not(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, text(node.operand)


def _sign(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node, text(node.operand)


def _integers(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    del text
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield node, str(node.value + 1)


def _floats(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    del text
    if isinstance(node, ast.Constant) and type(node.value) is float:
        yield node, repr(2 * node.value if node.value else 1.0)


def _flags(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    del text
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield node, str(not node.value)


def _condition(outcome: str) -> Change:
    def change(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
        del text
        if isinstance(node, ast.If | ast.IfExp):
            yield node.test, outcome

    return change


def _raise(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    del text
    if isinstance(node, ast.Raise):
        yield node, "pass"


def _swapped(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Call) and len(node.args) == 2 and not node.keywords:
        first, second = node.args
        if not any(isinstance(arg, ast.Starred) for arg in node.args):
            yield node, f"{text(node.func)}({text(second)}, {text(first)})"


def _keyword(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Call) and node.keywords:
        for dropped in node.keywords:
            if dropped.arg == "strict":  # of `zip`: lengths that differ are our defects
                continue
            kept = [word for word in node.keywords if word is not dropped]
            given = [text(arg) for arg in node.args]
            given += [
                f"{k.arg}={text(k.value)}" if k.arg else f"**{text(k.value)}"
                for k in kept
            ]
            yield node, f"{text(node.func)}({', '.join(given)})"


_TWINS = {
    "min": "max", "max": "min", "any": "all", "all": "any",
    "minimum": "maximum", "maximum": "minimum", "zeros": "ones", "ones": "zeros",
    "exp": "log", "log": "exp", "sin": "cos", "cos": "sin", "sum": "mean",
    "fan_in": "fan_out", "fan_out": "fan_in", "loc": "scale", "scale": "loc",
    "lower": "upper", "upper": "lower", "mean": "std", "std": "mean",
    "rows": "cols", "cols": "rows", "size": "ndim", "first": "last",
    "weight": "bias", "append": "remove", "extend": "append",
}  # fmt: skip


def _twins(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if not isinstance(getattr(node, "ctx", None), ast.Load):
        return
    if isinstance(node, ast.Attribute) and node.attr in _TWINS:
        yield node, f"{text(node.value)}.{_TWINS[node.attr]}"
    if isinstance(node, ast.Name) and node.id in ("min", "max", "any", "all"):
        yield node, _TWINS[node.id]


def _function(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    names = (
        "sqrt",
        "abs",
        "conj",
        "transpose",
        "square",
        "sorted",
        "round",
        "reversed",
    )
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        name = text(node.func).rpartition(".")[2]
        if name in names:
            yield node, f"({text(node.args[0])})"


def _statement(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.AugAssign):
        yield node, "pass"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield node, "pass"


def _returned(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Return) and node.value is not None:
        if text(node.value) != "None":
            yield node, "return None"


def _index(node: ast.AST, text: Text) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        if isinstance(node.slice, ast.Slice):
            yield node, text(node.value)
        elif text(node.slice) in ("0", "-1"):
            other = {"0": "-1", "-1": "0"}[text(node.slice)]
            yield node, f"{text(node.value)}[{other}]"


KINDS: dict[str, Change] = {
    "plus and minus": _operators({ast.Add: "-", ast.Sub: "+"}),
    "times and over": _operators({ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*"}),
    "power forgotten": _power,
    "bound moved": _comparisons(
        {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
    ),
    "order turned": _comparisons(
        {ast.Lt: ">", ast.LtE: ">=", ast.Gt: "<", ast.GtE: "<="}
    ),
    "equal and not": _comparisons(
        {ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not", ast.IsNot: "is"}
    ),
    "in and not in": _comparisons({ast.In: "not in", ast.NotIn: "in"}),
    "and, or": _and_or,
    "not forgotten": _not,
    "sign forgotten": _sign,
    "one more": _integers,
    "twice as much": _floats,
    "true, false": _flags,
    "always": _condition("True"),
    "never": _condition("False"),
    "error forgotten": _raise,
    "arguments swapped": _swapped,
    "argument forgotten": _keyword,
    "twin": _twins,
    "function forgotten": _function,
    "statement forgotten": _statement,
    "nothing returned": _returned,
    "another entry": _index,
}


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
