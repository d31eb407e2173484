"""Elementwise functions of a Gaussian, by their values at fixed nodes.

An entry is `m + s * sqrt(v) * g` with `g` normal. The scale `s` is that of its sample:
inputs differ in length, and so do draws of the weights, by which `E[f(x)^2]` of a
function that is no power of `x` changes a lot (behind 16 layers of silu by a factor of
two). It is taken to be log-normal, with the relative variance (the *unevenness*) of
`s^2` that is tracked for each array.

The second moments of `f(x)` follow from Hermite coefficients: with `a_n = E[f(g)
h_n(g)]` and a correlation `c` of two entries, `E[f(x) f(y)] = sum_n a_n^2 c^n`.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..._inference.curves import apply as apply_primitive
from .moments import Moments, partners


# Nodes of a normal variable: a plain sum is exact for what is smooth, off by 1e-3 at a
# kink and by up to 1e-2 at a step, where Gauss-Hermite's few nodes are off by ten times
# that. None is at 0, where most steps are.
NODES = np.arange(-6.475, 6.5, 0.05)
NODE_WEIGHTS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()

# Terms of the series, behind which what is left counts as the next one.
_TERMS = 48
_POWERS = np.arange(_TERMS + 1)
# A term's share of the sum, from which on it counts.
_NOTHING = 1e-12

_SCALES, _RAW_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_SCALE_WEIGHTS = _RAW_WEIGHTS / _RAW_WEIGHTS.sum()

# Less than this and all samples are of one scale.
_EVEN = 1e-3


@functools.cache
def _hermite() -> np.ndarray:
    """Normalised Hermite polynomials at the nodes, times their weights: (terms, g)."""
    rows = [np.ones_like(NODES), NODES]
    for n in range(1, _TERMS - 1):
        rows.append((NODES * rows[-1] - math.sqrt(n) * rows[-2]) / math.sqrt(n + 1))
    return np.stack(rows) * NODE_WEIGHTS


def scale_nodes(unevenness: float, tilt: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Scales `s` with E[s^2] = 1 and this relative variance of `s^2`; their weights.

    - `tilt`: by how many standard deviations of `log s` the weights are moved up.
    """
    if unevenness < _EVEN:
        return np.ones(1), np.ones(1)
    log = math.log1p(unevenness)
    squares = np.exp(math.sqrt(log) * _SCALES - log / 2)
    squares = squares / (_SCALE_WEIGHTS @ squares)
    weights = _SCALE_WEIGHTS * np.exp(tilt * _SCALES)
    return np.sqrt(squares), weights / weights.sum()


def tilt_of(by_scale: np.ndarray, weights: np.ndarray) -> float:
    """By how many standard deviations of `log s` these squares move the weights."""
    if len(weights) == 1 or not (total := float(by_scale @ weights)):
        return 0.0
    return float(_SCALES * by_scale @ weights) / total


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A function of one array, by its values.

    - `index`: which class each position of the profile belongs to.
    - `values`: of shape `(classes, scales, nodes)`.
    """

    index: np.ndarray
    values: np.ndarray


def identity(moments: Moments, unevenness: float, positive: bool) -> Curve:
    """The array itself: Gaussian at each scale, or log-normal if it is positive."""
    mean, std = moments.mean, np.sqrt(moments.variance)
    both = np.stack(np.broadcast_arrays(mean, std), -1)
    classes, index = _classes(_without_noise(both))
    scales, _ = scale_nodes(unevenness)
    m, v = classes[:, 0, None, None], classes[:, 1, None, None]
    if positive and (m > 0).all():
        log = np.sqrt(np.log1p((v / m) ** 2))
        return Curve(index, m * np.exp(log * NODES - log**2 / 2))
    return Curve(index, m + v * scales[:, None] * NODES)


def at_the_mean(curve: Curve, of: Curve, mean: np.ndarray) -> np.ndarray:
    """The function at the mean of the array that it is a function of.

    - `of`: that array, as a function of itself.
    """
    index, center, numbers = np.broadcast_arrays(curve.index, of.index, mean)
    scale, nodes = curve.values.shape[1] // 2, of.values.shape[1] // 2
    result = np.empty(index.shape)
    for place in np.ndindex(*index.shape):
        x, y = of.values[center[place], nodes], curve.values[index[place], scale]
        result[place] = np.interp(numbers[place], x, np.broadcast_to(y, x.shape))
    return result


def _without_noise(rows: np.ndarray) -> np.ndarray:
    """Rows of the last axis, to nine digits: each rounding error would be a class."""
    _, exponent = np.frexp(np.abs(rows).max(-1, keepdims=True))
    return np.ldexp(np.round(np.ldexp(rows, 30 - exponent)), exponent - 30)


def _classes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of the last axis, and which of them each place has."""
    flat = rows.reshape(-1, rows.shape[-1])
    classes, index = np.unique(flat, axis=0, return_inverse=True)
    return classes, index.reshape(rows.shape[:-1])


