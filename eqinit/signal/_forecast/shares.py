"""Shares of a sum, as the weights that a softmax returns."""

import functools
from collections.abc import Sequence

import numpy as np

from .moments import Moments


def shares(
    terms: Moments, sums: Moments, axes: Sequence[int]
) -> tuple[Moments, np.ndarray]:
    """The moments of `x / sum(x)` for `x` that are not negative.

    Whichever two rows are looked at, the shares in each of them sum to one, and so the
    second moments of two rows are those of the terms over those of the sums. In one and
    the same row they are not: of few terms of unlike sizes the largest is most of the
    sum. There the expected sum of squared shares is worked out.

    **Arguments:**

    - `terms`, `sums`: of `x`, and of its sum, with length 1 along `axes`.

    **Returns:** the moments, and how much of the square of a gradient behind the
    weights is left in front of them, row by row (`_left`).
    """
    mean = terms.mean / sums.mean
    pairs = terms.pairs / sums.pairs
    flags = terms.flags
    # The same row: agreeing on all other axes.
    row = tuple(slice(None) if i in axes else -1 for i in range(len(flags)))
    places = [i for i in range(len(flags)) if i in axes]
    own = terms.pairs[row]  # (*flags of the axes, *profile)
    agree = (-1,) * len(places)
    here = tuple(len(places) + axis for axis in axes)
    count = np.prod([terms.shape[axis] for axis in axes])
    fold = np.prod([terms.shape[a] / terms.profile[a] for a in axes])
    first = fold * own[agree].sum(tuple(h - len(places) for h in here), keepdims=True)
    whole = sums.pairs[(-1,) * len(flags)]
    rest = np.maximum(whole - first, 0)
    number, log_variance = _spread(terms, first, rest, axes, float(count), float(fold))
    squares = _sum_of_squares(number, log_variance)
    with np.errstate(all="ignore"):
        same = own[agree] * (squares / first)
        other = np.where(rest > 0, (1 - squares) / rest, 0)
    pairs = np.array(
        np.broadcast_to(
            pairs, flags + np.broadcast_shapes(pairs.shape[len(flags) :], same.shape)
        )
    )
    for index in np.ndindex(*(flags[i] for i in places)):
        full = [-1] * len(flags)
        for place, flag in zip(places, index, strict=True):
            full[place] = flag
        both = all(f == flags[p] - 1 for p, f in zip(places, index, strict=True))
        pairs[tuple(full)] = same if both else own[index] * other
    return Moments(terms.shape, mean, pairs), _left(number, log_variance)


def _spread(
    terms: Moments,
    first: np.ndarray,
    rest: np.ndarray,
    axes: Sequence[int],
    count: float,
    fold: float,
) -> tuple[np.ndarray, np.ndarray]:
    """How many terms count in each row, and how unlike they are: the variance of the
    logarithm of one about what the row has in common.
    """
    mean = terms.mean
    total = fold * mean.sum(tuple(axes), keepdims=True)
    squares = fold * np.square(mean).sum(tuple(axes), keepdims=True)
    # Behind a mask there are fewer than the axis is long.
    number = np.clip(np.square(total) / np.where(squares > 0, squares, 1), 1, count)
    with np.errstate(all="ignore"):
        ratio = first * (number - 1) / rest
    ratio = np.where((number > 1) & np.isfinite(ratio), np.maximum(ratio, 1), 1)
    return np.broadcast_arrays(number, np.log(ratio))  # pyright: ignore[reportReturnType]


_G, _RAW = np.polynomial.hermite_e.hermegauss(41)
_W = _RAW / _RAW.sum()
_T = np.linspace(-12, 14, 261)


def _sum_of_squares(number: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """E[sum a^2] of the shares of log-normal terms, elementwise."""
    classes, index = _classes(number, variance)
    values = np.array([_powers(*each)[0] for each in classes])
    return values[index].reshape(number.shape)


def _left(number: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """What the square of `a (g - sum(a g))` is over that of `a g`, elementwise.

    Of independent `g` it is `a^2 (1 - 2 a + sum a^2)`: all of it is left of many small
    shares, half of two equal ones, and nothing of one alone.
    """
    classes, index = _classes(number, variance)
    powers = [_powers(*each) for each in classes]
    left = [max(1 - (2 * three - both) / two, 0.0) for two, three, both in powers]
    return np.array(left)[index].reshape(number.shape)


def _classes(
    number: np.ndarray, variance: np.ndarray
) -> tuple[list[tuple[float, float]], np.ndarray]:
    rounded = np.stack([np.round(number, 3), np.round(variance, 4)], -1)
    flat, index = np.unique(rounded.reshape(-1, 2), axis=0, return_inverse=True)
    return [(float(n), float(v)) for n, v in flat], index.reshape(-1)


@functools.lru_cache(maxsize=4096)
def _powers(number: float, variance: float) -> tuple[float, float, float]:
    r"""E of $\sum a^2$, of $\sum a^3$ and of $(\sum a^2)^2$.

    $E[\sum x^2 / s^2] = n \int_0^\infty t \, E[x^2 e^{-t x}] \, E[e^{-t x}]^{n-1} dt$,
    for $1 / s^2 = \int_0^\infty t e^{-t s} dt$ and terms are independent; and so on.
    """
    n = max(number, 1.0)
    if n <= 1 or variance <= 0:
        return 1 / n, 1 / n**2, 1 / n**2
    x = np.exp(np.sqrt(variance) * _G - variance / 2)
    t = np.exp(_T) / n
    decay = np.exp(-t[:, None] * x)
    one, two, three, four = ((decay * x**k) @ _W for k in (0, 2, 3, 4))
    step = _T[1] - _T[0]  # of log t, which is one more power of t
    others = one ** (n - 1)
    second = n * np.sum(t**2 * two * others) * step
    third = n / 2 * np.sum(t**3 * three * others) * step
    fourth = n / 6 * np.sum(t**4 * four * others) * step
    both = n * (n - 1) / 6 * np.sum(t**4 * two**2 * one ** (n - 2)) * step
    return float(second), float(third), float(fourth + both)
