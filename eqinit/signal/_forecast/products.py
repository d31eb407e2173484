"""Rules of products that are summed up: matrices, attention, convolutions."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._inference.walker import Equation
from .domain import SecondMoments
from .independent import moments_of_value
from .moments import Moments, agreeing, differing, scaled
from .moves import broadcast, reshaped, taken, transposed, without
from .profiles import Product, behind_weights, excess
from .values import Known, NotKnown, Random, Value, random


def dot_general(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """Every pair of entries of independent factors, multiplied and added up."""
    (left_sum, right_sum), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    left, right = (moments_of_value(arg) for arg in args)
    free_left = [i for i in range(left.ndim) if i not in (*left_sum, *left_batch)]
    free_right = [i for i in range(right.ndim) if i not in (*right_sum, *right_batch)]
    # All axes: batch, those of the left alone, of the right alone, and the summed ones.
    middle = len(left_batch) + len(free_left)
    end = middle + len(free_right)
    batch, sums = range(len(left_batch)), range(end, end + len(left_sum))
    lefts, rights = range(len(left_batch), middle), range(middle, end)
    order = (
        [*left_batch, *free_left, *left_sum],
        [*right_batch, *free_right, *right_sum],
    )
    one = _spread(left, order[0], [*batch, *lefts, *sums], sums.stop)
    other = _spread(right, order[1], [*batch, *rights, *sums], sums.stop)
    moments = without(summed_product(one, other, sums), sums)
    terms = math.prod(left.shape[axis] for axis in left_sum)
    drawn = [_is_drawn(arg) for arg in args]
    if drawn[0] == drawn[1]:
        return random(moments, of=args)
    # What comes out of a layer has the scales of what goes in.
    units, data = (lefts, args[1]) if drawn[0] else (rights, args[0])
    weights, summed = (args[0], left_sum) if drawn[0] else (args[1], right_sum)
    unevenness = unevenness_of_sum(data, terms)
    result = random(moments, unevenness, frozenset(units), of=args)
    if not isinstance(weights, Random):
        return result
    over = frozenset(weights.atom.place[axis] for axis in summed)
    if data.gradient is None:
        if not data.atom.gradient:
            product = Product(data.term, data.unevenness, result.atom, over, terms)
            domain.used(weights.atom, product)
        return result
    return _behind(result, data, domain.products.get(weights.atom.number), over)


def _behind(
    gradient: Random, before: Random, of: Product | None, over: frozenset[int]
) -> Random:
    """A gradient behind weights, with a part along what these were used on.

    - `before`: in front of them.
    - `over`: which axes of the weights were summed over.
    """
    if of is None or of.summed & over:
        return gradient
    along = excess(before.term, of)
    moments = scaled(gradient.moments, math.sqrt(1 + along / of.width))
    profiles, tilt = behind_weights(along, before.tilt, of)
    known = {"profiles": profiles, "tilt": tilt, "at": of.data, "along": along}
    return Random(dataclasses.replace(gradient.atom, moments=moments, **known))


def summed_product(one: Moments, other: Moments, axes: Sequence[int]) -> Moments:
    """The product of independent arrays, summed over axes, left with length 1.

    Where two entries of a factor have no product (different weights of a layer), nor
    have they of the whole: then each term of the sum counts with itself alone.
    """
    shape = np.broadcast_shapes(one.shape, other.shape)
    alone = [i for i in axes if _apart(one, i) or _apart(other, i)]
    left, right = one.pairs, other.pairs
    for axis in alone:
        left, right = agreeing(left, axis), agreeing(right, axis)
    pairs, mean = left * right, one.mean * other.mean
    for axis in axes:
        n, there = shape[axis], len(shape) + axis
        row = agreeing(pairs, axis)
        if axis not in alone:
            row = row + (n - 1) * differing(pairs, axis)
        pairs = n * row.mean(there, keepdims=True)
        mean = n * mean.mean(axis, keepdims=True)
    left_over = tuple(1 if i in axes else n for i, n in enumerate(shape))
    return Moments(left_over, mean, pairs)


def _apart(one: Moments, axis: int) -> bool:
    """Whether entries that differ on an axis have no product, on average."""
    return one.flags[axis] > 1 and not differing(one.pairs, axis).any()


def _spread(
    one: Moments, order: Sequence[int], axes: Sequence[int], ndim: int
) -> Moments:
    """Its axes among all those of a product."""
    moved = transposed(one, order)
    shape = [1] * ndim
    for axis, n in zip(axes, moved.shape, strict=True):
        shape[axis] = n
    return broadcast(moved, tuple(shape), axes)


def unevenness_of_sum(data: Random, terms: int) -> float:
    """Relative variance of a sum of so many squares.

    The variance of an output is a sum of squares of inputs. It differs from sample to
    sample as their scale does, and a little more where few are summed.
    """
    within = max(data.kurtosis - 1 - data.unevenness, 0.0)
    return data.unevenness + within / max(terms, 1)


def _is_drawn(value: Value) -> bool:
    return isinstance(value, Known) or (isinstance(value, Random) and value.atom.drawn)


def convolution(domain: SecondMoments, eqn: Equation, args: Any) -> Value:
    """Windows of the data times the kernel, summed over inputs and taps."""
    del domain
    params, (data, kernel) = eqn.params, args
    numbers, groups = params["dimension_numbers"], params["feature_group_count"]
    if params["batch_group_count"] != 1 or not all(isinstance(a, Random) for a in args):
        raise NotKnown("a convolution in groups of the batch, or of constants")
    one = transposed(data.moments, numbers.lhs_spec)  # (batch, in, *positions)
    taps = transposed(kernel.moments, numbers.rhs_spec)  # (out, in, *taps)
    rank = one.ndim - 2
    names = ("padding", "window_strides", "lhs_dilation", "rhs_dilation")
    for i in range(rank):
        own = [params[name][i] for name in names]
        index = window_index(one.shape[2 + 2 * i], taps.shape[2 + i], *own)
        one = taken(one, 2 + 2 * i, index)
    # (batch, group, in, position, tap, ...) and (group, out, in, *taps)
    one, taps = _grouped(one, 1, groups), _grouped(taps, 0, groups)
    terms = math.prod(taps.shape[2:])
    # Into (batch, group, out, *positions, in, *taps)
    ndim = 4 + 2 * rank
    places = [0, 1, 3 + rank]
    for i in range(rank):
        places += [3 + i, 4 + rank + i]
    one = _spread(one, _inverse(places), sorted(places), ndim)
    summed = range(3 + rank, ndim)
    taps = _spread(taps, range(taps.ndim), [1, 2, *summed], ndim)
    moments = without(summed_product(one, taps, summed), summed)
    batch, group, out, *positions = moments.shape
    moments = reshaped(moments, (batch, group * out, *positions))
    moments = transposed(moments, _inverse(numbers.out_spec))
    units = frozenset({numbers.out_spec[1]})
    return random(moments, unevenness_of_sum(data, terms), units, of=args)


def _inverse(order: Sequence[int]) -> list[int]:
    return [int(i) for i in np.argsort(order)]


def window_index(
    size: int, taps: int, padding: tuple[int, int], stride: int, hole: int, spacing: int
) -> np.ndarray:
    """Which position each output sees through each tap: (outputs, taps), -1 for none.

    - `hole`: from one position to the next (a transposed convolution's stride).
    - `spacing`: from one tap to the next.
    """
    low, high = padding
    length = (size - 1) * hole + 1 + low + high
    outputs = max((length - (taps - 1) * spacing - 1) // stride + 1, 0)
    place = np.arange(outputs)[:, None] * stride + np.arange(taps) * spacing - low
    index, rest = np.divmod(place, hole)
    return np.where((rest == 0) & (index >= 0) & (index < size), index, -1)


def _grouped(one: Moments, axis: int, groups: int) -> Moments:
    """The axis as groups, and what is in each."""
    shape = list(one.shape)
    shape[axis : axis + 1] = [groups, shape[axis] // groups]
    if groups == 1:
        places = [i for i in range(len(shape)) if i != axis]
        return broadcast(one, tuple(shape), places)
    return reshaped(one, tuple(shape))


RULES: Mapping[str, Callable[..., Any]] = {
    "dot_general": dot_general,
    "conv_general_dilated": convolution,
}
