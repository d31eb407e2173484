"""Small changes of an expression, such as programmers make."""

import ast
from collections.abc import Callable, Iterator


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
