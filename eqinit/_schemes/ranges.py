"""Whether a dtype can hold what is drawn: what it cannot would be infinite."""

import math
from collections.abc import Iterator
from typing import ClassVar, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from .._laws.law import AbstractLaw, Moments
from .._parameters.spec import ParamSpec
from .._tables import number


# A law without bounds: what a normal exceeds once in 1.7 million entries.
_SIGMAS = 5.0


@runtime_checkable
class _Scheme(Protocol):
    whole: ClassVar[bool]

    def law(self, spec: ParamSpec) -> AbstractLaw | None: ...

    def moments(self, spec: ParamSpec) -> Moments | None: ...


def misfits(scheme: _Scheme, spec: ParamSpec) -> Iterator[str]:
    """Yields why the dtype cannot hold what a scheme draws."""
    name, dtype = type(scheme).__name__, spec.dtype
    floating = bool(jnp.issubdtype(dtype, jnp.inexact))
    if not floating and not (scheme.whole and jnp.issubdtype(dtype, jnp.integer)):
        numbers = "whole numbers" if scheme.whole else "numbers with a fraction"
        yield f"{name} draws {numbers}, which {dtype} cannot hold. Ask for a float."
        return
    try:
        law, moments = scheme.law(spec), scheme.moments(spec)
    except Exception:  # of a traced number, which has no value, or a user's own defect
        return
    limits = jnp.finfo(dtype) if floating else jnp.iinfo(dtype)
    least, largest = float(limits.min), float(limits.max)
    # What is infinite as it is has been asked for.
    reached = [value for value in _reach(law, moments, spec) if math.isfinite(value)]
    beyond = [value for value in reached if not least <= value <= largest]
    if beyond:
        yield (
            f"{name} draws values up to {number(beyond[-1])}, and {dtype} holds "
            f"{number(least)} to {number(largest)}. Let it draw smaller ones, or use a "
            "wider dtype."
        )


def _reach(
    law: AbstractLaw | None, moments: Moments | None, spec: ParamSpec
) -> tuple[float, ...]:
    """How far draws reach in both directions."""
    if law is not None and law.constant is not None:
        value = np.asarray(law.constant)
        value = np.abs(value) if np.iscomplexobj(value) else value
        value = value[np.isfinite(value)].astype(np.float64)
        return (float(value.min()), float(value.max())) if value.size else ()
    bounds = None if law is None or spec.is_complex else law.support()
    if bounds is not None and all(map(math.isfinite, bounds)):
        return bounds
    if moments is None:
        return ()
    # Nothing is known of the tails of what has no law: it may be a rotation.
    far = (_SIGMAS if bounds is not None else 1.0) * moments.std
    return moments.mean - far, moments.mean + far
