"""How unlikely a sample's mean and variance are, in standard deviations of a normal.

Both are asymptotically normal, and far out in the tail "asymptotically" is far away: of
one number from a normal, the square is beyond five of its standard deviations once in
220 times, and the mean of a hundred numbers from an exponential is once in 40,000. So
both are held against a law with the right skewness or kurtosis, and the score is that
of a normal which is as unlikely.
"""

import math
from typing import NamedTuple

import numpy as np

from .._typing import Number


class Shape(NamedTuple):
    """Moments of independent numbers.

    - `mean`, `std`.
    - `kurtosis`: E|x - mean|^4 / std^4.
    - `skewness`: E(x - mean)^3 / std^3, of real ones.
    - `is_complex`.
    """

    mean: float
    std: float
    kurtosis: float
    skewness: float = 0.0
    is_complex: bool = False


def scores(values: np.ndarray, grains: np.ndarray, shape: Shape) -> tuple[float, float]:
    """Scores of the sample mean, and of the sample variance about the true mean.

    `grains` is what rounding may have done to each value: no law is met closer.
    """
    mean, std = shape.mean, shape.std
    deviation, count = values - mean, values.size
    off = complex(deviation.mean())
    worst = math.copysign(abs(off), off.real)
    if std == 0:
        grain = float(grains.max())
        far = float(np.abs(deviation).max())
        return ratio(worst, 0.0, grain), ratio(far, 0.0, grain)
    grain = float(np.sqrt((grains**2).mean()))
    z_mean = ratio(worst, std / math.sqrt(count), grain)
    squares = float((np.abs(deviation) ** 2).mean()) / std**2
    return (
        _of_a_mean(z_mean, count, shape),
        _of_a_variance(squares, count, shape, grain / std),
    )


def ratio(value: float, error: float, grain: float) -> float:
    """A deviation in units of its error, be it of sampling or of rounding."""
    total = math.hypot(error, grain)
    # Not a number: there is no comparing it, and `max` would pass over it.
    if not math.isfinite(value) or not math.isfinite(total):
        return math.inf
    return value / total if total else math.copysign(math.inf, value) if value else 0.0


def _of_a_mean(score: float, count: int, shape: Shape) -> float:
    if shape.is_complex:  # of a modulus, which is shorter in the tail than a normal
        return score
    skewness = shape.skewness / math.sqrt(count)
    excess = (shape.kurtosis - 3) / count - 1.5 * skewness**2  # beyond a gamma's
    df = 4 + 6 / excess if excess > 0 else math.inf
    return from_t(_from_gamma(score, skewness), df)


def _of_a_variance(squares: float, count: int, shape: Shape, grain: float) -> float:
    """Of the mean square, in units of the variance.

    Squares of normals are a gamma, whose skewness is twice its relative deviation.
    Those of a law with shorter tails are less skewed, in proportion; those of one with
    longer tails are more so at their upper end: by a seventh for each unit of kurtosis,
    as for Laplace's law and the exponential.
    """
    spread = math.sqrt(max(shape.kurtosis - 1, 0.0) / count)
    if spread < 1e-6 or not math.isfinite(squares):
        return ratio(squares - 1, spread, grain)
    normal = 2.0 if shape.is_complex else 3.0
    short = min((shape.kurtosis - 1) / (normal - 1), 1.0)
    long = 1 + max(shape.kurtosis - normal, 0.0) / 7 if squares > 1 else 1.0
    # (The cube root is no good beyond a skewness of eight.)
    skewness = min(2 * spread * short * long, 8.0)
    score = _from_gamma((squares - 1) / spread, skewness)
    return score * spread / math.hypot(spread, grain)


def _from_gamma(score: float, skewness: float) -> float:
    """Wilson and Hilferty (1931): the cube root of a gamma is all but normal."""
    if abs(skewness) < 1e-6 or not math.isfinite(score):
        return score
    if skewness < 0:
        return -_from_gamma(-score, -skewness)
    shape = 4 / skewness**2
    root = np.cbrt(1 + score * skewness / 2)
    return float(3 * math.sqrt(shape) * (root - 1 + 1 / (9 * shape)))


def from_t(score: float, df: Number) -> float:
    """Wallace (1959): the score of a normal that is as unlikely as Student's t.

    `score` is in standard deviations, those of t with `df` degrees of freedom.
    """
    if math.isinf(df) or not math.isfinite(score):
        return score
    squared = score**2 / (df - 2)  # t^2 / df
    size = (8 * df + 1) / (8 * df + 3) * math.sqrt(df * math.log1p(squared))
    return math.copysign(size, score)
