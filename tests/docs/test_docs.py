"""The README and the docs are code: their blocks run, and print what they say."""

import contextlib
import io
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<lang>[\w-]*)[^\n]*\n(?P<body>.*?)^(?P=indent)```\s*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: language, text without indent, and where the text stands."""

    lang: str
    text: str
    line: int
    start: int
    end: int


def blocks(page: str) -> list[Block]:
    found: list[Block] = []
    for match in _FENCE.finditer(page):
        start, end = match.span("body")
        text = textwrap.dedent(match["body"])
        line = page.count("\n", 0, start) + 1
        found.append(Block(match["lang"], text, line, start, end))
    return found


def rendered(page: str, name: str) -> str:
    """The page with what its `python` blocks print, run in order in one namespace.

    A `text` block that comes next after a `python` block is what that block prints.
    """
    namespace: dict[str, object] = {"__name__": "__main__"}
    pieces: list[str] = []
    printed, done = None, 0
    for block in blocks(page):
        if block.lang == "text" and printed is not None and printed != block.text:
            pieces += [page[done : block.start], printed]
            done = block.end
        printed = run(block, name, namespace) if block.lang == "python" else None
    return "".join([*pieces, page[done:]])


def run(block: Block, name: str, namespace: dict[str, object]) -> str:
    # Blank lines in front: a traceback shows the line of the page.
    code = compile("\n" * (block.line - 1) + block.text, name, "exec")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, namespace)
    # An editor would strip blanks at the ends of lines, and so does this.
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


# Pages that take longer than all the others: CI runs them by themselves.
LONG = (
    "docs/guides/icnn.md",
    "docs/guides/stacked.md",
    "docs/guides/which.md",
    "docs/signal.md",
    "docs/surgery.md",
)


def page_of(path: Path) -> Any:
    name = path.relative_to(ROOT).as_posix()
    marks = [pytest.mark.thorough] if name in LONG else []
    return pytest.param(path, id=name, marks=marks)


# What orbax imports, where it is installed.
@pytest.mark.filterwarnings("ignore:The chararray class is:DeprecationWarning")
@pytest.mark.parametrize("page", [page_of(path) for path in PAGES])
def test_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
):
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    real = rendered(text, page.relative_to(ROOT).as_posix())
    if request.config.getoption("--update-docs"):
        page.write_text(real, encoding="utf-8")
    else:
        assert real == text, "prints something else; run with --update-docs and look"


def public_names() -> dict[str, object]:
    """Names that users see, those of the namespaces included."""
    import eqinit

    names = {name: getattr(eqinit, name) for name in eqinit.__all__}
    for module in [v for v in names.values() if isinstance(v, ModuleType)]:
        prefix = module.__name__.removeprefix("eqinit.")
        public = [name for name in dir(module) if not name.startswith("_")]
        names |= {f"{prefix}.{name}": getattr(module, name) for name in public}
    return {k: v for k, v in names.items() if not isinstance(v, ModuleType)}


def test_every_public_name_is_documented():
    pages = "\n".join(p.read_text(encoding="utf-8") for p in DOCS.glob("api/**/*.md"))
    entries = re.findall(r"^::: eqinit\.([\w.]+)$", pages, re.MULTILINE)
    names = public_names()
    documented = {id(names[name]) for name in entries if name in names}
    # An alias is only mentioned; what two namespaces export has one entry.
    missing = [
        name
        for name, value in names.items()
        if id(value) not in documented
        or not re.search(rf"\b{name.split('.')[-1]}\b", pages)
    ]
    assert missing == []
    assert sorted(name for name in entries if entries.count(name) > 1) == []


def test_nav_mentions_every_page():
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = config[config.index("\nnav:") :]
    listed = set(re.findall(r"[\w./-]+\.md", nav))
    assert listed == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


def test_the_site_loads_nothing_from_elsewhere():
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for key in ("extra_javascript", "extra_css"):
        (listed,) = re.findall(rf"^{key}:\n((?:  - .*\n)+)", config, re.MULTILINE)
        assert "http" not in listed
    assert "font: false" in config  # nor Google's fonts


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shell = [block.text for block in blocks(text) if block.lang == "bash"]
    return [line for line in "".join(shell).splitlines() if line.strip()]


def test_two_commands_set_everything_up():
    example, suite = readme_commands()
    assert example.endswith("examples/quickstart.py")
    assert (ROOT / "examples" / "quickstart.py").exists()
    assert ".venv/bin/pytest" in suite


def test_readme_is_short_and_shows_one_figure():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) < 120
    (figure,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert (ROOT / figure).exists()


# That the checks can fail.


def test_block_is_found_with_its_line():
    page = "a\n\n```python\nx = 1\n```\n\n- b\n\n    ```text\n    out\n    ```\n"
    found = [(block.lang, block.text, block.line) for block in blocks(page)]
    assert found == [("python", "x = 1\n", 4), ("text", "out\n", 10)]


def test_broken_page_fails():
    with pytest.raises(ZeroDivisionError, match="division"):
        rendered("```python\nx = 0\n```\n```python\n1 / x\n```", "page.md")


def test_output_is_what_is_printed():
    page = "```python\nprint('a ')\n```\n```text\nb\n```\n```text\nc\n```\n"
    assert rendered(page, "page.md") == page.replace("\nb\n", "\na\n")


@pytest.mark.parametrize(
    "word", "tree_at pytorch kaiming freeze finetune yaml hydra".split()
)
def test_the_search_box_finds(word: str):
    """What people type who have never heard of eqinit."""
    texts = (page.read_text("utf-8").lower() for page in DOCS.rglob("*.md"))
    assert any(re.search(rf"\b{word}\b", text) for text in texts)
