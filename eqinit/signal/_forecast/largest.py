"""The largest of several entries of a Gaussian array."""

import functools
from collections.abc import Sequence

import numpy as np

from .atoms import Atom
from .curves import Curve
from .moments import Moments, partners
from .values import NotKnown, Random


_X = np.linspace(-9, 9, 3601)


@functools.lru_cache(maxsize=1024)
def _of_normal(number: float) -> tuple[float, float]:
    """Mean and variance of the largest of so many standard normal numbers."""
    density = np.exp(-(_X**2) / 2)
    below = np.cumsum(density) - density / 2
    below = np.clip(below / density.sum(), 0, 1) ** number  # also for 2.5 on average
    weights = np.diff(below, prepend=0.0)
    weights = weights / weights.sum()
    mean = float(weights @ _X)
    return mean, float(weights @ (_X - mean) ** 2)


def largest(value: Random, seen: Moments, over: Sequence[int], number: float) -> Random:
    """The largest along some axes, which are left with length 1.

    Entries have a part in common, with the correlation that they have, and the largest
    of what is left is that of independent ones. The largest value of a function that
    only grows is its value at the largest argument.

    **Arguments:**

    - `seen`: moments of the array that the value is a function of, maybe in windows.
    - `over`: the axes of `seen`.
    - `number`: how many entries there are to choose from.
    """
    atom = value.atom
    x, y = atom.identity.values.ravel(), value.values.values.ravel()
    order = np.argsort(x)
    one = value.factor is None and x.size == y.size
    if not one or (np.diff(y[order].astype(float)) < 0).any():
        raise NotKnown("the largest value of what does not only grow")
    top = Atom(_largest(seen, over, number), atom.unevenness, units=atom.units)
    if value.is_atom:
        return Random(top)
    nodes = top.identity
    return Random(top, Curve(nodes.index, np.interp(nodes.values, x[order], y[order])))


def _largest(seen: Moments, over: Sequence[int], number: float) -> Moments:
    variance = seen.variance
    centre = seen.pairs - seen.mean * partners(seen.mean)
    there = [slice(None)] * (2 * seen.ndim)
    apart = list(there)
    for axis in over:
        there[axis], apart[axis] = slice(-1, None), slice(0, 1)
    here = (-1,) * seen.ndim
    safe = np.where(variance > 0, variance, 1)
    common = np.clip(centre[tuple(apart)][here] / safe, 0, 1)
    mean, spread = _of_normal(round(max(number, 1.0), 2))
    top = seen.mean + np.sqrt((1 - common) * variance) * mean
    top_variance = variance * (common + (1 - common) * spread)
    # Two of them go together as two entries do.
    pairs = top_variance / safe * centre[tuple(there)] + top * partners(top)
    for axis in over:
        top = top.mean(axis, keepdims=True)
        pairs = pairs.mean(seen.ndim + axis, keepdims=True)
        pairs = pairs[(slice(None),) * axis + (slice(-1, None),)]
    shape = tuple(1 if axis in over else n for axis, n in enumerate(seen.shape))
    return Moments(shape, top, pairs)
