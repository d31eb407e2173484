"""Every paper that a docstring names can be cited."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import equinox as eqx
import jax
import pytest

import eqinit as ei
from eqinit._citation.citation import PAPERS, bibtex, named_in


_ARXIV = re.compile(r"arXiv:((?:[a-z-]+/)?\d[\d.]*\d)")


def documented() -> Iterator[tuple[str, str]]:
    for module in pkgutil.walk_packages(ei.__path__, "eqinit."):
        loaded = importlib.import_module(module.name)
        yield module.name, loaded.__doc__ or ""
        for name, value in vars(loaded).items():
            if getattr(value, "__module__", None) == module.name and callable(value):
                yield f"{module.name}.{name}", inspect.getdoc(value) or ""


def test_every_number_in_a_docstring_has_an_entry():
    known = {paper.mark for paper in PAPERS}
    missing = {
        (name, number)
        for name, text in documented()
        for number in _ARXIV.findall(text)
        if f"arXiv:{number}" not in known
    }
    assert missing == set()


def test_every_entry_is_named_somewhere():
    texts = [" ".join(text.split()) for _, text in documented()]
    unused = [p.mark for p in PAPERS if not any(p.mark in text for text in texts)]
    assert unused == []


def test_keys_are_unique_and_plain():
    keys = [paper.key for paper in PAPERS]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"\w+", key) for key in keys)


def test_numbers_and_years_agree():
    for paper in PAPERS:
        match = re.fullmatch(r"arXiv:(?:[a-z-]+/)?(\d\d)\d\d.*", paper.mark)
        if match:
            assert paper.year == 2000 + int(match[1])
        assert paper.authors.count("{") == paper.title.count("{") == 0


def test_an_initializer(capsys: pytest.CaptureFixture[str]):
    ei.citation(ei.HeNormal())
    printed = capsys.readouterr().out
    assert printed.startswith("% HeNormal\n@article{he2015delving,\n")
    assert "journal = {arXiv:1502.01852}" in printed
    assert printed.count("@") == 1


def test_inside_of_combinators_and_only_once():
    found = bibtex(
        ei.Scaled(ei.Sparse(ei.HeNormal(), density=0.1), 0.5), ei.HeUniform()
    )
    assert found.count("@article{he2015delving") == 1
    assert "HeNormal, HeUniform" in found


def test_rules_plans_and_recipes():
    rules = [
        ei.Rule("a", weight=ei.Orthogonal(), bias=ei.Zeros()),
        ("b", lambda site: ei.transformer.SmallInit()),
    ]
    keys = {"saxe2013exact", "mezzadri2006generate"}
    found = bibtex(rules)
    assert all(key in found for key in keys)
    assert "citation(plan)" in found
    model = {
        k: eqx.nn.Linear(3, 3, use_bias=False, key=jax.random.key(0)) for k in "ab"
    }
    found = bibtex(ei.plan(model, [rules[0], ("b", rules[1][1])]))
    assert all(key in found for key in {*keys, "nguyen2019transformers"})
    assert "citation(plan)" not in found
    assert "engstrom2020implementation" in bibtex(ei.recipes.rl_ppo)
    assert "radford2019language" in bibtex(ei.depth.gpt2)


def test_nothing_to_cite():
    assert bibtex(ei.Zeros()) == "% Nothing here has a paper of its own."
    assert named_in("arXiv:9999.99999") == ()