def applied(
    name: str, params: Mapping[str, Any], args: Sequence[Curve | np.ndarray]
) -> Curve | None:
    """A primitive of curves on one array, and of known arrays of its profile.

    `None` where the primitive is not known.
    """
    tables = [_table(arg) for arg in args]
    ndim = max(index.ndim for index, _ in tables)
    indices = [
        index.reshape((1,) * (ndim - index.ndim) + index.shape) for index, _ in tables
    ]
    both = np.stack(np.broadcast_arrays(*indices), -1)
    classes, index = _classes(both)
    columns = [values[classes[:, i]] for i, (_, values) in enumerate(tables)]
    values = apply_primitive(name, params, columns)
    if values is None:
        return None
    return Curve(index, np.asarray(values))


def _table(arg: Curve | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(arg, Curve):
        return arg.index, arg.values
    classes, index = np.unique(arg, return_inverse=True)
    return index.reshape(arg.shape), classes[:, None, None]


@dataclasses.dataclass(frozen=True, eq=False)
class Statistics:
    """Of a curve, for each class: (classes,) and (classes, scales) numbers."""

    mean: np.ndarray
    square: np.ndarray
    fourth: np.ndarray
    coefficients: np.ndarray  # (classes, scales, terms), what they leave as the last
    by_scale: np.ndarray  # (classes, scales): E[f^2] at each scale


def statistics(curve: Curve, weights: np.ndarray) -> Statistics:
    values = np.broadcast_to(
        curve.values, (len(curve.values), len(weights), len(NODES))
    ).astype(np.float64)
    by_scale = values**2 @ NODE_WEIGHTS
    coefficients = values @ _hermite().T
    left = np.maximum(by_scale - np.sum(coefficients**2, -1), 0)
    coefficients = np.concatenate([coefficients, np.sqrt(left)[..., None]], -1)
    return Statistics(
        (values @ NODE_WEIGHTS) @ weights,
        by_scale @ weights,
        (values**4 @ NODE_WEIGHTS) @ weights,
        coefficients,
        by_scale,
    )


def moments_of(
    curve: Curve,
    atom: Moments,
    unevenness: float,
    units: frozenset[int],
    tilt: float = 0.0,
    profile: np.ndarray | None = None,
) -> Moments:
    """The moments of a function of an array with these moments.

    - `units`: the axes along which entries have their scale in common.
    - `tilt`: which scales count, as in `scale_nodes`.
    - `profile`: by what its square counts at each node.
    """
    scales, weights = scale_nodes(unevenness, tilt)
    stats = statistics(curve, weights)
    square = stats.square
    if profile is not None:
        square = (curve.values.astype(float) ** 2 * profile @ NODE_WEIGHTS) @ weights
    correlation = _correlations(atom)
    shape = np.broadcast_shapes(curve.index.shape, atom.profile)
    index = np.broadcast_to(curve.index, shape)
    # Where the function differs from position to position, so do two entries.
    both = [f if n == 1 else 2 for f, n in zip(atom.flags, index.shape, strict=True)]
    pairs = np.empty((*both, *shape))
    for flags in np.ndindex(*both):
        # A flag that makes no difference (length 1) says that they agree.
        differ = {i for i, f in enumerate(flags) if f == 0 and both[i] > 1}
        here = tuple(min(f, n - 1) for f, n in zip(flags, atom.flags, strict=True))
        c = np.broadcast_to(correlation[here], shape)
        if not differ:
            pairs[flags] = square[index]
        elif len(weights) == 1 or differ <= units:
            pairs[flags] = _shared(stats, index, c, weights, differ)
            if unevenness < 0 and differ <= units:
                # Squares of a fixed sum: by the term of the second polynomial.
                twice = _product(stats.coefficients[:, 0, 2], index, differ)
                pairs[flags] += unevenness / 2 * twice
        else:
            # Two samples: scales of their own, unless they are as good as one.
            one = _shared(stats, index, c, weights, differ)
            two = _apart(stats, index, c, scales, weights, differ)
            pairs[flags] = c**2 * one + (1 - c**2) * two
    return Moments(atom.shape, stats.mean[index], pairs)


def _correlations(atom: Moments) -> np.ndarray:
    """Of any two entries, flags first."""
    std = np.sqrt(atom.variance)
    scale = std * partners(
        np.broadcast_to(std, np.broadcast_shapes(std.shape, atom.profile))
    )
    cov = atom.pairs - atom.mean * partners(atom.mean)
    return np.asarray(np.clip(cov / np.where(scale > 0, scale, 1), -1, 1))


def _shared(
    stats: Statistics,
    index: np.ndarray,
    c: np.ndarray,
    weights: np.ndarray,
    differ: set[int],
) -> np.ndarray:
    """E[f(x) f(y)] for entries of one scale that differ on some axes."""
    total = np.zeros(())
    for k, weight in enumerate(weights):
        total = total + weight * _series(stats.coefficients[:, k], index, c, differ)
    return total


def _apart(
    stats: Statistics,
    index: np.ndarray,
    c: np.ndarray,
    scales: np.ndarray,
    weights: np.ndarray,
    differ: set[int],
) -> np.ndarray:
    """E[f(x) f(y)] for entries with independent scales."""
    # The correlation that `g` must have for `s g` to have this one.
    c = np.clip(c / (scales @ weights) ** 2, -1, 1)
    coefficients = np.einsum("cks,k->cs", stats.coefficients, weights)
    return _series(coefficients, index, c, differ)


def _series(
    coefficients: np.ndarray, index: np.ndarray, c: np.ndarray, differ: set[int]
) -> np.ndarray:
    """`sum_n a_n b_n c^n`, with `(classes, terms)` coefficients, by Horner's rule.

    A term at a time: a profile of queries and keys is large, and 49 of it do not fit
    into a cache. Of most functions a few terms are all there is.
    """
    sizes = np.max(coefficients**2, 0) * np.abs(c).max(initial=0) ** _POWERS
    count = 1 + max(np.flatnonzero(sizes > _NOTHING * sizes.sum()), default=-1)
    total = np.zeros(c.shape)
    for a in coefficients.T[:count][::-1]:
        total *= c
        # One class: a number, whatever the profile.
        total += a[0] ** 2 if len(a) == 1 else _product(a, index, differ)
    return total


def _product(a: np.ndarray, index: np.ndarray, differ: set[int]) -> np.ndarray:
    """A coefficient of the first entry times that of the second, on average."""
    first = a[index]  # of the profile's shape
    second = first
    for axis in differ:
        if (n := index.shape[axis]) > 1:
            second = (second.sum(axis, keepdims=True) - second) / (n - 1)
    return first * second
