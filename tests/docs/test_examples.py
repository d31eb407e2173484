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


SCIENCE = sorted(path.stem for path in (EXAMPLES / "science").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SCIENCE if name != "claims"])
def test_claims_of_science_hold(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Each script measures what a paper says, and leaves with a status if it fails."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "science"))
    runpy.run_path(str(EXAMPLES / "science" / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "holds" in printed
    assert "FAILS" not in printed


def test_a_claim_that_fails_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(EXAMPLES / "science"))
    claims = runpy.run_path(str(EXAMPLES / "science" / "claims.py"))
    with pytest.raises(SystemExit, match="1"):
        claims["report"](claims["Claim"]("one", 1.0, 1.2, 0.1))
    assert "FAILS" in capsys.readouterr().out
