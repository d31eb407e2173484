"""Laws as requests to the bulk fill, and constants as plain arrays."""

from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from .._fill.host import empty_aligned
from .._fill.request import FillRequest, eligible
from .._laws.law import AbstractLaw, ConstantLaw, LocScale, LogNormalLaw, UniformLaw
from .._laws.unit import StandardNormal, SymmetricUniform, TruncatedStandardNormal
from .._parameters.spec import ParamSpec


_NO_KEY = np.zeros(2, np.uint32)


def fill_request(law: AbstractLaw | None, spec: ParamSpec) -> FillRequest | None:
    """The request whose values are `law.sample`'s, bit for bit, or `None`.

    Only float32 draws of jax's own base distributions with plain numbers come in bulk.
    Its key is still to be said (`with_key`): equal parameters share one request.
    """
    if law is None or spec.draw_dtype != np.float32:
        return None
    terms = _terms(law)
    if terms is None or any(isinstance(t, Tracer) for t in terms[1:3]):
        return None
    base, loc, scale, params = terms
    if any(np.shape(value) for value in (loc, scale, *params)):
        return None
    request = FillRequest(
        _NO_KEY, spec.shape, base, float(loc), float(scale), params, spec.dtype
    )
    return request if eligible(request) else None


def _terms(law: AbstractLaw) -> tuple[str, Any, Any, tuple[Any, ...]] | None:
    if isinstance(law, UniformLaw):
        if any(isinstance(v, Tracer) for v in (law.lower, law.upper)):
            return None
        return "uniform", 0.0, 1.0, (law.lower, law.upper)  # pyright: ignore
    if isinstance(law, LogNormalLaw):
        return "lognormal", law.mu, law.sigma, ()
    if not isinstance(law, LocScale):
        return None
    base = law.base
    if isinstance(base, StandardNormal):
        return "normal", law.loc, law.scale, ()
    if isinstance(base, SymmetricUniform):
        return "uniform", law.loc, law.scale, (-1.0, 1.0)
    if isinstance(base, TruncatedStandardNormal):
        return "truncated_normal", law.loc, law.scale, base.bounds(np.float32)
    return None


def constant(law: AbstractLaw | None, spec: ParamSpec) -> np.ndarray | None:
    """A constant parameter, on the host, without a compilation a shape.

    `None` if it is not one, or not one that numpy can make.
    """
    if not isinstance(law, ConstantLaw) or isinstance(law.value, Tracer):
        return None
    if isinstance(law.value, jax.Array) or jax.dtypes.canonicalize_dtype(
        spec.dtype
    ) != np.dtype(spec.dtype):
        return None
    # Memory of its own for every leaf: what two share could not be donated.
    filled = empty_aligned(spec.size, spec.dtype).reshape(spec.shape)
    filled[...] = np.asarray(law.value, spec.draw_dtype).astype(spec.dtype)
    return filled
