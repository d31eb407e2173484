"""Examples that need nothing but the test extras, and take seconds, run."""

import runpy
from pathlib import Path

import pytest


EXAMPLES = Path(__file__).parents[2] / "examples"


def test_typed_research_names_rule_and_path(capsys: pytest.CaptureFixture[str]):
    runpy.run_path(str(EXAMPLES / "typed_research.py"), run_name="__main__")
    printed = capsys.readouterr().out
    # The user's own annotation finds the transposed matrix, eqinit says whose it was.
    assert "Type-check error whilst checking the return value" in printed
    assert "eqinit was drawing `query` (rule Layer(Attention))" in printed
    assert "query, of Attention (rule Path('query')): Constant got a value" in printed
