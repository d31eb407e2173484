"""Plants faults in eqinit, one at a time, and says which of them no test sees.

```bash
python tests/mutation                       # a hundred faults, of 23 kinds
python tests/mutation --seed 1              # another hundred
python tests/mutation --only _schemes/fans  # all faults of one file, or of a room
```

A fault is a small change of one expression, such as programmers make: a sign, a power,
a bound, a forgotten argument. First the suite runs once, and which test runs which line
is noted (kept in the folder that `--keep` names, for the next time, with the test that
saw each fault: that one goes first). Then each fault is planted in a copy of the
repository, where those tests run that run its line, the quickest and nearest first,
until one fails: first those of every run of the suite, then thorough ones of the same
files. What survives is a hole in the tests, or means the same as before: then it is in
`equivalent.toml`, with the reason. The exit status is 1 if any other survives, or if
the table names what is no fault any more.

The suite's check of every type inside of eqinit is off here, as it is for users: it
would see some faults by luck, and takes twice the time of everything else. Needs
Python 3.12, for `sys.monitoring`, and an operating system that forks.
"""

import argparse
import functools
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from children import run_all
from faults import ROOT, Fault, chosen as chosen_faults
from known import Seen, equivalent, stale
from lines import Lines, Part, Recorder
from ranks import SKIPPED, Round, rounds


# What every child wants: loaded once, and with nothing computed that a fork could miss.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
import equinox
import hypothesis
import jax
import optax
import pytest


LOADED = (equinox, hypothesis, jax, optax)
OPTIONS = ["-o", "addopts=", "-p", "no:cacheprovider", "-q", "--no-header", "--tb=no"]
# What is loaded already is none of the tests'.
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]


class Chosen:
    """A plugin of pytest: these tests in this order, and which of them fail."""

    def __init__(self, tests: Sequence[str] | None) -> None:
        self._order = None if tests is None else {t: i for i, t in enumerate(tests)}
        self.failed: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._order is not None:
            order = self._order
            items[:] = sorted(
                (item for item in items if item.nodeid in order),
                key=lambda item: order[item.nodeid],
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def stand_in(folder: Path) -> None:
    """Be as a process that was started in a copy of the repository, and say nothing."""
    os.chdir(folder)
    os.environ.update(PYTHONPATH=str(folder), EQINIT_CASES="50")
    here = Path(__file__).parent
    sys.path[:] = [str(folder), *(p for p in sys.path if Path(p) != here)]
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)


def copy_to(folder: Path) -> Path:
    leave = shutil.ignore_patterns(
        ".git", ".venv*", "images", "__pycache__", ".hypothesis", ".*_cache", "dist"
    )
    shutil.copytree(ROOT, folder, ignore=leave, dirs_exist_ok=True)
    return folder


def record(tests: list[str], to: Path, folder: Path) -> None:
    recorder, chosen = Recorder(folder), Chosen(None)
    stand_in(folder)
    with recorder.listening():
        pytest.main([*OPTIONS, *tests], plugins=[recorder, chosen])
    recorder.save(to, without=set(chosen.failed))


def suites() -> dict[str, list[str]]:
    """Folders of tests, and the tests that are in none, by name."""
    tests = ROOT / "tests"
    found = {"top": sorted(f"tests/{path.name}" for path in tests.glob("test_*.py"))}
    for path in sorted(tests.iterdir()):
        if path.name not in SKIPPED and list(path.glob("test_*.py")):
            found[path.name] = [f"tests/{path.name}"]
    return found


def recorded(keep: Path, folders: list[Path], limit: int) -> Lines:
    """What each test runs; one file per folder of tests, made where it is missing."""
    keep.mkdir(parents=True, exist_ok=True)
    files = {name: keep / f"lines-{name}.npz" for name in suites()}
    missing = [name for name, file in files.items() if not file.exists()]

    def task(name: str, worker: int) -> None:
        record(suites()[name], files[name], folders[worker])

    tasks = [functools.partial(task, name) for name in missing]
    for index, _ in run_all(tasks, len(folders), limit):
        print(f"lines of {missing[index]}", flush=True)
    return Lines([Part.load(path) for path in files.values()])


def try_tests(fault: Fault, tests: Round, to: Path, folder: Path) -> None:
    """Plant a fault; the test that fails, or "", goes into a file."""
    target = folder / fault.file.relative_to(ROOT)
    target.write_text(fault.planted(target.read_text("utf-8")), encoding="utf-8")
    # Compiled files are told by their second and size: a second that no other has.
    os.utime(target, (os.getpid(), os.getpid()))
    stand_in(folder)
    chosen = Chosen(tests.tests)
    options = [*OPTIONS, *(["--thorough"] if tests.thorough else [])]
    status = pytest.main([*options, "-x", *tests.files], plugins=[chosen])
    ended = (
        "" if status in (0, pytest.ExitCode.NO_TESTS_COLLECTED) else f"exit {status}"
    )
    to.write_text(next(iter(chosen.failed), ended))


