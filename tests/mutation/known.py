"""What is known of faults: those that change nothing, and what saw the others last."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

from faults import ROOT, Fault, Name, faults_of


TABLE = Path(__file__).parent / "equivalent.toml"


def equivalent(table: Path = TABLE) -> dict[Name, str]:
    """Why each of some faults means the same as what stands there."""
    entries = tomllib.loads(table.read_text("utf-8"))["fault"]
    reasons = {
        Name(one["file"], one["kind"], one["old"], one["new"]): one["reason"].strip()
        for one in entries
    }
    if len(reasons) < len(entries) or not all(reasons.values()):
        raise ValueError(f"{table.name} says a fault twice, or gives no reason.")
    return reasons


def stale(names: Iterable[Name]) -> list[Name]:
    """Those that are no fault, or more than one, of the code as it is."""
    wanted, counts = set(names), dict[Name, int]()
    for file in {name.file for name in wanted}:
        path = ROOT / file
        for fault in faults_of(path) if path.exists() else ():
            name = fault.name
            counts[name] = counts.get(name, 0) + 1
    return [name for name in wanted if counts.get(name) != 1]


class Seen:
    """The test that saw each fault the last time, in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        text = file.read_text("utf-8") if file.exists() else "[]"
        self._tests = {Name(*name): test for name, test in json.loads(text)}

    def get(self, fault: Fault) -> str | None:
        return self._tests.get(fault.name)

    def add(self, fault: Fault, test: str) -> None:
        self._tests[fault.name] = test
        self._file.write_text(
            json.dumps([*self._tests.items()], indent=0), encoding="utf-8"
        )
