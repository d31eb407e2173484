"""Rules of primitives that move entries about and change none."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

from .._typing import Shape
from .digits import (
    BLANK,
    VARIES,
    Digit,
    Dims,
    owned,
    plain,
    reshape,
)
from .domain import Meaning
from .values import Kind, Track, Use, Value, constant
from .walker import Equation, Rule


Move = Callable[[Dims], Dims | None]


def moved(
    domain: Meaning, eqn: Equation, value: Value, move: Move, shape: Shape
) -> Value:
    """A value after its entries were moved; what cannot be followed is let go."""
    spread = move(value.spread)
    if spread is None:
        spread = plain(shape, VARIES if value.kind == Kind.DATA else BLANK)
    tracks: list[Track] = []
    for track in value.tracks:
        dims = move(track.dims)
        if dims is None:
            domain.lose(track, eqn.name)
            continue
        if isinstance(track.of, Use):
            _note_together(domain, track, dims)
        tracks.append(track.but(dims=dims))
    return value.but(spread=spread, tracks=tuple(tracks))


def _note_together(domain: Meaning, track: Track, dims: Dims) -> None:
    for digits in dims:
        axes = {d.axis for d in digits if d.axis >= 0}
        domain.fate(track).together.update(map(frozenset, combinations(axes, 2)))


def _mover(make: Callable[[Equation], Move]) -> Rule[Any]:
    def rule(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
        return [moved(domain, eqn, values[0], make(eqn), eqn.outputs[0].shape)]

    return rule


def _reshape(eqn: Equation) -> Move:
    shape = eqn.outputs[0].shape
    if eqn.params.get("dimensions") is not None:
        return lambda dims: None
    return lambda dims: reshape(dims, shape)


def _transpose(eqn: Equation) -> Move:
    order = eqn.params["permutation"]
    return lambda dims: tuple(dims[i] for i in order)


def _squeeze(eqn: Equation) -> Move:
    return dropping(*eqn.params["dimensions"])


def dropping(*gone: int) -> Move:
    return lambda dims: tuple(d for i, d in enumerate(dims) if i not in gone)


def _broadcast(eqn: Equation) -> Move:
    shape, to = eqn.params["shape"], eqn.params["broadcast_dimensions"]

    def move(dims: Dims) -> Dims:
        new = list(plain(shape))
        for old, axis in zip(dims, to, strict=True):
            new[axis] = old if old else new[axis]
        return tuple(new)

    return move


def _tile(eqn: Equation) -> Move:
    reps = eqn.params["reps"]

    def move(dims: Dims) -> Dims:
        copies = [(Digit(BLANK, n),) if n > 1 else () for n in reps]
        return tuple(a + b for a, b in zip(copies, dims, strict=True))

    return move


def window(domain: Meaning, value: Value, shape: Shape) -> Value:
    """Axes whose length changes hold no digits any more."""
    varies = plain(shape, VARIES)

    def keep(dims: Dims, other: Dims) -> Dims:
        rows = zip(dims, value.shape, shape, other, strict=True)
        return tuple(d if old == new else o for d, old, new, o in rows)

    tracks = [t.but(dims=keep(t.dims, plain(shape))) for t in value.tracks]
    for before, after in zip(value.tracks, tracks, strict=True):
        if before.dims != after.dims and any(owned(before.dims)):
            domain.end(before)
    return value.but(spread=keep(value.spread, varies), tracks=tuple(tracks))


def shows_on(value: Value, axes: Iterable[int]) -> bool:
    """Whether a parameter shows on these axes."""
    axes = tuple(axes)
    return any(any(owned(t.dims[i] for i in axes)) for t in value.tracks)


def _fft(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    (value,) = values
    shape = eqn.outputs[0].shape
    first = len(shape) - len(eqn.params["fft_lengths"])
    if value.kind != Kind.DATA or shows_on(value, range(first, len(shape))):
        return domain.unknown(eqn, values)
    return [domain.blend([window(domain, value, shape)], linear=True)]


def _scatter(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    """Entries replaced by constants are masked; other scatters are not followed."""
    operand, *others = values
    if operand.kind != Kind.PARAMETER or any(v.kind != Kind.CONSTANT for v in others):
        return domain.unknown(eqn, values)
    tracks = [t.but(marks=t.marks | {"masked"}) for t in operand.tracks]
    return [operand.but(tracks=tuple(tracks))]


def _same(eqn: Equation) -> Move:
    del eqn
    return lambda dims: dims


def _random(domain: Meaning, eqn: Equation, values: Sequence[Value]) -> list[Value]:
    del domain, values  # noise: no function of data or parameters
    return [constant(out.shape) for out in eqn.outputs]


_NOISE = (
    "iota random_bits random_seed random_wrap random_unwrap random_fold_in "
    "random_split random_clone random_gamma threefry2x32 rng_uniform rng_bit_generator"
).split()

RULES: dict[str, Rule[Any]] = {
    "broadcast_in_dim": _mover(_broadcast),
    "expand_dims": _mover(_reshape),
    "fft": _fft,
    "reshape": _mover(_reshape),
    "rev": _mover(_same),
    "scatter": _scatter,
    "squeeze": _mover(_squeeze),
    "tile": _mover(_tile),
    "transpose": _mover(_transpose),
    **dict.fromkeys(_NOISE, _random),
}
