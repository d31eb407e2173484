"""Whether the values of one parameter may have been drawn as its plan says."""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._drawing.row import Row
from .._laws.base import AbstractBase
from .._laws.law import AbstractLaw, Moments
from .._memo import Memo
from .._parameters.spec import ParamSpec
from .._schemes.initializer import AbstractInitializer, AbstractMatrixInitializer
from .._schemes.kernels import AbstractConvInitializer
from .check import Check, CheckRow
from .scores import Shape, from_t, ratio, scores


class Verdict(NamedTuple):
    """What is expected, and how far off the values are, in sigmas of a normal.

    `by` is what they were held against: `law`, `moments` or `draws`.
    """

    expected: Moments | None
    z_mean: float
    z_std: float
    by: str


class Unjudged(NamedTuple):
    """Why nothing can be said."""

    why: str


_CUTS, _READS = 4, 24  # draws that say where to cut, and that are read
_FEWEST = 32
_LARGEST = 1 << 24


class Judge:
    """Holds values against the law of their entries, or against draws of the scheme."""

    def __init__(self) -> None:
        # What is drawn for one parameter serves all that are alike.
        self._drawn: Memo[Drawn] = Memo()

    def verdict(
        self, init: AbstractInitializer, spec: ParamSpec, value: np.ndarray
    ) -> Verdict | Unjudged:
        """What is to be said of one parameter.

        **Arguments:**

        - `init`, `spec`: what should have been drawn.
        - `value`: what there is, in float64 or complex128.

        **Returns:** a verdict, or why there is none.
        """
        moments, law = init.moments(spec), init.law(spec)
        # Values that no law allows (the log of a negative one) become nan, then inf.
        with np.errstate(all="ignore"):
            if law is not None:
                return Verdict(moments, *_by_law(law, spec, value), "law")
            if moments is not None and _rotates(init):
                return Verdict(moments, *_by_moments(moments, spec, value), "moments")
            if spec.size > _LARGEST:
                return Unjudged("no law, and too large to be drawn again")
            make = functools.partial(Drawn, init, spec)
            drawn = self._drawn.once((init, spec), make)
            return drawn.verdict(value, moments)


def _rotates(init: AbstractInitializer) -> bool:
    """Whether it draws matrices of eqinit's own.

    Of a random rotation (and of whatever has one on either side) a mean is as that of
    independent normals, and a mean square is what it is: judged so, it is judged well.
    """
    kinds = (AbstractMatrixInitializer, AbstractConvInitializer)
    own = type(init).__module__.partition(".")[0] == __name__.partition(".")[0]
    return own and isinstance(init, kinds)


def _by_moments(
    moments: Moments, spec: ParamSpec, value: np.ndarray
) -> tuple[float, float]:
    kurtosis = 2.0 if spec.is_complex else 3.0
    shape = Shape(*moments, kurtosis, is_complex=spec.is_complex)
    return scores(value, np.abs(_nudged(value, spec) - value), shape)


def _by_law(
    law: AbstractLaw, spec: ParamSpec, value: np.ndarray
) -> tuple[float, float]:
    unit = law.normalise(value, spec.is_complex)
    nudged = law.normalise(_nudged(value, spec), spec.is_complex)
    mean, std, kurtosis = law.normalised(spec.is_complex)
    # Only what has longer tails than a normal may be lopsided enough to matter.
    lopsided = kurtosis > 3 and law.unit is not None and not spec.is_complex
    skewness = _skewness(law.unit) if lopsided and law.unit is not None else 0.0
    shape = Shape(mean, std, kurtosis, skewness, spec.is_complex)
    return scores(np.asarray(unit), np.asarray(np.abs(nudged - unit)), shape)


@functools.lru_cache(maxsize=256)
def _skewness(base: AbstractBase) -> float:
    """Of a hundred thousand draws, and at most a gamma's; of symmetric ones, 0.

    A little less than it is: too much would put the lower end of what is possible above
    values that are.
    """
    drawn = base.sample(jax.random.key(0), (100_000,), jnp.float32)
    mean, std, kurtosis = base.normalised(False)
    unit = (base.normalise(np.asarray(drawn, np.float64), False) - mean) / std
    skewness = float((unit**3).mean())
    # Its error is some multiple of sqrt(1 / n) that grows with the kurtosis.
    if abs(skewness) < 0.02 * kurtosis:
        return 0.0
    gammas = math.sqrt((kurtosis - 3) / 1.5)
    return math.copysign(0.98 * min(abs(skewness), gammas), skewness)


