"""Moments of arrays whose entries are moved about: reshaped, sliced, put together."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..._typing import Shape
from .moments import Moments, agreeing, differing, partners


def transposed(one: Moments, order: Sequence[int]) -> Moments:
    shape = tuple(one.shape[axis] for axis in order)
    both = (*order, *(one.along(axis) for axis in order))
    return Moments(shape, one.mean.transpose(order), one.pairs.transpose(both))


def without(one: Moments, axes: Sequence[int] | frozenset[int]) -> Moments:
    """Without some of its axes, which are of length 1."""
    gone = tuple(axes)
    both = (*gone, *(one.along(axis) for axis in gone))
    shape = tuple(n for axis, n in enumerate(one.shape) if axis not in gone)
    return Moments(shape, one.mean.squeeze(gone), one.pairs.squeeze(both))


def broadcast(one: Moments, shape: Shape, axes: Sequence[int]) -> Moments:
    """As `broadcast_in_dim`: axis `i` of the array becomes axis `axes[i]`.

    Along an axis that is new, or was of length 1, all entries are one and the same.
    """

    def placed(lengths: Sequence[int]) -> tuple[int, ...]:
        new = [1] * len(shape)
        for axis, length in zip(axes, lengths, strict=True):
            new[axis] = length
        return tuple(new)

    pairs = one.pairs.reshape(placed(one.flags) + placed(one.profile))
    return Moments(shape, one.mean.reshape(placed(one.mean.shape)), pairs)


def reshaped(one: Moments, shape: Shape) -> Moments:
    """Axes merged and split; what differs on one of two axes differs on both merged."""
    lean = _reshaped_to(one, tuple(n for n in one.shape if n != 1))
    axis = 0
    for old, new in groups(lean.shape, shape):
        for _ in old[1:]:
            lean = _merged(lean, axis)
        for n in new[:-1]:
            lean = _split(lean, axis, n)
            axis += 1
        axis += 1
    return _reshaped_to(lean, shape)


def _reshaped_to(one: Moments, shape: Shape) -> Moments:
    """With axes of length 1 put in or left out, and nothing else."""
    kept = [axis for axis, n in enumerate(one.shape) if n != 1]
    places = [axis for axis, n in enumerate(shape) if n != 1]
    lean = Moments(
        tuple(one.shape[axis] for axis in kept),
        one.mean.reshape([one.mean.shape[axis] for axis in kept]),
        one.pairs.reshape(
            [one.flags[axis] for axis in kept] + [one.profile[axis] for axis in kept]
        ),
    )
    return broadcast(lean, shape, places)


def groups(old: Shape, new: Shape) -> Iterator[tuple[Shape, Shape]]:
    """Runs of axes with the same number of entries; axes of length 1 are left out."""
    left, right = [n for n in old if n != 1], [n for n in new if n != 1]
    while left and right:
        i = j = 1
        while (a := math.prod(left[:i])) != (b := math.prod(right[:j])):
            if a < b:
                i += 1
            else:
                j += 1
        yield tuple(left[:i]), tuple(right[:j])
        left, right = left[i:], right[j:]


def _merged(one: Moments, axis: int) -> Moments:
    """This axis and the next one as one."""
    m, n = one.shape[axis : axis + 2]

    def pair(first: int, second: int) -> np.ndarray:
        along = agreeing if first else differing
        across = agreeing if second else differing
        return across(along(one.pairs, axis), axis + 1)

    agree = pair(1, 1)
    differ = (n - 1) * pair(1, 0) + (m - 1) * (pair(0, 1) + (n - 1) * pair(0, 0))
    pairs = np.concatenate([differ / (m * n - 1), agree], axis)
    pairs = np.squeeze(pairs, axis + 1)
    shape = (*one.shape[:axis], m * n, *one.shape[axis + 2 :])
    mean = _merged_axes(one.mean, axis, m, n)
    return Moments(shape, mean, _merged_axes(pairs, len(shape) + axis, m, n))


def _merged_axes(array: np.ndarray, axis: int, m: int, n: int) -> np.ndarray:
    shape = list(array.shape)
    if shape[axis] == shape[axis + 1] == 1:
        return np.squeeze(array, axis)
    shape[axis : axis + 2] = m, n
    whole = np.broadcast_to(array, shape)
    return whole.reshape([*shape[:axis], m * n, *shape[axis + 2 :]])


def _split(one: Moments, axis: int, m: int) -> Moments:
    """This axis as two, of which the first is of length `m`."""
    n = one.shape[axis] // m
    agree, differ = agreeing(one.pairs, axis), differing(one.pairs, axis)
    rows = [np.stack([differ, differ], axis + 1), np.stack([differ, agree], axis + 1)]
    pairs = np.concatenate(rows, axis)
    there = one.ndim + 1 + axis
    mean, pairs = _split_axis(one.mean, axis, m), _split_axis(pairs, there, m)
    return Moments((*one.shape[:axis], m, n, *one.shape[axis + 1 :]), mean, pairs)


def _split_axis(array: np.ndarray, axis: int, m: int) -> np.ndarray:
    n = array.shape[axis]
    parts = (1, 1) if n == 1 else (m, n // m)
    return array.reshape([*array.shape[:axis], *parts, *array.shape[axis + 1 :]])


def taken(one: Moments, axis: int, index: np.ndarray) -> Moments:
    """`x[index]` along an axis, with 0 where `index` is -1.

    **Arguments:**

    - `index`: of shape `(positions,)`, or `(positions, taps)` for windows: then the
        axis becomes two. Entries that differ on one of the two are taken to be
        different entries of the array, though windows overlap.
    """
    there = index >= 0
    shape = (*one.shape[:axis], *index.shape, *one.shape[axis + 1 :])
    mean = _taken_along(one.mean, axis, index)
    pairs = _taken_along(one.pairs, one.along(axis), index)
    agree, differ = agreeing(pairs, axis), differing(pairs, axis)
    flags = [agree if all(f) else differ for f in np.ndindex(*(2,) * index.ndim)]
    pairs = np.stack(flags, axis).squeeze(axis + 1)
    flagged = (*pairs.shape[:axis], *(2,) * index.ndim, *pairs.shape[axis + 1 :])
    pairs = pairs.reshape(flagged)
    if not there.all():
        mean = mean * _placed(there, axis, len(shape), 0)
        pairs = pairs * _both_there(there, axis, len(shape))
    return tidy(Moments(shape, mean, pairs))


def _taken_along(array: np.ndarray, axis: int, index: np.ndarray) -> np.ndarray:
    if array.shape[axis] == 1:
        ones = (1,) * index.ndim
        return array.reshape([*array.shape[:axis], *ones, *array.shape[axis + 1 :]])
    return np.take(array, np.maximum(index, 0), axis)


def _placed(array: np.ndarray, axis: int, ndim: int, before: int) -> np.ndarray:
    """As a profile of `ndim` axes with `before` more in front, from `axis` on."""
    shape = [1] * (before + ndim)
    shape[before + axis : before + axis + array.ndim] = array.shape
    return array.reshape(shape)


def _both_there(there: np.ndarray, axis: int, ndim: int) -> np.ndarray:
    """For each flag: 1 where the first entry is none of the zeros, times the share of
    second entries that are none.
    """
    pairs = there * partners(there.astype(np.float64))
    own, profile = pairs.shape[: there.ndim], pairs.shape[there.ndim :]
    shape = [1] * (2 * ndim)
    shape[axis : axis + there.ndim] = own
    shape[ndim + axis : ndim + axis + there.ndim] = profile
    return pairs.reshape(shape)


def concatenated(parts: Sequence[Moments], axis: int) -> Moments:
    """Independent arrays behind each other, each with its part of the profile."""
    sizes = [part.shape[axis] for part in parts]
    n = sum(sizes)
    shape = (*parts[0].shape[:axis], n, *parts[0].shape[axis + 1 :])
    means = [
        _full(part.mean, axis, size) for part, size in zip(parts, sizes, strict=True)
    ]
    mean = _joined(means, axis)
    pairs: list[np.ndarray] = []
    for i, part in enumerate(parts):
        agree, differ = agreeing(part.pairs, axis), differing(part.pairs, axis)
        rest = (sizes[i] - 1) * differ
        for j, other in enumerate(parts):
            if j != i:
                rest = rest + sizes[j] * _cross(part, other, axis)
        differ = rest / max(n - 1, 1)
        both = np.concatenate(np.broadcast_arrays(differ, agree), axis)
        pairs.append(_full(both, part.along(axis), sizes[i]))
    return tidy(Moments(shape, mean, _joined(pairs, len(shape) + axis)))


def _cross(one: Moments, other: Moments, axis: int) -> np.ndarray:
    """E[x y] for an entry of each, which differ along `axis`."""
    far = partners(other.mean.mean(axis, keepdims=True))
    return one.mean * far


def _full(array: np.ndarray, axis: int, n: int) -> np.ndarray:
    shape = list(array.shape)
    shape[axis] = n
    return np.broadcast_to(array, shape)


def _joined(arrays: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Concatenated, where the other axes may be of length 1 in some."""
    lengths = np.broadcast_shapes(
        *(a.shape[:axis] + (1,) + a.shape[axis + 1 :] for a in arrays)
    )
    whole = [
        np.broadcast_to(a, (*lengths[:axis], a.shape[axis], *lengths[axis + 1 :]))
        for a in arrays
    ]
    return np.concatenate(whole, axis)


def tidy(one: Moments) -> Moments:
    """Where an axis has length 1, two entries agree on it."""
    pairs = one.pairs
    for axis, n in enumerate(one.shape):
        if n == 1 and pairs.shape[axis] > 1:
            pairs = agreeing(pairs, axis)
    return Moments(one.shape, one.mean, pairs)
