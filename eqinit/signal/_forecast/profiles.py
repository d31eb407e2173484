"""How large a gradient is at which values of the array that it is the gradient of.

Weights have met what they were multiplied by. With `u = W h` the gradient at `h` is
`W^T g`, and of `W` the part along `h` is not drawn anew: it is `u h^T / |h|^2`, which
made `u`. So along `h` the gradient is `h (u . g) / |h|^2`, the square of which is what
it is along any other direction, times

    R = n E[(u . g)^2] / (E|u|^2 E|g|^2)

for `n` units. It is 1 where `g` is independent of `u`. Behind an activation, where `g`
is `f'(u) g'`, it is

    E[u^2 f'^2] / (E[u^2] E[f'^2]) + (R' - 1) E[u f' f]^2 / (E[u^2] E[f^2] E[f'^2])

with the `R'` of `g'` and `f(u)`. For relu it stays 1; where slopes grow with their
argument it grows with depth. One direction of `n` is like that: so gradients are larger
than they would be, by `1 + (R - 1) / n`, and the more so at large entries.

The scale of `u` is a sum of `n` squares, so that it is larger where an entry of `h` is.
Where gradients go by its power `t`, they go by `1 + t (h^2 / E[h^2] - 1) / n` of that
entry; and by less than that power of the scale of `h`.

In a sum `s = f(x) + y` the gradient at `f(x)` is that at `s`. Where that has come
through a slope behind `s`, it is what the slope is on average over `y`, given `x`.

A *profile* is `E[g^2 | x] / E[g^2]` at the nodes of `x`, and 1 on average.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from .atoms import Atom, Profiles, Term
from .curves import NODE_WEIGHTS, NODES, Curve, scale_nodes


@dataclasses.dataclass(frozen=True, eq=False)
class Product:
    """Weights, times what they were multiplied by.

    - `data`: that, and the `unevenness` of it.
    - `output`: what came out.
    - `summed`: over which axes of the weights, as they were numbered at first.
    - `width`: over how many units.
    """

    data: Term
    unevenness: float
    output: Atom
    summed: frozenset[int]
    width: int


def excess(gradient: Term, of: Product) -> float:
    """`R - 1` of the gradient that reaches a product."""
    behind = gradient.factor or gradient.atom
    if gradient.factor is None:
        if behind.at is None or behind.at.atom.number != of.output.number:
            return 0.0
        atom, slope = behind.at.atom, _one(behind.moments.ndim)
    else:
        atom, slope = gradient.atom, gradient.values
    share = _share(atom, of.output.number)
    if not share or of.width < 2:
        return 0.0
    _, weights = scale_nodes(atom.unevenness, behind.tilt)
    squares = _mean_square(slope, len(weights)) * behind.profile_on(atom)
    whole = weights @ (squares @ NODE_WEIGHTS)
    if not whole > 0:
        return 0.0
    # Of an output that is a share of `u`, what `u` says of it.
    seen = share * NODES**2 + 1 - share
    ratio = weights @ ((squares * seen) @ NODE_WEIGHTS) / whole
    if behind.at is not None and behind.at.atom.number == atom.number:
        aligned = _aligned(slope, behind.at.values, len(weights))
        ratio += behind.along * share * (weights @ aligned) / whole
    return float(np.clip(ratio - 1, -1, of.width - 1))


def _share(atom: Atom, output: int) -> float:
    """How much of an array's variance is that of a product, with a bias or without."""
    if atom.number == output:
        return 1.0
    for term in atom.terms:
        if term.atom.number == output:
            whole = float(atom.moments.variance.mean())
            own = float(term.atom.moments.variance.mean())
            return min(own / whole, 1.0) if whole > 0 else 0.0
    return 0.0


def _aligned(slope: Curve, function: Curve, scales: int) -> np.ndarray:
    """E[g f' f]^2 / E[f^2] at each scale, for a normal `g`."""
    left, right = (_pooled(one, one.values, scales) for one in (slope, function))
    products = (left * right) @ (NODES * NODE_WEIGHTS)
    squares = _mean_square(function, scales) @ NODE_WEIGHTS
    return products**2 / np.where(squares > 0, squares, 1)


def _one(ndim: int) -> Curve:
    """The slope of what is linear."""
    return Curve(np.zeros((1,) * ndim, int), np.ones((1, 1, 1)))


