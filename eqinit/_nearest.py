"""Did you mean ...?"""

import difflib
import re
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> str:
    """` Did you mean `a` or `b`?`, or nothing where nothing is near.

    The sentence begins with a space: it is appended to an error. Capitals and
    underscores do not count, so that `he_normal` finds `HeNormal`. Names that differ in
    their numbers alone are compared as one, which keeps a model of 100,000 paths quick.
    """
    if len(word) > _LONGEST:  # no slip of the pen, and the comparison is quadratic
        return ""
    shapes: dict[str, list[str]] = {}
    for name in sorted(set(known)):
        shapes.setdefault(_shape(name), []).append(name)
    close = difflib.get_close_matches(_shape(word), shapes, n=most, cutoff=0.6)
    if not close:
        return ""
    names = [_likeliest(word, shapes[shape]) for shape in close]
    return f" Did you mean {' or '.join(f'`{name}`' for name in names)}?"


_LONGEST = 200
_NUMBER = re.compile(r"\d+")


def _shape(name: str) -> str:
    return _NUMBER.sub("0", name).casefold().replace("_", "")


def _likeliest(word: str, names: list[str]) -> str:
    """Of names that differ in their numbers, the one with most of those of `word`."""
    wanted = _NUMBER.findall(word)

    def in_common(name: str) -> int:
        pairs = zip(wanted, _NUMBER.findall(name), strict=False)
        return sum(a == b for a, b in pairs)

    return max(names, key=in_common)
