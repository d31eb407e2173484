"""What stands in the repository once: versions, pins, commands, changes of draws."""

import re
import runpy
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import eqinit


ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_stands_in_the_package_alone():
    assert "version" in PROJECT["project"]["dynamic"]
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


def problems() -> Callable[[str, str, str], list[str]]:
    return runpy.run_path(str(ROOT / ".ci" / "release.py"))["problems"]


RELEASED = ("v1.2.0", '__version__ = "1.2.0"', "# Changelog\n\n## 1.2.0, 2030-01-31\n")


def test_a_release_that_says_one_thing_passes():
    assert problems()(*RELEASED) == []


@pytest.mark.parametrize(
    "which, text, problem",
    [
        (0, "v1.2.1", "the tag is v1.2.1, the package is 1.2.0"),
        (2, "## 1.1.0, 2029-01-31", "CHANGELOG.md begins with 1.1.0"),
        (2, "## 1.2.0, not yet released", "`not yet released` where a date"),
    ],
)
def test_a_release_that_says_two_things_is_refused(which: int, text: str, problem: str):
    release = list(RELEASED)
    release[which] = text
    (told,) = problems()(*release)
    assert problem in told


def test_publishing_needs_no_secret():
    """Trusted publishing: a token of the run, for the one job that publishes."""
    release = read(".github/workflows/release.yml")
    assert "secrets." not in release
    assert "password" not in re.sub(r"#.*", "", release)
    assert release.count("id-token: write") == 1
    publish = release[release.index("\n  publish:") :]
    assert "id-token: write" in publish
    assert "needs: build" in publish
    assert ".ci/run" in release[: release.index("\n  publish:")]


def test_no_address_of_ours_is_made_up():
    """Where it is published is known to who publishes it."""
    assert "urls" in PROJECT["project"]["dynamic"]
    for key in ("site_url", "repo_url"):
        assert re.search(
            rf'^{key}: !ENV \[EQINIT_\w+, ""\]$', read("mkdocs.yml"), re.MULTILINE
        )


def test_the_changelog_says_what_versions_are_needed():
    bounds = dict(
        re.findall(r"(\w+)>=([\d.]+)", " ".join(PROJECT["project"]["dependencies"]))
    )
    requires = read("CHANGELOG.md").partition("### Requires")[2]
    for name, bound in bounds.items():
        assert re.search(rf"(?i)\b{name}\b[^.]*? {re.escape(bound)}\b", requires), name
