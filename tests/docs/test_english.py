"""Pages and docstrings are in plain English, in one spelling."""

import re
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
CODE = sorted(ROOT.glob("eqinit/**/*.py"))
AXIS = (
    "axis field parameter unit class slice leaf path model layer gain row core entry "
    "channel element key array"
).split()
# "One row a parameter", "4 ns an element": `per` is meant.
COUNTED = "operations row line key token number record entries ns ms bytes".split()
DISTRIBUTIVE = (
    rf"\b(?:one (?:{' |'.join(COUNTED)} )?|(?:{'|'.join(COUNTED)}) )"
    rf"an? (?:{'|'.join(AXIS)})(?: type)?\b"
)
PHRASES = [
    DISTRIBUTIVE,
    r"this other of\b",
    r"\bno like\b",
    r"nobody asked for",
    r"was not waited",
    r"less the field",
    r"1\.3 too many",
    r"two ways to say it for less",
]
# Titles of papers are spelled as they are.
OTHER_SPELLINGS = r"\b(optimizers?|parametrisations?|behavior|favor|analyz\w+)\b"


def prose(text: str) -> str:
    """Without code, links' targets and names in code."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrases_that_stop_a_reader(phrase: str):
    pattern = re.compile(phrase, re.IGNORECASE)
    hits = [
        str(p.relative_to(ROOT))
        for p in [*PAGES, *CODE]
        if pattern.search(p.read_text("utf-8"))
    ]
    assert hits == []


def test_one_spelling():
    pattern = re.compile(OTHER_SPELLINGS, re.IGNORECASE)
    hits = {
        str(page.relative_to(ROOT)): pattern.findall(prose(page.read_text("utf-8")))
        for page in PAGES
    }
    assert {page: words for page, words in hits.items() if words} == {}