class Drawn:
    """Some draws of a scheme: its entries may depend on each other as they do.

    Of values that are cut where one in a hundred would be, the mean tells the location
    and the mean distance from the middle the spread, however long the tails are. How
    much these two differ from draw to draw is seen in the draws. So the score is that
    of Student's t with 23 degrees of freedom, as that of a normal.
    """

    def __init__(self, init: AbstractInitializer, spec: ParamSpec) -> None:
        self._spec = spec
        keys = iter(jax.random.split(jax.random.key(0), _CUTS + _READS))
        # One at a time: they may be large.
        draws = (widened(init.draw(key, spec), spec) for key in keys)
        first = next(draws)
        few = [first, *itertools.islice(draws, _CUTS - 1)]
        certain = all(np.array_equal(one, first, equal_nan=True) for one in few)
        # What is the same for every key has to be met exactly.
        self._certain = first if certain else None
        self._moments = realised(np.asarray(few))
        if certain or spec.size < _FEWEST:
            return
        self._cut = _Cut(np.concatenate([one.ravel() for one in few]))
        self._others = np.asarray([self._cut.read(one) for one in draws])  # (reads, 2)

    def verdict(self, value: np.ndarray, moments: Moments | None) -> Verdict | Unjudged:
        """What is to be said of values that should be another draw."""
        expected = moments or self._moments
        grains = np.abs(_nudged(value, self._spec) - value)
        if self._certain is not None:
            off = scores(value - self._certain, grains, Shape(0.0, 0.0, 3.0))
            return Verdict(expected, *off, "draws")
        if value.size < _FEWEST:
            return Unjudged(f"no law, and fewer than {_FEWEST} values")
        grain = float(grains.mean())
        pairs = zip(self._cut.read(value), self._others.T, strict=True)
        z_mean, z_std = (_t_score(number, others, grain) for number, others in pairs)
        return Verdict(expected, z_mean, z_std, "draws")


class _Cut:
    """Where values are cut, as some draws have it."""

    def __init__(self, values: np.ndarray) -> None:
        values = values[:: max(1, len(values) >> 20)]
        real = np.real(values)
        self._middle = float(np.median(real))
        self._low, self._high = np.quantile(real, [0.01, 0.99])
        distances = np.abs(values - self._middle)
        # If fewer than one in a hundred is no zero: where the last one is.
        self._far = np.quantile(distances, 0.99) or distances.max()

    def read(self, value: np.ndarray) -> tuple[float, float]:
        """The mean, and the mean distance from the middle."""
        near = np.minimum(np.abs(value - self._middle), self._far)
        return (
            float(np.clip(np.real(value), self._low, self._high).mean()),
            float(near.mean()),
        )


def _t_score(number: float, others: np.ndarray, grain: float) -> float:
    count = len(others)
    df = count - 1
    error = float(others.std(ddof=1)) * math.sqrt(1 + 1 / count)
    score = ratio(number - float(others.mean()), error, grain)
    return from_t(score * math.sqrt((df - 2) / df), df)  # in deviations of a t


def realised(value: np.ndarray) -> Moments:
    """Mean and standard deviation of what there is."""
    mean = value.mean()
    return Moments(float(mean.real), float(np.sqrt((np.abs(value - mean) ** 2).mean())))


def widened(value: Any, spec: ParamSpec) -> np.ndarray:
    """As float64 or complex128."""
    wide = np.complex128 if spec.is_complex else np.float64
    return np.asarray(value).astype(wide)


def _nudged(value: np.ndarray, spec: ParamSpec) -> np.ndarray:
    """The values moved by as much as storing them in the leaf's dtype may do.

    Relative to each value's own magnitude: normalised values are differences, and
    float32 knows ln(0.01/0.99) = -4.595 no closer than 4e-7.
    """
    limits = jnp.finfo(spec.dtype)
    tiny = float(limits.smallest_normal) * float(limits.eps)
    # A scalar parameter: numpy arithmetic on 0-d arrays gives numbers.
    return np.asarray(value * (1 + float(limits.eps)) + tiny)


def _check_row(row: Row, value: np.ndarray, judge: Judge) -> CheckRow | Unjudged | None:
    """`None` where there is nothing to look at."""
    if row.init is None or value.size == 0:
        return None
    wide = widened(value, row.spec)
    verdict = judge.verdict(row.init, row.spec, wide)
    if isinstance(verdict, Unjudged):
        return verdict
    return CheckRow(
        row.path,
        wide.size,
        verdict.expected,
        realised(wide),
        verdict.z_mean,
        verdict.z_std,
        verdict.by,
    )


def check_rows(rows: Sequence[Row], values: Sequence[np.ndarray]) -> Check:
    """A check of all rows."""
    judge = Judge()
    results = [_check_row(*pair, judge) for pair in zip(rows, values, strict=True)]
    done = tuple(result for result in results if isinstance(result, CheckRow))
    skipped = tuple(
        (row.path, result.why)
        for row, result in zip(rows, results, strict=True)
        if isinstance(result, Unjudged)
    )
    return Check(done, skipped)
