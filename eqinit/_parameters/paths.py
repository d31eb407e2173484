r"""Paths: how a place in a model is spelled, taken apart and matched by a glob.

A path is dotted segments, outermost first: `blocks.3.attn.query_proj.weight`. In a
segment a dot is written `\.` and a backslash `\\`, so that no two places share a path:
`{"a.b": x}` has `a\.b`, and `{"a": {"b": x}}` has `a.b`. The root's path is empty.
"""

import functools
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

import jax.tree_util as jtu

from .._checks import Kind


# A character of a segment, as it is spelled: a backslash and what it is in front of.
_UNIT = r"(?:[^.\\]|\\.)"
_END = r"(?=\.|\Z)"
_UNITS = re.compile(r"\\.|.", re.DOTALL)
_DOTS = re.compile(r"\\.|(\.)", re.DOTALL)


def segment(entry: Any) -> str:
    """One of jax's keys: a field, an index, a key of a dict."""
    # What nearly all are, by hand: `keystr` takes ten times as long.
    if isinstance(entry, jtu.SequenceKey):
        return str(entry.idx)
    field = isinstance(entry, jtu.GetAttrKey)
    name = entry.name if field else jtu.keystr((entry,), simple=True)
    return name.replace("\\", "\\\\").replace(".", "\\.")


def spell(entries: Sequence[Any]) -> str:
    """The path of a node, from jax's own."""
    return ".".join(map(segment, entries))


def join(*paths: str) -> str:
    """One path below another; those that are empty add nothing."""
    return ".".join(filter(None, paths))


def split(path: str) -> list[str]:
    """The segments of a path, as they are spelled; none for the root."""
    if "\\" not in path:
        return path.split(".") if path else []
    dots = [match.start() for match in _DOTS.finditer(path) if match[1]]
    ends = pairwise([-1, *dots, len(path)])
    return [path[start + 1 : end] for start, end in ends]


def parent(path: str, levels: int = 1) -> str:
    """The path of what holds a node, so many levels up, and at most the root's."""
    segments = split(path)
    return ".".join(segments[: max(len(segments) - levels, 0)])


def below(path: str, above: str) -> str | None:
    """The rest of a path from a node above it: empty at that node, `None` elsewhere."""
    if not above or path == above:
        return "" if path == above else path
    return path[len(above) + 1 :] if path.startswith(f"{above}.") else None


def first_below(path: str, above: str) -> str:
    """The segment that leads from a node to one that is anywhere below it."""
    return next(iter(split(below(path, above) or "")), "")


def _is_glob(text: Any) -> bool:
    """Whether a text can match a path: no segment is empty, no backslash comes last."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return False
    return all(split(text)) and _UNITS.findall(text)[-1:] != ["\\"]


_LONGEST = 10_000  # no path is, and what is would be looked at for long
Glob: TypeAlias = Annotated[
    str,
    Kind(
        "a path or a glob, without empty segments and of at most 10,000 characters",
        _is_glob,
    ),
]


def matches(glob: str, path: str) -> bool:
    r"""Whether a glob matches a path, or the path of a node above it.

    `*` is any number of characters of one segment and `?` is one; a segment `**` is any
    number of segments. `\*` and `\?` are these characters themselves.
    """
    return _compiled(glob).match(path) is not None


@functools.lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    """A regular expression that takes a time linear in the length of the path.

    What stands between two stars may be matched as early as possible: whatever follows
    has the more to choose from. So no choice is ever taken back, which is what atomic
    groups, `(?>...)`, say. Without them a glob of 30 stars would hang.
    """
    first, *rest = _runs(split(glob))
    text = "".join(part + r"\." for part in first)
    if not rest:
        text = text.removesuffix(r"\.") + _END if glob else ""
        return re.compile(text, re.DOTALL)
    for run in rest[:-1]:
        text += _anywhere(r"\.".join(run) + r"\.")
    last = rest[-1]
    text += _anywhere(r"\.".join(last) + _END) if last else ""
    return re.compile(text, re.DOTALL)


def _runs(segments: Sequence[str]) -> list[list[str]]:
    """Patterns of the segments before, between and behind those that are `**`."""
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment != "**":
            runs[-1].append(_pattern(segment))
        elif runs[-1] or len(runs) == 1:
            runs.append([])
    return runs


def _anywhere(run: str) -> str:
    return rf"(?>(?:{_UNIT}*+\.)*?{run})"


def _pattern(segment: str) -> str:
    chunks = [""]  # between two stars
    for unit in _UNITS.findall(segment):
        if unit == "*":
            chunks.append("")
        elif unit == "?":
            chunks[-1] += _UNIT
        else:
            chunks[-1] += re.escape(unit[1:] if unit in (r"\*", r"\?") else unit)
    first, *rest = chunks
    if not rest:
        return first
    middle = "".join(f"(?>{_UNIT}*?{chunk})" for chunk in rest[:-1] if chunk)
    last = f"(?>{_UNIT}*?{rest[-1]}{_END})" if rest[-1] else f"{_UNIT}*+"
    return first + middle + last
