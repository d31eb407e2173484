"""What stands in the repository once: versions, pins, commands, changes of draws."""

import re
import tomllib
from pathlib import Path

import eqinit


ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_stands_in_the_package_alone():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "eqinit/__init__.py"
    assert f'__version__ = "{eqinit.__version__}"' in read("eqinit/__init__.py")
    assert "version:" not in read("CITATION.cff").replace("cff-version:", "")


def test_checkers_are_pinned_in_the_dev_extra_alone():
    pins = {name.partition("[")[0].partition("=")[0]: name for name in EXTRAS["dev"]}
    for tool in ("ruff", "pyright"):
        assert re.fullmatch(rf"{tool}(\[\w+\])?==[\d.]+", pins[tool])
        for file in (".pre-commit-config.yaml", ".ci/run", ".ci/constraints.txt"):
            assert not re.search(rf"{tool}(\[\w+\])?[=<>~]=", read(file)), file


def test_pre_commit_runs_the_commands_of_ci():
    entries = re.findall(r"entry: (.+)", read(".pre-commit-config.yaml"))
    assert len(entries) == 4
    stages = re.findall(r'^stage ".+?" (\.venv.+)$', read(".ci/run"), re.MULTILINE)
    # The floors are a part of the suite, which CI runs whole.
    assert set(entries) - set(stages) == {".venv/bin/pytest -q tests/test_floors.py"}


def test_github_runs_what_everybody_runs():
    steps = re.findall(r"- run: (.+)", read(".github/workflows/ci.yml"))
    assert steps == [".ci/run"]


def test_changelog_has_this_version_and_says_what_draws_change():
    headings = re.findall(r"^## (\S+?),", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == eqinit.__version__
    assert "### Draws" in read("CHANGELOG.md")
