"""Laws as requests to the bulk fill, and constants as plain arrays."""

import jax
import numpy as np
from jax.core import Tracer

from .._fill.host import empty_aligned
from .._fill.request import FillRequest, eligible
from .._laws.law import AbstractLaw
from .._parameters.spec import ParamSpec


_NO_KEY = np.zeros(2, np.uint32)


def fill_request(law: AbstractLaw | None, spec: ParamSpec) -> FillRequest | None:
    """The request whose values are `law.sample`'s, bit for bit, or `None`.

    Only float32 draws of jax's own base distributions with plain numbers come in bulk.
    Its key is still to be said (`with_key`): equal parameters share one request.
    """
    if law is None or spec.draw_dtype != np.float32:
        return None
    terms = law.bulk()
    if terms is None:
        return None
    numbers = (terms.loc, terms.scale, *terms.params)
    if any(isinstance(n, Tracer) or np.ndim(n) for n in numbers):
        return None
    loc, scale, *params = map(float, numbers)
    request = FillRequest(
        _NO_KEY, spec.shape, terms.kernel, loc, scale, tuple(params), spec.dtype
    )
    return request if eligible(request) else None


def constant(law: AbstractLaw | None, spec: ParamSpec) -> np.ndarray | None:
    """A constant parameter, on the host, without a compilation a shape.

    `None` if it is not one, or not one that numpy can make.
    """
    value = None if law is None else law.constant
    if value is None or isinstance(value, jax.Array):
        return None
    if jax.dtypes.canonicalize_dtype(spec.dtype) != np.dtype(spec.dtype):
        return None
    # Memory of its own for every leaf: what two share could not be donated.
    filled = empty_aligned(spec.size, spec.dtype).reshape(spec.shape)
    filled[...] = np.asarray(value, spec.draw_dtype).astype(spec.dtype)
    return filled
