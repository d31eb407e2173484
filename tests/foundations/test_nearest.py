"""Did you mean ...?"""

import difflib

import pytest

from eqinit._nearest import nearest


@pytest.mark.parametrize(
    ("word", "known", "text"),
    [
        ("wieght", ["weight", "bias"], " Did you mean `weight`?"),
        ("he_normal", ["HeNormal", "Zeros"], " Did you mean `HeNormal`?"),
        ("HENORMAL", ["HeNormal", "Zeros"], " Did you mean `HeNormal`?"),
        ("xyz", ["weight", "bias"], ""),
        ("weight", [], ""),
        (
            "blocks.7.attn.wieght",
            [
                f"blocks.{i}.attn.{name}"
                for i in range(12)
                for name in ("bias", "weight")
            ],
            " Did you mean `blocks.7.attn.weight` or `blocks.7.attn.bias`?",
        ),
    ],
)
def test_nearest(word: str, known: list[str], text: str):
    assert nearest(word, known) == text


def test_numbered_names_cost_one_comparison(monkeypatch: pytest.MonkeyPatch):
    compared: list[str] = []
    close = difflib.get_close_matches

    def counted(word: str, names: object, **rest: float) -> list[str]:
        compared.extend(names)  # type: ignore[call-overload]
        return close(word, names, **rest)  # type: ignore[call-overload]

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    known = [f"blocks.{i}.weight" for i in range(10_000)]
    assert "`blocks.9999.weight`" in nearest("blocks.9999.wieght", known)
    assert len(compared) == 1
