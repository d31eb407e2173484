"""The grammar of paths: spelled, taken apart, matched by a glob."""

import fnmatch
import glob as standard
import itertools
import random
import re
import sys
import time

import jax.tree_util as jtu
import pytest

from eqinit._parameters.paths import (
    below,
    first_below,
    join,
    matches,
    parent,
    spell,
    split,
)


KEYS = ["a", "a.b", "a\\", "a\\.b", ".", "\\", "*", "", "1", "a b\n"]


@pytest.mark.parametrize("depth", [1, 2])
def test_no_two_places_share_a_path(depth: int):
    tree = {key: {other: 0.0 for other in KEYS} for key in KEYS}
    leaves = jtu.tree_leaves_with_path(tree if depth == 2 else dict.fromkeys(KEYS, 0.0))
    assert len({spell(entries) for entries, _ in leaves}) == len(KEYS) ** depth


def test_a_path_is_split_where_it_was_joined():
    for names in itertools.product(KEYS, repeat=3):
        entries = [jtu.DictKey(name) for name in names]
        segments = [spell([entry]) for entry in entries]
        assert split(spell(entries)) == segments
        assert parent(spell(entries)) == spell(entries[:2])
        assert parent(spell(entries), 2) == spell(entries[:1])


def test_paths_are_spelled_as_jax_prints_them():
    tree = {"b": [(1.0, {"c": 2.0})], "a": 3.0}
    for entries, _ in jtu.tree_leaves_with_path(tree):
        assert spell(entries) == jtu.keystr(entries, simple=True, separator=".")


def test_the_root():
    assert split("") == []
    assert parent("") == parent("a") == ""
    assert join("", "a", "", "b.c") == "a.b.c"


@pytest.mark.parametrize(
    ("path", "above", "rest", "first"),
    [
        ("a.b.c", "a", "b.c", "b"),
        ("a.b.c", "", "a.b.c", "a"),
        ("a.b", "a.b", "", ""),
        ("ab.c", "a", None, ""),
        (r"a.b\.c.d", "a", r"b\.c.d", r"b\.c"),
        ("", "", "", ""),
    ],
)
def test_what_is_below(path: str, above: str, rest: str | None, first: str):
    assert below(path, above) == rest
    assert first_below(path, above) == first


GLOBS = ["a", "b", "ab", "*", "a*", "*b", "?", "a?", "*a*", "a*b*", "**"]
NAMES = ["a", "b", "ab", "aab", "ba", "abab"]


def some_paths(seed: int, longest: int) -> list[tuple[list[str], list[str]]]:
    draw = random.Random(seed)
    return [
        (
            draw.choices(GLOBS, k=draw.randint(1, longest)),
            draw.choices(NAMES, k=draw.randint(1, 4)),
        )
        for _ in range(4000)
    ]


def by_definition(glob: list[str], path: list[str]) -> bool:
    """Each `**` written out as so many stars, and each segment left to `fnmatch`."""
    stars = glob.count("**")
    for lengths in itertools.product(range(len(path) + 1), repeat=stars):
        left = iter(lengths)
        told = [["*"] * next(left) if part == "**" else [part] for part in glob]
        flat = [part for parts in told for part in parts]
        pairs = zip(path, flat, strict=False)
        if len(flat) == len(path) and all(fnmatch.fnmatchcase(*p) for p in pairs):
            return True
    return False


def test_globs_match_what_fnmatch_does_segment_by_segment():
    for glob, path in some_paths(0, 3):
        if glob[-1] == "**":
            glob = [*glob, "*"]  # what it stands for at the end: something below
        # A node above will do.
        wanted = any(by_definition(glob, path[:n]) for n in range(1, len(path) + 1))
        assert matches(".".join(glob), ".".join(path)) == wanted, (glob, path)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="glob.translate is new in 3.13")
def test_globs_match_what_the_standard_library_does():
    for glob, path in some_paths(1, 4):
        if glob[-1] != "**":
            text = standard.translate(  # pyright: ignore
                "/".join(glob), recursive=True, include_hidden=True, seps="/"
            )
            prefixes = ["/".join(path[:n]) for n in range(1, len(path) + 1)]
            wanted = any(re.match(text, prefix) for prefix in prefixes)
            assert matches(".".join(glob), ".".join(path)) == wanted, (glob, path)


def test_the_empty_glob_is_the_root():
    assert matches("", "a.b")
    assert matches("", "")


def test_special_characters_in_names():
    assert matches(r"a\.b", r"a\.b.c")
    assert not matches("a.b", r"a\.b")
    assert matches("a?b", r"a\.b")  # one character, however it is spelled
    assert matches(r"*\.b", r"a\.b")
    assert matches(r"a\*", "a*")
    assert not matches(r"a\*", "ab")
    assert matches(r"x\\.b", r"x\\.b")  # a name that ends in a backslash, and then b
    assert matches("*.b", r"x\\.b")
    assert matches("a[0-9]", "a[0-9]")
    assert not matches("a[0-9]", "a1")


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*a" * 30, "a" * 3000 + "b"),
        (".".join(["**", "a*"] * 30) + ".z", ".".join(["a" * 50] * 200)),
        ("**." * 30 + "z", "a." * 1000 + "b"),
        ("a*" * 30 + "z", ("a" * 40 + ".") * 100 + "b"),
    ],
)
def test_a_glob_of_thirty_stars_is_quick(glob: str, path: str):
    start = time.process_time()
    assert not matches(glob, path)
    # It takes milliseconds; where choices were taken back it took longer than a minute.
    assert time.process_time() - start < 2
