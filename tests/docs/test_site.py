"""The built site: what it loads, what is found in it, and how it reads on a phone.

CI builds it in its stage "docs" and says where (`EQINIT_SITE`). Elsewhere it is built
here if the `docs` extra is installed.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import zlib
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from test_docs import public_names


ROOT = Path(__file__).parents[2]
TOOLS = ("mkdocs", "material", "mkdocstrings_handlers.python", "mathjax")


def installed(name: str) -> bool:
    parts = name.split(".")
    heads = [".".join(parts[: i + 1]) for i in range(len(parts))]
    return all(importlib.util.find_spec(head) is not None for head in heads)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "EQINIT_SITE" in os.environ:
        return Path(os.environ["EQINIT_SITE"])
    if not all(installed(tool) for tool in TOOLS):
        pytest.skip("needs the docs extra")
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", folder]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(build, cwd=ROOT, env=env, check=True)
    return folder


def pages(site: Path) -> dict[str, str]:
    found = {p.relative_to(site).as_posix(): p for p in site.rglob("*.html")}
    return {name: path.read_text("utf-8") for name, path in found.items()}


def tokens(index: dict[str, Any]) -> dict[str, set[str]]:
    """Word -> where: as lunr cuts them, lower case and without what is around them."""
    separator = re.compile(index["config"]["separator"])
    found: dict[str, set[str]] = {}
    for entry in index["docs"]:
        text = re.sub(r"<[^>]+>", " ", entry["title"] + " " + entry["text"])
        for word in separator.split(unescape(text)):
            trimmed = re.sub(r"^\W+|\W+$", "", word).lower()
            found.setdefault(trimmed, set()).add(entry["location"])
    return found


# What people type who have never heard of eqinit, and a page that answers.
SEARCHES = {
    "tree_at": "guides/coming_from/",
    "pytorch": "guides/coming_from/",
    "kaiming": "guides/coming_from/",
    "freeze": "optimizers/",
    "finetune": "optimizers/",
    "yaml": "guides/configuration/",
    "hydra": "guides/configuration/",
}


@pytest.mark.thorough
@pytest.mark.parametrize("word", SEARCHES)
def test_the_search_finds(site: Path, word: str):
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    # The box completes what is typed: `kaiming` finds `kaiming_normal_`.
    hits = [pages for token, pages in tokens(index).items() if token.startswith(word)]
    where = set().union(*hits)
    assert any(location.startswith(SEARCHES[word]) for location in where), where


@pytest.mark.thorough
def test_every_public_name_can_be_linked_to(site: Path):
    """From another project's documentation, by `objects.inv`; aliases too."""
    packed = (site / "objects.inv").read_bytes()
    lines = zlib.decompress(packed.split(b"\n", 4)[4]).decode().splitlines()
    listed = {line.partition(" ")[0] for line in lines}
    wanted = {f"eqinit.{name}" for name in public_names()}
    assert "eqinit.KaimingNormal" in wanted
    assert wanted - listed == set()


@pytest.mark.thorough
def test_pages_load_nothing_from_elsewhere(site: Path):
    loads = r'<(?:script|img|iframe|link rel="(?:stylesheet|preload)")[^>]*'
    foreign = re.compile(loads + r'(?:src|href)="(?:https?:)?//[^"]*"')
    hits = {name: foreign.findall(text) for name, text in pages(site).items()}
    assert {name: found for name, found in hits.items() if found} == {}
    assert (site / "assets" / "tex-svg-full.js").stat().st_size > 1_000_000


@pytest.mark.thorough
def test_signatures_are_formatted(site: Path):
    """None is one cut line, and checks of arguments are not shown as their types."""
    shown = [
        unescape(re.sub(r"<[^>]+>", "", block))
        for name, text in pages(site).items()
        if name.startswith("api/")
        for block in re.findall(
            r'<div class="[^"]*doc-signature[^"]*">(.*?)</div>', text, re.DOTALL
        )
    ]
    assert len(shown) > 100
    too_long = [line for one in shown for line in one.splitlines() if len(line) > 88]
    assert too_long == []
    assert [one for one in shown if "Annotated[" in one] == []


@pytest.mark.thorough
def test_errors_wrap_and_tables_do_not(site: Path):
    page = (site / "guides" / "errors" / "index.html").read_text("utf-8")
    assert '<div class="language-text highlight sentences">' in page
    home = (site / "index.html").read_text("utf-8")
    (plan,) = re.findall(r'<div class="language-text ([^"]*)">', home)
    assert plan == "highlight"


@pytest.mark.thorough
def test_light_and_dark_follow_the_reader(site: Path):
    home = (site / "index.html").read_text("utf-8")
    for scheme, media in (("default", "light"), ("slate", "dark")):
        wanted = rf'media="\(prefers-color-scheme: {media}\)"[^>]*scheme="{scheme}"'
        assert re.search(wanted, home)


# What needs no site.


def extra_css() -> str:
    return (ROOT / "docs" / "assets" / "extra.css").read_text("utf-8")


def test_pictures_are_dark_in_the_dark():
    (rule,) = re.findall(
        r'\[data-md-color-scheme="slate"\][^{]*img \{([^}]*)\}', extra_css()
    )
    assert "invert(1)" in rule
    assert "mix-blend-mode: screen" in rule  # what was white is the page's colour


def test_words_in_tables_are_whole():
    rules = re.findall(r"table[^{]*\{([^}]*)\}", extra_css())
    assert any("overflow-wrap: normal" in rule for rule in rules)
    assert not any("nowrap" in rule for rule in rules)  # columns go off the screen


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    if not installed("mkdocs"):
        pytest.skip("needs the docs extra")
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_code_in_tables_breaks_between_words(hooks: ModuleType):
    cell = "<td><code>ei.Normal(0.02)(key)</code> or 1.5</td>"
    broken = "<td><code>ei.<wbr>Normal(<wbr>0.02)(<wbr>key)</code> or 1.5</td>"
    assert hooks.on_page_content(cell, None, None, None) == broken


@pytest.mark.parametrize(
    "printed, sentences",
    [
        ("2 problems, and nothing was drawn:\n- rule", True),
        ("parameter  std\n---------  ---\nweight     1", False),
        ("<span></span><code>--- \nweight     1", False),
    ],
)
def test_printed_sentences_are_marked(hooks: ModuleType, printed: str, sentences: bool):
    block = f'<div class="language-text highlight"><pre>{printed}</pre></div>'
    marked = hooks.on_page_content(block, None, None, None)
    assert ("highlight sentences" in marked) is sentences
