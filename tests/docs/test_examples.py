"""Examples that need nothing but the test extras, and take seconds, run."""

import importlib.util
import re
import runpy
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest


EXAMPLES = Path(__file__).parents[2] / "examples"


def test_typed_research_names_rule_and_path(capsys: pytest.CaptureFixture[str]):
    runpy.run_path(str(EXAMPLES / "typed_research.py"), run_name="__main__")
    printed = capsys.readouterr().out
    # The user's own annotation finds the transposed matrix, eqinit says whose it was.
    assert "Type-check error whilst checking the return value" in printed
    assert "eqinit was drawing `query` (rule Layer(Attention))" in printed
    assert "query, of Attention (rule Path('query')): Constant got a value" in printed


def imported(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_no_loss_curve_jumps_in_surgery(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The example with a tenth of its steps: what it prints, and what it would draw."""
    module, runs = imported("surgery"), list[Any]()
    train = module.Run.train
    monkeypatch.setattr(
        module.Run, "train", lambda run, text, n, seed: train(run, text, n // 10, seed)
    )
    monkeypatch.setattr(module, "draw", lambda *args: runs.extend(args[:2]))
    with jax.numpy_dtype_promotion("standard"):  # as users have it, and optax needs
        module.main()
    run, after = runs
    found = re.findall(r"(.+?) +loss (\S+) -> (\S+)", capsys.readouterr().out)
    *kept, adapters = [(n, float(a), float(b)) for n, a, b in found]
    assert [name for name, _, _ in kept] == [name for _, name in run.operations]
    for name, before, behind in kept:
        # Printed with four digits. Half of the hidden units, those that matter least,
        # were 0.8 % of the loss of the first block, and less of the others.
        allowed = 0.02 * before if name.endswith("192 to 96 units") else 2e-4
        assert behind - before < allowed, name
    assert adapters[2] < adapters[1]

    for place in sorted({place for place, _ in run.operations}):
        assert_no_jump(np.array(run.losses), place)
    assert np.mean(after.losses[-5:]) < np.mean(after.losses[:5])


def assert_no_jump(losses: Any, place: int) -> None:
    """Of ten losses before and ten after, whose batches are drawn alike."""
    before, behind = losses[place - 10 : place], losses[place : place + 10]
    noise = np.std(np.diff(losses[place - 10 : place])) / 2**0.5
    # Means of ten batches each: five errors of their difference, which training only
    # makes smaller.
    assert np.mean(behind) - np.mean(before) < 5 * noise * (2 / 10) ** 0.5
    assert np.mean(losses[place : place + 3]) - np.mean(before) < 5 * noise / 3**0.5


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
