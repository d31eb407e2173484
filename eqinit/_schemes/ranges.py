"""Whether what is drawn are numbers, and numbers that the dtype can hold."""

import math
from collections.abc import Iterator
from typing import ClassVar, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from .._laws.law import AbstractLaw, Moments
from .._parameters.spec import ParamSpec
from .._tables import number


@runtime_checkable
class _Scheme(Protocol):
    whole: ClassVar[bool]

    def moments(self, spec: ParamSpec) -> Moments | None: ...


def misfits(scheme: _Scheme, spec: ParamSpec, law: AbstractLaw | None) -> Iterator[str]:
    """Yields why what a scheme draws is of no use, or does not fit the dtype.

    The moments are asked of its law, where it has one: that is made once.
    """
    name, dtype = type(scheme).__name__, spec.dtype
    floating = bool(jnp.issubdtype(dtype, jnp.inexact))
    if not floating and not (scheme.whole and jnp.issubdtype(dtype, jnp.integer)):
        numbers = "whole numbers" if scheme.whole else "numbers with a fraction"
        yield f"{name} draws {numbers}, which {dtype} cannot hold. Ask for a float."
        return
    try:
        with np.errstate(invalid="ignore"):  # infinity times zero: told below
            moments = scheme.moments(spec) if law is None else _of(law, spec)
    except TypeError:
        return  # of a traced number, which has no value yet
    except Exception as error:  # of a user's own initializer
        yield f"its `moments` raised {type(error).__name__}: {error}"
        return
    constant = law is not None and law.constant is not None
    if moments and not constant and _is_nonsense(moments, law, spec):
        yield (
            f"its mean would be {moments.mean} and its std {moments.std}: "
            "it was given something that is no number, or a negative fan."
        )
        return
    limits = jnp.finfo(dtype) if floating else jnp.iinfo(dtype)
    least, largest = float(limits.min), float(limits.max)
    beyond = [
        value for value in _reach(law, moments, spec) if not least <= value <= largest
    ]
    if beyond:
        yield (
            f"{name} draws values up to {number(beyond[-1])}, and {dtype} holds "
            f"{number(least)} to {number(largest)}. Let it draw smaller ones, or use a "
            "wider dtype."
        )
    elif law is not None and not constant and floating:
        yield from _too_wide(name, law, spec)


def _of(law: AbstractLaw, spec: ParamSpec) -> Moments:
    return law.moments(spec.is_complex)


def _too_wide(name: str, law: AbstractLaw, spec: ParamSpec) -> Iterator[str]:
    """A uniform number is drawn as a share of how far its bounds are apart."""
    low, high = law.support() or (0.0, 0.0)
    if math.isfinite(high - low) and high - low > float(jnp.finfo(spec.real_dtype).max):
        yield (
            f"{name} draws values from {number(low)} to {number(high)}, further apart "
            f"than any {spec.real_dtype} is large. Let it draw smaller ones."
        )


def _is_nonsense(moments: Moments, law: AbstractLaw | None, spec: ParamSpec) -> bool:
    """No numbers, where the law has any: Cauchy's has no mean, and an infinite std."""
    mean, std = moments
    unit = None if law is None else law.unit
    if math.isinf(std) and unit is not None:
        # Its distribution has one, and its scale is no number.
        return math.isfinite(unit.std(spec.is_complex))
    return math.isnan(std) or (math.isnan(mean) and math.isfinite(std))


def _reach(
    law: AbstractLaw | None, moments: Moments | None, spec: ParamSpec
) -> tuple[float, ...]:
    """How far draws reach in both directions."""
    if law is not None and law.constant is not None:
        value = np.asarray(law.constant)
        value = np.abs(value) if np.iscomplexobj(value) else value
        # What is infinite as it is has been asked for.
        value = value[np.isfinite(value)].astype(np.float64)
        return (float(value.min()), float(value.max())) if value.size else ()
    bounds = None if law is None else law.farthest(spec.draw_dtype)
    if bounds is not None:
        return bounds
    # Nothing is known of the tails of what has no law: it may be a rotation.
    if moments is None or not math.isfinite(moments.std):
        return ()
    return moments.mean - moments.std, moments.mean + moments.std
