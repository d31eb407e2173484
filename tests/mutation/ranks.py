"""Which tests a fault meets, and in which order."""

import ast
import dataclasses
import functools
import re
from pathlib import Path

from faults import PACKAGE, ROOT, Fault
from lines import Lines


# Not asked: what reads files and imports no package, or takes longest for what it sees.
SKIPPED = {"docs", "third_party", "mutation", "__pycache__"}
# In processes of their own, where no line is noted: for what survives all others.
APART = ["tests/trust/test_wrong_calls.py", "tests/trust/plans.py"]
# Seconds of tests, as they took among all others, and in how many files: to begin with,
# since a file takes as long to be read as many tests; then more of them.
BUDGETS = ((2.0, 3), (10.0, 12), (60.0, 40))


@dataclasses.dataclass(frozen=True)
class Round:
    """Some tests that a fault meets in one process.

    - `tests`: by name and in order, or none for all of the files.
    - `files`: where they are.
    - `thorough`: whether those are met that a quick run of the suite leaves out.
    """

    tests: tuple[str, ...] | None
    files: tuple[str, ...]
    thorough: bool = False


def rounds(fault: Fault, lines: Lines, seen_before: str | None) -> list[Round | None]:
    """The tests that run a fault's line: first those that are nearest and quickest.

    The first of all is the one that saw it the last time; the last ones are slow, in
    the files of those before, and those of which nothing is noted.
    """
    found = lines.tests_of(fault.file.relative_to(ROOT).as_posix(), fault.reach)
    room = fault.file.relative_to(PACKAGE).parts[0].removesuffix(".py").strip("_")
    near = f"tests/{room}/"

    def distance(test: str) -> tuple[bool, bool, float]:
        return not test.startswith(near), test not in found, known[test]

    known = lines.beside(found) | found
    ordered = sorted(known, key=distance)
    first = Round((seen_before,), (_file(seen_before),), True) if seen_before else None
    files = dict.fromkeys([*_naming(fault.file)[:_SLOW], *map(_file, ordered)])
    slow = Round(None, tuple(files)[: 2 * _SLOW], thorough=True)
    return [first, *_budgeted(ordered, known), slow, Round(None, tuple(APART))]


# Files of thorough tests, which nobody knows the lines of: those that name the most of
# what the file defines, and as many of the files that run the line.
_SLOW = 3


@functools.cache
def _naming(file: Path) -> list[str]:
    body = ast.parse(file.read_text("utf-8")).body
    defined = [n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    public = [name for name in defined if not name.startswith("_")]
    words = re.compile(rf"\b({'|'.join([*public, file.stem])})\b")
    counts: dict[str, int] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        test = path.relative_to(ROOT)
        if test.parts[1] not in SKIPPED:
            found = words.findall(path.read_text("utf-8"))
            counts[test.as_posix()] = len(set(found))
    return sorted((f for f, count in counts.items() if count), key=lambda f: -counts[f])


def _budgeted(ordered: list[str], found: dict[str, float]) -> list[Round | None]:
    """The tests in turns that take longer and longer."""
    left, made = ordered, list[Round | None]()
    for seconds, count in BUDGETS:
        spent, files, taken = 0.0, set[str](), list[str]()
        for test in left:
            full = len(files) >= count and _file(test) not in files
            if not full and (spent + found[test] <= seconds or not taken):
                taken.append(test)
                files.add(_file(test))
                spent += found[test]
        made.append(_of(taken))
        chosen = set(taken)
        left = [test for test in left if test not in chosen]
    return made


def _of(tests: list[str]) -> Round | None:
    files = dict.fromkeys(map(_file, tests))
    return Round(tuple(tests), tuple(files)) if tests else None


def _file(test: str) -> str:
    return test.partition("::")[0]
