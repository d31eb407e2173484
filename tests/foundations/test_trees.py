"""Structures of different classes are different: else a `jit` takes one for another."""

import dataclasses
import importlib
import itertools
import pkgutil
from pathlib import Path
from typing import Any

import jax
import jax.tree_util as jtu

import eqinit
from eqinit._laws.families import LocScale, LogNormalLaw, UniformLaw
from eqinit._laws.law import AbstractFlatLaw
from eqinit._laws.unit import StandardNormal
from eqinit._trees import tree_node


@tree_node(["a"], ["b"])
@dataclasses.dataclass(frozen=True)
class One:
    a: Any
    b: str


@tree_node(["a"], ["b"])
@dataclasses.dataclass(frozen=True)
class Other:
    a: Any
    b: str


def test_the_class_is_part_of_the_structure():
    one, other = One(1.0, "x"), Other(1.0, "x")
    assert jtu.tree_structure(one) != jtu.tree_structure(other)
    assert jtu.tree_structure(one) == jtu.tree_structure(One(2.0, "x"))
    assert jtu.tree_structure(one) != jtu.tree_structure(One(1.0, "y"))
    assert jtu.tree_map(lambda x: x + 1, one) == One(2.0, "x")
    ((path, leaf),) = jtu.tree_flatten_with_path(one)[0]
    assert (jtu.keystr(path), leaf) == (".a", 1.0)


def concrete(cls: type) -> set[type]:
    below = {sub for each in cls.__subclasses__() for sub in concrete(each)}
    return below if cls.__name__.startswith("Abstract") else below | {cls}


def test_no_law_has_the_structure_of_another():
    laws = [
        LocScale(StandardNormal(), 1.0, 2.0),
        UniformLaw(1.0, 2.0),
        LogNormalLaw(1.0, 2.0),
    ]
    for module in pkgutil.walk_packages(eqinit.__path__, "eqinit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert concrete(AbstractFlatLaw) == set(map(type, laws))
    for one, other in itertools.combinations(laws, 2):
        assert jtu.tree_structure(one) != jtu.tree_structure(other)


def test_nothing_of_ours_is_registered_as_jax_does_it():
    root = Path(eqinit.__path__[0])
    using = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "register_dataclass(" in (text := path.read_text("utf-8"))
        or "register_dataclass," in text
    ]
    assert using == []


def test_jax_s_own_registration_still_leaves_out_the_class():
    # Where this fails jax has mended it, and `tree_node` could be jax's function.
    first, second = (
        jax.tree_util.register_dataclass(
            dataclasses.make_dataclass(name, ["a"], frozen=True), ["a"], []
        )
        for name in ("First", "Second")
    )
    assert jtu.tree_structure(first(1.0)) == jtu.tree_structure(second(1.0))
