"""Examples that need nothing but the test extras, and take seconds, run."""

import runpy
from pathlib import Path

import jax
import pytest


EXAMPLES = Path(__file__).parents[2] / "examples"


def test_typed_research_names_rule_and_path(capsys: pytest.CaptureFixture[str]):
    runpy.run_path(str(EXAMPLES / "typed_research.py"), run_name="__main__")
    printed = capsys.readouterr().out
    # The user's own annotation finds the transposed matrix, eqinit says whose it was.
    assert "Type-check error whilst checking the return value" in printed
    assert "eqinit was drawing `query` (rule Layer(Attention))" in printed
    assert "query, of Attention (rule Path('query')): Constant got a value" in printed


DOCS = EXAMPLES.parent / "docs"
SCRIPTS = {path.stem for path in (EXAMPLES / "science").glob("*.py")} - {"claims"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_claims_of_science_hold(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """Each script measures what a paper says, and leaves with a status if it fails."""
    script = str(EXAMPLES / "science" / f"{name}.py")
    monkeypatch.syspath_prepend(str(EXAMPLES / "science"))
    monkeypatch.setattr("sys.argv", [script, str(tmp_path)])
    with jax.numpy_dtype_promotion("standard"):  # as users have it, and optax needs
        runpy.run_path(script, run_name="__main__")
    printed = capsys.readouterr().out
    assert "holds" in printed
    assert "FAILS" not in printed
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.png"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt_text", "siren_image"])
def test_trained_on_real_data(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A few steps of both, from all starts: what they draw is there."""
    script, picture = str(EXAMPLES / f"{name}.py"), tmp_path / "picture.png"
    arguments = [script, "--steps", "20", "--picture", str(picture)]
    monkeypatch.setattr("sys.argv", arguments)
    with jax.numpy_dtype_promotion("standard"):  # as users have it, and optax needs
        runpy.run_path(script, run_name="__main__")
    assert picture.exists()


def test_every_claim_is_on_the_page():
    page = (DOCS / "science.md").read_text()
    assert {path.stem for path in (DOCS / "gallery").glob("*.png")} == SCRIPTS
    missing = [
        name
        for name in sorted(SCRIPTS)
        if f"`{name}.py`" not in page or f"(gallery/{name}.png)" not in page
    ]
    assert not missing


def test_a_claim_that_fails_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(EXAMPLES / "science"))
    claims = runpy.run_path(str(EXAMPLES / "science" / "claims.py"))
    with pytest.raises(SystemExit, match="1"):
        claims["report"](claims["Claim"]("one", 1.0, 1.2, 0.1))
    assert "FAILS" in capsys.readouterr().out
