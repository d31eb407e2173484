"""Second moments of a random array, by the axes on which two of its entries agree.

What is drawn is exchangeable: any two units of a layer are as good as any other two,
and so are any two samples. So all that there is to know of the product of two entries
is on which axes they agree. For what a layer of 64 units returns on 256 inputs that are
half alike, `z[sample, unit]` with variance 1:

    agree on             E[z_a z_b]
    sample and unit      1.0        the second moment
    unit                 0.5        one unit on two inputs
    sample               0.0        two units on one input
    nothing              0.0        the square of the mean

With D axes these are `2^D` numbers. Sums, products, contractions and convolutions of
independent arrays map them exactly: the variance of a mean over positions, or of a sum
weighted by attention, is a sum over them.

Where positions are not alike (at the edge of a padded image, behind a causal mask) the
numbers are arrays along that axis: of the position of the first entry, and averaged
over that of the second where the two differ.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ..._typing import Shape


# What numpy makes of an array without axes is a number.
Numbers: TypeAlias = np.ndarray | np.floating[Any]


@dataclasses.dataclass(frozen=True, eq=False, init=False)
class Moments:
    """Mean and second moments of an array.

    - `shape`: of the array.
    - `mean`: one axis for each of the array's, of its length or of length 1 where all
        positions are alike (the *profile*).
    - `pairs`: an axis of length 2 for each of the array's (0 where the entries differ
        on it, 1 where they agree; of length 1 where that makes no difference, as along
        an axis of length 1), and behind them the profile.
    """

    shape: Shape
    mean: np.ndarray
    pairs: np.ndarray

    def __init__(self, shape: Shape, mean: Numbers, pairs: Numbers) -> None:
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "mean", np.asarray(mean))
        object.__setattr__(self, "pairs", np.asarray(pairs))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def square(self) -> np.ndarray:
        """E[x^2], along the profile."""
        return np.asarray(self.pairs[(-1,) * self.ndim])

    @property
    def variance(self) -> np.ndarray:
        """Of one entry, along the profile."""
        return np.asarray(np.maximum(self.square - self.mean**2, 0))

    @property
    def flags(self) -> Shape:
        return self.pairs.shape[: self.ndim]

    @property
    def profile(self) -> Shape:
        return self.pairs.shape[self.ndim :]

    def along(self, axis: int) -> int:
        """The axis of the profile in `pairs`."""
        return self.ndim + axis


def independent(shape: Shape, mean: float, std: float) -> Moments:
    """Entries that are drawn independently."""
    ones = (1,) * len(shape)
    flags = tuple(min(n, 2) for n in shape)
    pairs = np.full(flags + ones, float(mean) ** 2)
    pairs[(-1,) * len(shape)] += std**2
    return Moments(shape, np.full(ones, float(mean)), pairs)


def known(array: np.ndarray) -> Moments:
    """An array that is what it is, with a profile along every axis that matters."""
    array = np.asarray(array, np.float64)
    profile = _profile(array)
    return Moments(array.shape, profile, profile * partners(profile))


def _profile(array: np.ndarray) -> np.ndarray:
    """The array, with length 1 along axes on which all entries are alike."""
    for axis in range(array.ndim):
        first = np.take(array, [0], axis)
        if array.shape[axis] > 1 and (array == first).all():
            array = first
    return array


def measured(array: np.ndarray) -> Moments:
    """An array of data, every position of which is taken to be like any other."""
    array = np.asarray(array, np.float64)
    axes = range(array.ndim)
    sums = np.empty((2,) * array.ndim)
    for flags in itertools.product((0, 1), repeat=array.ndim):
        free = tuple(axis for axis in axes if not flags[axis])
        sums[flags] = np.sum(np.square(np.sum(array, free)))
    # From pairs that agree at least on these axes to those that agree on no other.
    for axis in axes:
        agree, any_ = agreeing(sums, axis), differing(sums, axis)
        n = array.shape[axis]
        differ = [(any_ - agree) / (n * (n - 1))] if n > 1 else []
        sums = np.concatenate([*differ, agree / n], axis)
    ones = (1,) * array.ndim
    mean = np.full(ones, array.mean())
    return Moments(array.shape, mean, sums.reshape(sums.shape + ones))


def partners(profile: np.ndarray) -> np.ndarray:
    """The value at the second of two entries, given where the first one is.

    Flags first: that of the first entry where they agree, the mean of all others where
    they differ.
    """
    ndim = profile.ndim
    value = profile.reshape((1,) * ndim + profile.shape)
    for axis, n in enumerate(profile.shape):
        if n > 1:
            others = value.sum(ndim + axis, keepdims=True) - value
            value = np.concatenate([others / (n - 1), value], axis)
    return value


def agreeing(pairs: np.ndarray, axis: int) -> np.ndarray:
    """Those that agree on an axis, which is of length 1 then."""
    return pairs[(slice(None),) * axis + (slice(-1, None),)]


def differing(pairs: np.ndarray, axis: int) -> np.ndarray:
    """Those that differ on an axis, which is of length 1 then."""
    return pairs[(slice(None),) * axis + (slice(0, 1),)]


def plus(one: Moments, other: Moments) -> Moments:
    """The sum of two independent arrays of one shape."""
    cross = one.mean * partners(other.mean) + other.mean * partners(one.mean)
    return Moments(one.shape, one.mean + other.mean, one.pairs + other.pairs + cross)


def times(one: Moments, other: Moments) -> Moments:
    """The product of two independent arrays, the axes of which may be of length 1."""
    shape = np.broadcast_shapes(one.shape, other.shape)
    return Moments(shape, one.mean * other.mean, one.pairs * other.pairs)


def scaled(one: Moments, factor: float) -> Moments:
    return Moments(one.shape, factor * one.mean, factor**2 * one.pairs)


def total(one: Moments, axes: Sequence[int]) -> Moments:
    """The sum over some axes, which are left with length 1."""
    mean, pairs, shape = one.mean, one.pairs, list(one.shape)
    for axis in axes:
        n = shape[axis]
        agree, differ = agreeing(pairs, axis), differing(pairs, axis)
        row = agree + (n - 1) * differ  # of the first entry, with all second ones
        pairs = n * row.mean(one.along(axis), keepdims=True)
        mean = n * mean.mean(axis, keepdims=True)
        shape[axis] = 1
    return Moments(tuple(shape), mean, pairs)


def average(one: Moments, axes: Sequence[int]) -> Moments:
    """The mean over some axes, which are left with length 1."""
    count = math.prod(one.shape[axis] for axis in axes)
    return scaled(total(one, axes), 1 / count)


def spread(one: Moments) -> float:
    """The std over all entries of one array, as a probe measures it.

    About the mean of those entries, which for a few units on alike inputs takes a good
    part of their variance.
    """
    axes = range(one.ndim)
    square = float(one.square.mean())
    mean_square = float(average(one, axes).square.mean())
    return math.sqrt(max(square - mean_square, 0.0))


def centred(one: Moments, axes: Sequence[int]) -> Moments:
    """An array minus its own mean over some axes."""
    mean = average(one, axes)
    return Moments(one.shape, one.mean - mean.mean, one.pairs - mean.pairs)


def summing_to_zero(one: Moments, axis: int) -> Moments:
    """An array whose sum over an axis is zero: entries that differ on it make up for
    those that agree.
    """
    agree, n = agreeing(one.pairs, axis), one.shape[axis]
    if n == 1:
        return one
    return Moments(one.shape, one.mean, np.concatenate([-agree / (n - 1), agree], axis))
