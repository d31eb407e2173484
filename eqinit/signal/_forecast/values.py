"""What a value of the traced computation is: known, random, or nothing known of it."""

import dataclasses
import functools
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np

from ..._typing import Shape
from .atoms import Atom, Origin, Term, numbers
from .curves import Curve, Statistics, moments_of, scale_nodes, statistics, tilt_of
from .moments import Moments, times


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """An array that is known."""

    array: np.ndarray

    @property
    def shape(self) -> Shape:
        return self.array.shape


@dataclasses.dataclass(frozen=True, eq=False)
class Random:
    """A random array: an atom, or an elementwise function of one.

    - `factor`: what that function is multiplied by: an array that is independent of the
        atom. A gradient passes an activation as the gradient times a function of what
        came in, however many equations that takes.
    """

    atom: Atom
    curve: Curve | None = None
    origin: Origin | None = None
    factor: Atom | None = None

    @property
    def shape(self) -> Shape:
        return self.atom.moments.shape

    @property
    def values(self) -> Curve:
        """The function, without the factor."""
        return self.atom.identity if self.curve is None else self.curve

    @property
    def is_atom(self) -> bool:
        return self.curve is None and self.factor is None

    @property
    def gradient(self) -> Atom | None:
        """The gradient that it is linear in, if it is."""
        if self.factor is not None:
            return self.factor
        return self.atom if self.is_atom and self.atom.gradient else None

    @functools.cached_property
    def key(self) -> Hashable:
        """The same for the same function of the same array, computed twice."""
        both = self.atom.number, None if self.factor is None else self.factor.number
        if self.curve is None:
            return both
        rounded = np.round(self.curve.values, 9).tobytes()
        return both, self.curve.index.tobytes(), rounded

    @functools.cached_property
    def direction(self) -> Hashable:
        """The same for the same function up to a factor: what it is a weight by."""
        values = self.values.values
        top = float(np.abs(values).max(initial=0.0)) or 1.0
        rounded = np.round(values / top, 6).tobytes()
        return self.atom.number, self.values.index.tobytes(), rounded

    @functools.cached_property
    def moments(self) -> Moments:
        atom = self.atom
        if self.curve is None:
            return atom.moments
        behind = self.factor and self.factor.profiles.get(atom.number)
        function = moments_of(
            self.curve,
            atom.moments,
            atom.unevenness,
            atom.units,
            self._met_with,
            behind,
        )
        return function if self.factor is None else times(self.factor.moments, function)

    @functools.cached_property
    def whole(self) -> Atom:
        """As an array of its own, whatever it was a function of."""
        if self.is_atom:
            return self.atom
        units, gradient = self.atom.units, self.atom.gradient
        if self.factor is not None:
            units, gradient = units & self.factor.units, True
        drawn = self.atom.drawn
        return Atom(self.moments, self.unevenness, self.tilt, units, drawn, gradient)

    @functools.cached_property
    def as_factor(self) -> Atom:
        """A gradient times a function, as what is multiplied by further functions: the
        same array for all of them, so that these add up.
        """
        positive = sign_of(Random(self.atom, self.curve)) > 0
        source = self.factor.source if self.factor and positive else None
        return dataclasses.replace(self.whole, multiple_of=source, number=next(numbers))

    @functools.cached_property
    def term(self) -> Term:
        """As it stands in a sum or a product."""
        square = float(self.moments.square.mean())
        return Term(self.atom, self.curve, self.factor, square)

    @functools.cached_property
    def unevenness(self) -> float:
        """Of its own square: over samples, of its mean over very many units."""
        if self.curve is None:
            return self.atom.unevenness
        stats, weights = self._statistics
        by_scale = stats.by_scale.mean(0)
        mean = by_scale @ weights
        own = max(float(by_scale**2 @ weights / mean**2 - 1), 0.0) if mean else 0.0
        other = 0.0 if self.factor is None else self.factor.unevenness
        return (1 + own) * (1 + other) - 1

    @functools.cached_property
    def tilt(self) -> float:
        """Of a gradient: at which scales its squares are.

        Scales of consecutive layers go together: behind eight layers of 128 silu units
        their logarithms correlate to 0.8, and those of neighbours to 0.97.
        """
        if self.factor is None:
            return self.atom.tilt
        stats, weights = self._statistics
        return tilt_of(stats.by_scale.mean(0), weights)

    @functools.cached_property
    def kurtosis(self) -> float:
        """E[x^4] / E[x^2]^2, over units, samples and draws."""
        stats, _ = self._statistics
        square = stats.square.mean()
        own = float(stats.fourth.mean() / square**2) if square else 1.0
        return own if self.factor is None else own * Random(self.factor).kurtosis

    @functools.cached_property
    def _statistics(self) -> tuple[Statistics, np.ndarray]:
        _, weights = scale_nodes(self.atom.unevenness, self._met_with)
        return statistics(self.values, weights), weights

    @property
    def _met_with(self) -> float:
        """The tilt of the scales at which the function is met."""
        return 0.0 if self.factor is None else self.factor.tilt


@dataclasses.dataclass(frozen=True, eq=False)
class Unknown:
    """An array of which nothing is known, and why."""

    shape: Shape
    why: str


Value: TypeAlias = Known | Random | Unknown


class NotKnown(Exception):
    """Raised by a rule that cannot say what comes out; its text is the reason."""


def random(
    moments: Moments,
    unevenness: float = 0.0,
    units: frozenset[int] = frozenset(),
    *,
    of: Sequence[Value] = (),
    drawn: bool = False,
    positive: bool = False,
    origin: Origin | None = None,
) -> Random:
    """A new array with these moments.

    - `of`: what it was made of: drawn if all of that is, and a gradient if any is.
    """
    if not (np.isfinite(moments.pairs).all() and np.isfinite(moments.mean).all()):
        raise NotKnown("its second moment is not finite")
    randoms = [value for value in of if isinstance(value, Random)]
    drawn = drawn or (bool(randoms) and all(value.atom.drawn for value in randoms))
    gradients = [v for v in randoms if v.atom.gradient or v.factor is not None]
    tilt, gradient = _tilt(gradients), bool(gradients)
    atom = Atom(moments, unevenness, tilt, units, drawn, gradient, positive)
    return Random(atom, origin=origin)


def _tilt(gradients: Sequence[Random]) -> float:
    """Of a sum: by the squares."""
    sizes = [float(v.moments.square.mean()) for v in gradients]
    tilts = [v.tilt for v in gradients]
    return float(np.average(tilts, weights=sizes)) if any(sizes) else 0.0


def why_of(values: Sequence[Value]) -> str:
    """The first reason why nothing is known of a value; empty if there is none."""
    return next((value.why for value in values if isinstance(value, Unknown)), "")


def sign_of(value: Value) -> int:
    """1 or -1 where no entry is of another sign, 0 elsewhere."""
    if isinstance(value, Unknown) or (isinstance(value, Random) and value.factor):
        return 0
    entries = value.array if isinstance(value, Known) else value.values.values
    if not entries.size:
        return 0
    return 1 if (entries >= 0).all() else -1 if (entries <= 0).all() else 0
