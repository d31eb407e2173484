"""The README and the docs are code: their blocks run, and print what they say."""

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<lang>[\w-]*)[^\n]*\n(?P<body>.*?)^(?P=indent)```\s*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: language, text, and the line that the text starts on."""

    lang: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    found: list[Block] = []
    for match in _FENCE.finditer(page):
        indent = len(match["indent"])
        text = "".join(line[indent:] for line in match["body"].splitlines(True))
        line = page.count("\n", 0, match.start()) + 2
        found.append(Block(match["lang"], text, line))
    return found


def normal(text: str) -> str:
    """Without the blanks that an editor strips at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def run_page(text: str, name: str) -> None:
    """Run every `python` block in one namespace.

    A `text` block that comes next after a `python` block is what that block prints.
    """
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed = None
    for block in blocks(text):
        if block.lang == "text" and printed is not None:
            assert normal(printed) == normal(block.text), f"{name}:{block.line}"
        printed = None
        if block.lang == "python":
            # Blank lines in front: a traceback shows the line of the page.
            code = compile("\n" * (block.line - 1) + block.text, name, "exec")
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(code, namespace)
            printed = out.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    run_page(page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix())


def test_every_public_name_is_documented():
    import eqinit

    pages = [page.read_text(encoding="utf-8") for page in DOCS.glob("api/**/*.md")]
    entries = re.findall(r"^::: eqinit\.([\w.]+)", "\n".join(pages), re.MULTILINE)
    assert sorted(set(eqinit.__all__) - set(entries)) == []
    assert sorted(name for name in entries if entries.count(name) > 1) == []


def test_all_is_what_is_public():
    import eqinit

    missing = [name for name in eqinit.__all__ if not hasattr(eqinit, name)]
    assert missing == []
    assert len(set(eqinit.__all__)) == len(eqinit.__all__)


def test_nav_mentions_every_page():
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = config[config.index("\nnav:") :]
    listed = set(re.findall(r"[\w./-]+\.md", nav))
    assert listed == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shell = [block.text for block in blocks(text) if block.lang == "bash"]
    return [line for line in "".join(shell).splitlines() if line.strip()]


def test_two_commands_set_everything_up():
    example, suite = readme_commands()
    assert example.endswith("examples/quickstart.py")
    assert (ROOT / "examples" / "quickstart.py").exists()
    assert ".venv/bin/pytest" in suite


# That the checks can fail.


def test_block_is_found_with_its_line():
    page = "a\n\n```python\nx = 1\n```\n\n- b\n\n    ```text\n    out\n    ```\n"
    assert blocks(page) == [Block("python", "x = 1\n", 4), Block("text", "out\n", 10)]


def test_broken_page_fails():
    with pytest.raises(ZeroDivisionError, match="division"):
        run_page("```python\nx = 0\n```\n```python\n1 / x\n```", "page.md")


def test_wrong_output_fails():
    run_page("```python\nprint('a')\n```\n```text\na\n```", "page.md")
    with pytest.raises(AssertionError, match=r"page\.md:5"):
        run_page("```python\nprint('a')\n```\n```text\nb\n```", "page.md")
