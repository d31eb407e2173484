"""Rules of primitives that move entries about and change none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._inference.walker import Equation
from .domain import SecondMoments
from .independent import moments_of_value
from .moves import broadcast, concatenated, reshaped, taken, transposed
from .values import Known, NotKnown, Random, Value, random


def broadcast_in_dim(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    places = tuple(map(int, eqn.params["broadcast_dimensions"]))
    shape = tuple(eqn.outputs[0].shape)
    old = dict(zip(places, range(len(places)), strict=True))
    axes = [old.get(axis) for axis in range(len(shape))]
    return domain.moved(args[0], lambda m: broadcast(m, shape, places), axes, shape)


def reshape(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """Where axes of length 1 come and go alone, functions of one array stay so."""
    (one,) = args
    old, shape = tuple(eqn.inputs[0].shape), tuple(eqn.outputs[0].shape)
    if [n for n in old if n != 1] != [n for n in shape if n != 1]:
        units = _units(one, old, shape)
        return random(reshaped(one.moments, shape), one.unevenness, units, of=[one])
    kept = iter([axis for axis, n in enumerate(old) if n != 1])
    axes = [next(kept) if n != 1 else None for n in shape]
    return domain.moved(one, lambda m: reshaped(m, shape), axes, shape)


def _units(one: Random, old: Sequence[int], new: Sequence[int]) -> frozenset[int]:
    """Where axes with a scale in common end up: an axis made of any is one."""

    def strides(shape: Sequence[int]) -> np.ndarray:
        return np.cumprod([1, *shape[::-1]])[::-1]

    ends, news = strides(old), strides(new)
    # Strides that overlap belong to one another.
    return frozenset(
        axis
        for axis, n in enumerate(new)
        for unit in one.atom.units
        if n > 1 and ends[unit + 1] < news[axis] and news[axis + 1] < ends[unit]
    )


def transpose(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    order = tuple(map(int, eqn.params["permutation"]))
    return domain.moved(args[0], lambda m: transposed(m, order), order, order)


def _picked(one: Any, indices: Sequence[np.ndarray]) -> Value:
    """Some positions along each axis: another array, of which nothing else is made."""
    if isinstance(one, Known):
        return Known(one.array[np.ix_(*indices)])
    moments = one.moments
    for axis, index in enumerate(indices):
        if len(index) != moments.shape[axis] or (np.diff(index) != 1).any():
            moments = taken(moments, axis, index)
    return random(moments, one.unevenness, one.atom.units, of=[one])


def slice_(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    del domain
    starts, limits = eqn.params["start_indices"], eqn.params["limit_indices"]
    strides = eqn.params["strides"] or [1] * len(starts)
    ranges = zip(starts, limits, strides, strict=True)
    return _picked(args[0], [np.arange(*ends) for ends in ranges])


def rev(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    del domain
    (one,), flipped = args, eqn.params["dimensions"]
    if all(one.moments.profile[axis] == 1 for axis in flipped):
        return one
    steps = [-1 if a in flipped else 1 for a in range(len(one.shape))]
    pairs = zip(one.shape, steps, strict=True)
    return _picked(one, [np.arange(n)[::step] for n, step in pairs])


def split(domain: SecondMoments, eqn: Equation, args: Any) -> list[Value]:
    del domain
    indices = [np.arange(n) for n in eqn.inputs[0].shape]
    axis, ends = eqn.params["axis"], np.cumsum(eqn.params["sizes"])
    parts: list[Value] = []
    for part in np.split(indices[axis], ends[:-1]):
        parts.append(_picked(args[0], [*indices[:axis], part, *indices[axis + 1 :]]))
    return parts


def dynamic_slice(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """Somewhere: as good as any other place where positions are alike."""
    del domain
    one, *starts = args
    sizes, shape = eqn.params["slice_sizes"], eqn.inputs[0].shape
    known = [isinstance(start, Known) for start in starts]
    if not all(known) and isinstance(one, Random):
        lengths = zip(sizes, one.moments.profile, shape, strict=True)
        if any(p > 1 and k != n for k, p, n in lengths):
            raise NotKnown("a slice of unlike positions")
        return _picked(one, [np.arange(k) for k in sizes])
    if not all(known):
        raise NotKnown("a slice of constants that data picks")
    ranges = zip([int(start.array) for start in starts], sizes, shape, strict=True)
    # As jax clamps them.
    return _picked(one, [np.arange(k) + min(max(i, 0), n - k) for i, k, n in ranges])


def concatenate(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    del domain
    randoms = [arg for arg in args if isinstance(arg, Random)]
    parts = [moments_of_value(arg) for arg in args]
    moments = concatenated(parts, eqn.params["dimension"])
    units = frozenset.union(*(arg.atom.units for arg in randoms))
    return random(moments, max(arg.unevenness for arg in randoms), units, of=args)


def pad(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    del domain
    one, filling = args
    if not isinstance(one, Random) or not isinstance(filling, Known):
        raise NotKnown("padding with random numbers")
    if filling.array.any():
        raise NotKnown("padding with another number than 0")
    moments = one.moments
    for axis, config in enumerate(eqn.params["padding_config"]):
        low, high, inner = map(int, config)  # of numpy, some of them
        if (low, high, inner) != (0, 0, 0):
            places = _places(moments.shape[axis], low, high, inner)
            moments = taken(moments, axis, places)
    return random(moments, one.unevenness, one.atom.units, of=[one])


def _places(n: int, low: int, high: int, inner: int) -> np.ndarray:
    """Which entry stands at each place of a padded axis; -1 for none."""
    spaced = np.full((n - 1) * (inner + 1) + 1 if n else 0, -1)
    spaced[:: inner + 1] = np.arange(n)
    wide = np.pad(spaced, (max(low, 0), max(high, 0)), constant_values=-1)
    return wide[max(-low, 0) : len(wide) - max(-high, 0)]


def name(domain: SecondMoments, eqn: Equation, values: Sequence[Any]) -> list[Value]:
    """A mark: what stands there is kept."""
    one = domain.plain(values[0])
    domain.record(eqn.params["name"], eqn.place, one)
    return [one]


RULES: Mapping[str, Callable[..., Any]] = {
    "broadcast_in_dim": broadcast_in_dim,
    "reshape": reshape,
    "squeeze": reshape,
    "expand_dims": reshape,
    "transpose": transpose,
    "slice": slice_,
    "rev": rev,
    "split": split,
    "dynamic_slice": dynamic_slice,
    "concatenate": concatenate,
    "pad": pad,
}