def _pooled(curve: Curve, values: np.ndarray, scales: int) -> np.ndarray:
    """The mean over positions: (scales, nodes)."""
    counts = np.bincount(curve.index.ravel(), minlength=len(values))
    mean = np.tensordot(counts / counts.sum(), values.astype(float), 1)
    return np.broadcast_to(mean, (scales, len(NODES)))


def _mean_square(curve: Curve, scales: int) -> np.ndarray:
    return _pooled(curve, curve.values.astype(float) ** 2, scales)


def behind_weights(excess: float, tilt: float, of: Product) -> tuple[Profiles, float]:
    """The profile of a gradient behind weights, and its tilt.

    - `excess`: along what the weights were used on.
    - `tilt`: in front of them.
    """
    term = of.data
    variance = math.log1p(max(of.output.unevenness, 0.0))
    slope = tilt / math.sqrt(variance) if variance else 0.0
    before = min(math.log1p(max(of.unevenness, 0.0)) / (variance or 1.0), 1.0)
    tilt = tilt * math.sqrt(before)
    if term.curve is None or not (excess or slope):
        return {}, tilt
    scales = len(scale_nodes(term.atom.unevenness)[0])
    squares = _mean_square(term.curve, scales)
    mean = squares @ NODE_WEIGHTS
    part = squares / np.where(mean > 0, mean, 1)[:, None] - 1
    profile = 1 + (excess / (of.width + excess) + slope / of.width) * part
    return {term.atom.number: np.maximum(profile, 0)}, tilt


def of_a_sum(terms: Sequence[Term]) -> Profiles:
    """The profiles of a sum of gradients."""
    total = sum(term.square for term in terms)
    if not total > 0:
        return {}
    each = [_of_a_term(term) for term in terms]
    numbers = {number for profiles in each for number in profiles}
    shares = [term.square / total for term in terms]

    def mean(number: int) -> np.ndarray:
        parts = [profiles.get(number, np.ones(1)) for profiles in each]
        return np.sum(
            np.broadcast_arrays(*(w * p for w, p in zip(shares, parts, strict=True))), 0
        )

    return {number: mean(number) for number in numbers}


def largest_part(terms: Sequence[Term]) -> tuple[Term | None, float]:
    """What most of a sum of gradients is along, and by how much more."""
    total = sum(term.square for term in terms)
    parts: dict[int, tuple[Term, float]] = {}
    for term in terms:
        at, along = term.atom.at, term.atom.along
        if at is not None and term.factor is None and total > 0:
            before = parts.get(at.atom.number, (at, 0.0))[1]
            parts[at.atom.number] = at, before + along * term.square / total
    return max(parts.values(), key=lambda part: abs(part[1]), default=(None, 0.0))


def _of_a_term(term: Term) -> Profiles:
    """Of a gradient that is one for all that was added up where it comes from."""
    if term.factor is None:
        return term.atom.profiles
    return {
        inner.atom.number: _smoothed(term, term.factor, inner)
        for inner in term.atom.terms
        if inner.curve is not None and inner.factor is None
    }


def _smoothed(outer: Term, factor: Atom, inner: Term) -> np.ndarray:
    """What the slope behind a sum lets through, given one of the parts of the sum."""
    atom = outer.atom
    whole, scales = atom.identity, len(scale_nodes(atom.unevenness)[0])
    squares = _mean_square(outer.values, scales) * factor.profile_on(atom)
    sums = _pooled(whole, whole.values, scales)
    count = len(scale_nodes(inner.atom.unevenness)[0])
    part = _pooled(inner.values, inner.values.values, count)
    _, weights = scale_nodes(inner.atom.unevenness)
    mean = weights @ (part @ NODE_WEIGHTS)
    variance = weights @ (part**2 @ NODE_WEIGHTS) - mean**2
    rest = max(float(atom.moments.variance.mean()) - variance, 0.0)
    centre = float(atom.moments.mean.mean()) - mean
    others = centre + np.sqrt(rest) * NODES
    # At the widest scale, whose nodes reach far enough for all.
    x, y = sums[-1], squares[-1]
    grid = np.linspace(part.min(), part.max(), len(NODES))
    smooth = np.interp(grid[:, None] + others, x, y) @ NODE_WEIGHTS
    given = np.interp(part, grid, smooth)
    average = given @ NODE_WEIGHTS
    return given / np.where(average > 0, average, 1)[:, None]
