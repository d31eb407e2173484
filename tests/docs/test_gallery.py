"""The gallery of schemes: complete, up to date, and with the pictures that it shows."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eqinit._citation.citation import PAPERS


DOCS = Path(__file__).parents[2] / "docs"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


gallery = _load()
FAMILIES = gallery.families()
ENTRIES = {entry.name: entry for family in FAMILIES for entry in family.entries}


def test_every_scheme_has_an_entry():
    assert sum(len(family.entries) for family in FAMILIES) == len(ENTRIES)
    assert set(ENTRIES) == set(gallery.SCHEMES)
    assert len(ENTRIES) > 80


def test_page_is_up_to_date(request: pytest.FixtureRequest):
    page = gallery.render()
    if request.config.getoption("--update-docs"):
        gallery.PAGE.write_text(page, encoding="utf-8")
    else:
        assert page == gallery.PAGE.read_text(encoding="utf-8"), "run docs/gallery.py"


def test_every_entry_says_its_law_and_use():
    for entry in ENTRIES.values():
        said = gallery.law(entry.doc)
        # Anything else would be a sentence that is cut off.
        assert said[-1] in ".)$", entry.name
        assert len(entry.use) > 8, entry.name
        entry.init.check(entry.spec)


def test_pictures_are_those_of_the_page():
    wanted = {e.picture.name for e in ENTRIES.values() if e.picture is not None}
    found = {path.name: path for path in gallery.PICTURES.iterdir()}
    assert set(found) == wanted
    assert sum(path.stat().st_size for path in found.values()) < 500_000
    stale = [entry.name for entry in ENTRIES.values() if gallery.stale(entry)]
    assert stale == [], "run docs/gallery.py"


def test_picture_of_another_line_is_stale(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(gallery, "PICTURES", tmp_path)
    entry = gallery.Entry(
        "Ones", "testing", "ei.Rule('w', ei.Ones())", (2, 3), "out in"
    )
    assert gallery.stale(entry)
    gallery.plot(entry)
    assert not gallery.stale(entry)
    twos = gallery.Entry("Ones", "testing", "ei.Rule('v', ei.Ones())", (2, 3), "out in")
    assert gallery.stale(twos)


def test_references_link_to_arxiv():
    he = next(paper for paper in PAPERS if paper.mark == "arXiv:1502.01852")
    assert gallery.reference(he).startswith("He et al., *Delving")
    assert gallery.reference(he).endswith("](https://arxiv.org/abs/1502.01852)")


def test_kernels_lie_side_by_side():
    kernel = np.arange(24.0).reshape(2, 3, 2, 2)
    shown = gallery.tiles(kernel)
    assert shown.shape == (5, 8)
    # Output 1, input 2 is at the lower right; a blank line is in front of it.
    assert np.array_equal(shown[3:, 6:], kernel[1, 2])
    assert np.isnan(shown[2]).all()
    assert np.isnan(shown[:, [2, 5]]).all()
