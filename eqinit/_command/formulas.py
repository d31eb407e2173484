"""Formulas of docstrings, as a terminal can show them."""

import re
from collections.abc import Sequence


# Words of TeX that are a sign; others stand for themselves, as `pi` and `ln` do.
_SIGNS = {
    "pm": "+-",
    "sim": "~",
    "top": "T",
    "dots": "...",
    "ldots": "...",
    "cdot": "*",
    "times": "x",
    "le": "<=",
    "ge": ">=",
    "to": "->",
    "left": "",
    "right": "",
}
_BUILT = "text|mathcal|mathrm|mathbf|mathbb|operatorname|sqrt|frac"
_WORD = re.compile(rf"\\(?!(?:{_BUILT})(?![A-Za-z]))([A-Za-z]+)(?=(.?))")
_FIRST: Sequence[tuple[str, str]] = (
    (r"\\begin\{pmatrix\}\s*", "["),
    (r"\s*\\end\{pmatrix\}", "]"),
    (r"\s*\\\\\s*", "; "),
    (r"\s*&", ","),
    (r"\\q?quad\b|\\[,;:! ]", " "),
    (r"\\([|_])", r"\1"),
    (r"([A-Za-z0-9)])(?=\\)", r"\1 "),  # what follows is a word of its own
    (r"\\[dt]frac", r"\\frac"),
    (r"\\frac\s*(\w)\s*(\w)", r"\1/\2"),
    (r"\\sqrt\s*(\\[a-z]+|\w)", r"\\sqrt{\1}"),
)
# From the inside out: each takes a group that holds no other.
_NESTED: Sequence[tuple[str, str]] = (
    (r"\\(?:text|math[a-z]+|operatorname)\s*(?:\{([^{}]*)\}|([A-Za-z]))", r"\1\2"),
    (r"\\sqrt\s*\{([^{}]*)\}", r"sqrt(\1)"),
    (r"_\{([^{}]*)\}", r"_\1"),
    (r"\^\{(-?[\w.]*)\}", r"^\1"),
    (r"\^\{([^{}]*)\}", r"^(\1)"),
)
_FRACTION = re.compile(r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ONE = re.compile(r"-?[\w.^]*(\([^()]*\))?")  # needs no brackets of its own
_OPEN, _CLOSE = "\x01", "\x02"  # braces that a reader sees


def readable(text: str) -> str:
    r"""Text whose formulas, between dollars, are spelled out.

    `$\sqrt{2 / n_\text{in}}$` becomes `sqrt(2 / n_in)`. In letters that every terminal
    has; what is outside of formulas stays as it is.
    """
    return re.sub(r"(\$\$?)([^$]+)\1", lambda found: _plain(found[2]), text)


def _plain(formula: str) -> str:
    formula = formula.replace(r"\{", _OPEN).replace(r"\}", _CLOSE)
    for pattern, written in _FIRST:
        formula = re.sub(pattern, written, formula)
    formula = _WORD.sub(_word, formula)
    before = ""
    while before != formula:
        before = formula
        for pattern, written in _NESTED:
            formula = re.sub(pattern, written, formula)
        formula = _FRACTION.sub(_fraction, formula)
    formula = re.sub(r"[{}]", "", formula)
    formula = re.sub(r"(?<=\S) {2,}", " ", formula).replace("+- ", "+-")
    return formula.replace(_OPEN, "{").replace(_CLOSE, "}")


def _fraction(found: re.Match[str]) -> str:
    return "/".join(x if _ONE.fullmatch(x) else f"({x})" for x in found.groups())


def _word(found: re.Match[str]) -> str:
    word, after = found.groups()
    sign = _SIGNS.get(word, word)
    apart = sign.isalnum() and (after.isalnum() or after == "\\")
    return f"{sign} " if apart else sign