def restore(fault: Fault, folder: Path) -> None:
    shutil.copy2(fault.file, folder / fault.file.relative_to(ROOT))


def tried(
    faults: list[Fault], tests: list[Round], folders: list[Path], limit: int
) -> Iterator[tuple[int, str]]:
    """For each fault, by index, the test that saw it, or ""."""

    def task(index: int, worker: int) -> None:
        folder = folders[worker]
        for fault in faults:  # whatever was planted here before
            restore(fault, folder)
        try_tests(faults[index], tests[index], folder / f"seen-{index}", folder)

    tasks = [functools.partial(task, i) for i in range(len(faults))]
    for index, status in run_all(tasks, len(folders), limit):
        seen = [folder / f"seen-{index}" for folder in folders]
        text = "".join(path.read_text() for path in seen if path.exists())
        for path in seen:
            path.unlink(missing_ok=True)
        yield index, text if status == 0 else f"a test that never ends ({status})"


def without_faults(
    tests: list[str], folder: Path, faults: list[Fault], limit: int
) -> list[str]:
    """Those of the tests that saw a fault that fail where there is none."""
    names = [test for test in dict.fromkeys(tests) if test.startswith("tests/")]
    to = folder / "failing"

    def task(worker: int) -> None:
        del worker
        for fault in faults:
            restore(fault, folder)
        stand_in(folder)
        chosen = Chosen(names)
        files = dict.fromkeys(test.partition("::")[0] for test in names)
        pytest.main([*OPTIONS, "--thorough", *files], plugins=[chosen])
        to.write_text(json.dumps(chosen.failed))

    ended = dict(run_all([task], 1, limit)) if names else {0: 0}
    if any(ended.values()):
        return [f"they do not end: {ended}"]
    return json.loads(to.read_text()) if names else []


def survivors(
    faults: list[Fault], lines: Lines, seen: Seen, folders: list[Path], limit: int
) -> tuple[list[Fault], list[str]]:
    """Those that no test sees, and the tests that see the others."""
    left = dict(enumerate(faults))
    ways = {i: rounds(fault, lines, seen.get(fault)) for i, fault in left.items()}
    seen_by: list[str] = []
    for stage in range(max(map(len, ways.values()), default=0)):
        turn = [(i, tests) for i in left if (tests := ways[i][stage]) is not None]
        print(f"\nround {stage}: {len(turn)} of {len(left)} faults", flush=True)
        indices, tests = [i for i, _ in turn], [tests for _, tests in turn]
        some = [left[i] for i in indices]
        for at, test in tried(some, tests, folders, limit):
            if test:
                fault = left.pop(indices[at])
                seen_by.append(test)
                seen.add(fault, test)
                print(f"seen by {test}\n  {fault.show()}", flush=True)
    return list(left.values()), seen_by


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of a path below eqinit/")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=int, default=900, help="seconds for a fault")
    parser.add_argument("--keep", type=Path, help="where to keep which tests run what")
    parser.add_argument("--list", action="store_true", help="show them, plant none")
    given = parser.parse_args()
    faults = chosen_faults(given.only, given.seed, given.count)
    if given.list:
        print("\n".join(fault.show() for fault in faults))
        return 0
    same = equivalent()
    planted = [fault for fault in faults if fault.name not in same]
    with tempfile.TemporaryDirectory() as name:
        folders = [copy_to(Path(name) / str(job)) for job in range(given.jobs)]
        keep = given.keep or Path(name) / "lines"
        lines = recorded(keep, folders, 3600)
        seen = Seen(keep / "seen.json")
        left, seen_by = survivors(planted, lines, seen, folders, given.limit)
        failing = without_faults(seen_by, folders[0], faults, 3600)
    print(f"\n{len(faults)} faults: {len(seen_by)} seen, {len(left)} not.")
    for fault in left:
        print(fault.show())
    for fault in faults:
        if (reason := same.get(fault.name)) is not None:
            print(f"the same as before: {fault.show()}\n    {reason}")
    for name in (old := stale(same)):
        print(f"in the table of equivalent faults, and no fault or several: {name}")
    if failing:
        print(f"of those that saw a fault, these fail without one: {failing}")
    return bool(left or failing or old)


if __name__ == "__main__":
    sys.exit(main())
