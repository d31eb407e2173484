"""`progress=True`: a bar that counts every byte once."""

import sys

import equinox as eqx
import jax
import numpy as np
import pytest

import eqinit as ei
from eqinit._drawing.draw import draw_rows


MODEL = eqx.nn.MLP(4, 3, 300, 2, key=jax.random.key(0))
RULES = [
    ei.Rule("layers.0", weight=ei.Orthogonal(), bias=ei.Zeros()),
    ei.Rule(eqx.nn.Linear, weight=ei.HeNormal(), bias=ei.TorchDefault()),
]


def test_every_byte_is_reported_once() -> None:
    counted: list[int] = []
    rows = list(ei.plan(MODEL, RULES))
    drawn = draw_rows(rows, jax.random.key(1), progress=counted.append)
    assert sum(counted) == sum(np.asarray(x).nbytes for x in drawn)


def test_bar_reaches_its_end(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    shown = ei.apply(MODEL, jax.random.key(1), RULES, progress=True)
    assert "100%" in capfd.readouterr().err
    assert eqx.tree_equal(shown, ei.apply(MODEL, jax.random.key(1), RULES))


def test_without_tqdm_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"pip install tqdm"):
        ei.apply(MODEL, jax.random.key(1), RULES, progress=True)
