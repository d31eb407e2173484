"""Wrong calls of everything public raise what the table says, in users' hands."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from wrong_calls import SCENE, WRONG

import eqinit


HERE = Path(__file__).parent
RUN = """
import sys, json, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from wrong_calls import SCENE, WRONG
scene = {"__name__": "scene"}
exec(SCENE, scene)
found = {}
for code in dict.fromkeys(row[0] for rows in WRONG.values() for row in rows):
    try:
        eval(code, scene)
    except Exception as error:
        found[code] = [type(error).__name__, str(error)]
    else:
        found[code] = ["nothing", ""]
json.dump(found, open(sys.argv[2], "w"))
"""
# What is met as the value of something else, and never made by a user with arguments.
NEVER_CALLED = {"surgery.PassState"}


def public_callables() -> set[str]:
    found: set[str] = set()

    def look(module: ModuleType, prefix: str) -> None:
        listed = getattr(module, "__all__", None)
        for name in listed or [n for n in vars(module) if not n.startswith("_")]:
            value: Any = getattr(module, name)
            if isinstance(value, ModuleType):
                if value.__name__.startswith("eqinit") and name != "typing":
                    look(value, f"{prefix}{name}.")
            elif callable(value):
                found.add(prefix + name)

    look(eqinit, "")
    return found


def test_every_public_callable_is_in_the_table():
    assert public_callables() - set(WRONG) - NEVER_CALLED == set()
    assert set(WRONG) - public_callables() == set()
    assert sum(map(len, WRONG.values())) >= 300


@pytest.fixture(scope="module")
def raised() -> dict[str, list[str]]:
    compile(SCENE, "scene", "exec")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "found.json")
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(HERE), path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(Path(path).read_text("utf-8"))


@pytest.mark.xdist_group("wrong calls")
@pytest.mark.parametrize("name", WRONG)
def test_wrong_calls_say_what_is_wrong(name: str, raised: dict[str, list[str]]):
    for code, kind, words in WRONG[name]:
        got, text = raised[code]
        assert (code, got) == (code, kind)
        assert words in text, code
