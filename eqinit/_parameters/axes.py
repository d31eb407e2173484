"""Axis notation: what each axis of a parameter means, and the fans that follow."""

import dataclasses
import difflib
import functools
import math
import re
from collections.abc import Mapping
from typing import TypeAlias

from .._typing import ROLES, RoleName, Shape


# How large a named factor is: a number, the names of its entries (`gate`), or, for a
# starred name, how many axes it stands for.
Size: TypeAlias = int | tuple[str, ...]

_TOKEN = re.compile(r"\(|\)|\*?[A-Za-z_]\w*(?:=\d+)?|\S")
_NAME = re.compile(r"(\*?)([A-Za-z_]\w*)(?:=(\d+))?$")
_HELP = (
    "Write one token per axis, such as `out in *kernel`, `(gate=4 out) in` or "
    "`head out in`."
)


@dataclasses.dataclass(frozen=True)
class Token:
    """One name in a notation: `in`, `*kernel`, `gate=4`."""

    name: str
    star: bool = False
    size: int | None = None


@dataclasses.dataclass(frozen=True)
class Notation:
    """A parsed notation: the factors of every axis, a role, and what feeds a bias."""

    text: str
    axes: tuple[tuple[Token, ...], ...]
    role: RoleName
    fed_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(token.name for axis in self.axes for token in axis)


@dataclasses.dataclass(frozen=True)
class Axis:
    """One factor of one axis of an actual array."""

    name: str
    size: int
    dim: int
    labels: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Axes:
    """The meaning of every axis of one array: stacks first, then the notation."""

    text: str
    stack: Shape
    factors: tuple[Axis, ...]

    def sizes(self, name: str) -> Shape:
        return tuple(axis.size for axis in self.factors if axis.name == name)

    @property
    def split_shape(self) -> Shape:
        """The shape with every factor an axis of its own (stacks included)."""
        return self.stack + tuple(axis.size for axis in self.factors)

    @property
    def fans(self) -> tuple[int, int] | None:
        """(fan_in, fan_out), or None where there is no `in` or no `out`."""
        if not self.sizes("in") or not self.sizes("out"):
            return None
        taps = math.prod(self.sizes("kernel"))
        fan_in = math.prod(self.sizes("in")) * taps
        return fan_in, math.prod(self.sizes("out")) * taps

    def positions(self, *names: str) -> tuple[int, ...]:
        """Where the factors called `names` stand in `split_shape`."""
        start = len(self.stack)
        factors = enumerate(self.factors, start)
        return tuple(i for i, axis in factors if axis.name in names)

    def independent(self) -> tuple[int, ...]:
        """Axes of `split_shape` along which each slice is a matrix of its own."""
        roles = set(self.positions("in", "out", "kernel", "pair"))
        return tuple(i for i in range(len(self.split_shape)) if i not in roles)


def _tokens(text: str, body: str) -> list[list[str]]:
    groups: list[list[str]] = []
    inside = False
    for word in _TOKEN.findall(body):
        if word in "()":
            if (word == "(") is inside:
                raise ValueError(f"axes `{text}` has unbalanced brackets. {_HELP}")
            inside = word == "("
            groups.extend([[]] if inside else [])
        elif _NAME.match(word) is None:
            raise ValueError(f"axes `{text}` has `{word}`, which is no name. {_HELP}")
        elif inside:
            groups[-1].append(word)
        else:
            groups.append([word])
    if inside or [] in groups:
        raise ValueError(f"axes `{text}` has unbalanced or empty brackets. {_HELP}")
    return groups


def _token(word: str) -> Token:
    match = _NAME.match(word)
    assert match is not None
    star, name, size = match.groups()
    return Token(name, bool(star), None if size is None else int(size))


def _check_stars(text: str, axes: tuple[tuple[Token, ...], ...]) -> None:
    stars = [token for axis in axes for token in axis if token.star]
    if len(stars) > 1:
        raise ValueError(f"axes `{text}` has {len(stars)} starred names; one at most.")
    if any(token.star for axis in axes if len(axis) > 1 for token in axis):
        raise ValueError(f"axes `{text}` has a starred name inside brackets. {_HELP}")


# What somebody may write who means an axis that counts in a fan.
_MEANT = {
    "kernel": "kernel",
    "pair": "pair",
    "in": "in",
    "inn": "in",
    "input": "in",
} | {
    "out": "out",
    "outt": "out",
    "output": "out",
}


