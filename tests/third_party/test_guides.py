"""Guides whose blocks use other libraries, run where these are installed."""

import runpy
from pathlib import Path
from typing import Any

import pytest


ROOT = Path(__file__).parents[2]


# orbax and others import what their own dependencies deprecate.
@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("page", ["ecosystem", "icnn"])
def test_guide_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rendered: Any = runpy.run_path(str(ROOT / "tests/docs/test_docs.py"))["rendered"]
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "guides" / f"{page}.md").read_text("utf-8")
    rendered(text, page)
