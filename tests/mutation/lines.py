"""Which tests run which lines of the package, and how long each of them takes."""

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest


Place = tuple[str, int]  # a file, relative to the repository, and a line


class Recorder:
    """A plugin of pytest that notes them."""

    def __init__(self, root: Path) -> None:
        self._package = f"{root / 'eqinit'}{os.sep}"
        self._cut = len(f"{root}{os.sep}")
        self._now: set[tuple[str, int]] = set()
        self._seconds: dict[str, float] = {}
        self.lines: dict[str, set[Place]] = {}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        monitoring = sys.monitoring
        tool, events = monitoring.COVERAGE_ID, monitoring.events
        monitoring.use_tool_id(tool, "eqinit")

        def watch(code: CodeType) -> None:
            monitoring.set_local_events(tool, code, events.LINE)
            for constant in code.co_consts:
                if isinstance(constant, CodeType):
                    watch(constant)

        def started(code: CodeType, _: int) -> Any:
            # A module, whose functions are not called yet.
            if code.co_filename.startswith(self._package):
                if code.co_name == "<module>":
                    watch(code)
            return monitoring.DISABLE

        def ran(code: CodeType, line: int) -> None:
            self._now.add((code.co_filename, line))

        monitoring.register_callback(tool, events.PY_START, started)
        monitoring.register_callback(tool, events.LINE, ran)
        monitoring.set_events(tool, events.PY_START)
        try:
            yield
        finally:
            monitoring.free_tool_id(tool)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._now.clear()
        done = yield
        cut = self._cut
        self.lines[item.nodeid] = {(file[cut:], line) for file, line in self._now}
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        before = self._seconds.get(report.nodeid, 0.0)
        self._seconds[report.nodeid] = before + report.duration

    def save(self, path: Path, without: set[str]) -> None:
        """A table of bits, a row for each line and a column for each test."""
        tests = [test for test in self.lines if test not in without]
        places = sorted(set().union(*(self.lines[test] for test in tests)))
        row = {place: i for i, place in enumerate(places)}
        ran = np.zeros((len(places), len(tests)), bool)
        for column, test in enumerate(tests):
            ran[[row[place] for place in self.lines[test]], column] = True
        told = {
            "places": places,
            "tests": tests,
            "seconds": [self._seconds.get(test, 0.0) for test in tests],
        }
        bits = np.packbits(ran, axis=1)
        np.savez_compressed(path, told=json.dumps(told), bits=bits)


@dataclasses.dataclass(frozen=True)
class Part:
    """What was recorded of one folder of tests."""

    tests: list[str]
    seconds: list[float]
    rows: dict[Place, int]
    bits: np.ndarray

    @classmethod
    def load(cls, path: Path) -> "Part":
        with np.load(path) as kept:
            told, bits = json.loads(str(kept["told"])), kept["bits"]
        rows = {(file, line): i for i, (file, line) in enumerate(told["places"])}
        return cls(told["tests"], told["seconds"], rows, bits)

    def ran(self, rows: list[int]) -> dict[str, float]:
        """The tests that ran any of these lines, and their seconds."""
        if not rows:
            return {}
        any_of = np.bitwise_or.reduce(self.bits[rows], axis=0)
        columns = np.flatnonzero(np.unpackbits(any_of, count=len(self.tests)))
        return {self.tests[c]: self.seconds[c] for c in columns}


class Lines:
    """What was recorded of all folders of tests."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    def beside(self, tests: Iterable[str]) -> dict[str, float]:
        """Those of the same files with the same case.

        What is traced for one test, and runs there, another takes from jax's cache.
        """
        wanted = {_case(test) for test in tests}
        return {
            test: seconds
            for part in self._parts
            for test, seconds in zip(part.tests, part.seconds, strict=True)
            if _case(test) in wanted
        }

    def tests_of(self, file: str, lines: range) -> dict[str, float]:
        """Those that run any of these lines; if none does, those that run the file."""
        found: dict[str, float] = {}
        for part in self._parts:
            rows = [part.rows[file, n] for n in lines if (file, n) in part.rows]
            found.update(part.ran(rows))
        if found:
            return found
        for part in self._parts:
            rows = [row for (name, _), row in part.rows.items() if name == file]
            found.update(part.ran(rows))
        return found


def _case(test: str) -> tuple[str, str]:
    """Its file, and what it is run with."""
    return test.partition("::")[0], test.partition("[")[2]