def _check_slips(text: str, names: set[str]) -> None:
    """Raise at a name that is nearly one with a meaning: its axis would be independent,
    and the fans others than was meant.
    """
    for name in sorted(names - {"in", "out", "kernel", "pair"}):
        # In short words every letter counts: `bin` and `fin` are names of axes.
        near = difflib.get_close_matches(name.casefold(), _MEANT, n=1, cutoff=0.8)
        exact = name.casefold() in _MEANT
        if exact or (near and len(name) > 4):
            meant = _MEANT[name.casefold() if exact else near[0]]
            raise ValueError(f"axes `{text}` have `{name}`. Did you mean `{meant}`?")


def _default_role(names: set[str]) -> RoleName:
    if {"in", "out"} <= names:
        return "kernel"
    return "bias" if "out" in names else "other"


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Notation:
    """Parse `[role:] axis axis ... [<- kernel + kernel]`.

    The role is `kernel` where both `in` and `out` occur, `bias` where only `out` does,
    `other` elsewhere; `scale: *feature` says it outright. `<-` names the kernels whose
    inputs add up in a bias.
    """
    head, arrow, feeders = text.partition("<-")
    prefix, colon, body = head.rpartition(":")
    axes = tuple(tuple(_token(word) for word in g) for g in _tokens(text, body))
    _check_stars(text, axes)
    names = {token.name for axis in axes for token in axis}
    _check_slips(text, names)
    role = prefix.strip() if colon else _default_role(names)
    if role not in ROLES:
        raise ValueError(f"axes `{text}`: no role `{role}`; roles are {list(ROLES)}.")
    fed_by = tuple(name.strip() for name in feeders.split("+")) if arrow else ()
    return Notation(" ".join(text.split()), axes, role, fed_by)


def _size(token: Token, sizes: Mapping[str, Size]) -> int | None:
    if token.size is not None:
        return token.size
    size = sizes.get(token.name)
    return len(size) if isinstance(size, tuple) else size


def _labels(token: Token, sizes: Mapping[str, Size]) -> tuple[str, ...]:
    size = sizes.get(token.name)
    return size if isinstance(size, tuple) else ()


def _split(
    text: str, axis: tuple[Token, ...], extent: int, dim: int, sizes: Mapping[str, Size]
) -> list[Axis]:
    """Split one axis of length `extent` into its factors."""
    if len(axis) == 1 and axis[0].size is None:
        return [Axis(axis[0].name, extent, dim, _labels(axis[0], sizes))]
    known = [_size(token, sizes) for token in axis]
    if known.count(None) > 1:
        missing = [t.name for t, size in zip(axis, known, strict=True) if size is None]
        raise ValueError(
            f"axes `{text}`: the sizes of {missing} are all unknown; say all but one, "
            f"such as `({missing[0]}=4 {missing[1]})`."
        )
    product = math.prod(size for size in known if size is not None)
    rest = extent // product if product else 0
    filled = [rest if size is None else size for size in known]
    if math.prod(filled) != extent:
        raise ValueError(
            f"axes `{text}`: an axis of length {extent} does not split into "
            f"{dict(zip([t.name for t in axis], known, strict=True))}."
        )
    pairs = zip(axis, filled, strict=True)
    return [Axis(t.name, size, dim, _labels(t, sizes)) for t, size in pairs]


def _expand(
    notation: Notation, ndim: int, sizes: Mapping[str, Size]
) -> tuple[tuple[Token, ...], ...]:
    """Write the starred name out as many times as it has axes."""
    expanded: list[tuple[Token, ...]] = []
    for axis in notation.axes:
        if not axis[0].star:
            expanded.append(axis)
            continue
        rank = _size(axis[0], sizes)
        # Without a layer to ask, there are no stacks: the star takes what is left.
        rank = ndim - (len(notation.axes) - 1) if rank is None else rank
        expanded.extend([(Token(axis[0].name),)] * rank)
    return tuple(expanded)


def bind(notation: Notation, shape: Shape, sizes: Mapping[str, Size] = {}) -> Axes:
    """Give every axis of `shape` its meaning.

    **Arguments:**

    - `notation`: from [`eqinit._parameters.axes.parse`][].
    - `shape`: the array's shape; axes in front of the notation are stacks.
    - `sizes`: how large named factors are, and how many axes a starred name has.

    **Raises:** `ValueError` where the shape has too few axes or does not split.
    """
    axes = _expand(notation, len(shape), sizes)
    stacks = len(shape) - len(axes)
    if stacks < 0:
        raise ValueError(
            f"axes `{notation.text}` name {len(axes)} axes, but the shape is {shape}."
        )
    factors: list[Axis] = []
    for dim, axis in enumerate(axes, stacks):
        factors.extend(_split(notation.text, axis, shape[dim], dim, sizes))
    return Axes(notation.text, shape[:stacks], tuple(factors))
