"""Where the values of a law can lie, read off the law."""

import math

import numpy as np
from jax.core import Tracer

from .._typing import Number, ScalarLike
from .law import AbstractLaw, ConstantLaw, LocScale, LogNormalLaw, UniformLaw
from .unit import (
    AbstractBase,
    StandardNormal,
    SymmetricUniform,
    TruncatedStandardNormal,
)


Bounds = tuple[Number, Number]


def support(law: AbstractLaw | None) -> Bounds | None:
    """The least and the largest value of a law; `None` where they are not known."""
    if isinstance(law, ConstantLaw):
        return _extent(law.value)
    if isinstance(law, LogNormalLaw):
        return 0.0, math.inf
    if isinstance(law, UniformLaw):
        low, high = _extent(law.lower), _extent(law.upper)
        return None if low is None or high is None else (low[0], high[1])
    if isinstance(law, LocScale):
        return _loc_scale(law)
    return None


def _extent(value: ScalarLike) -> Bounds | None:
    if isinstance(value, Tracer) or np.iscomplexobj(value):
        return None
    array = np.asarray(value)
    return (float(array.min()), float(array.max())) if array.size else None


def _loc_scale(law: LocScale) -> Bounds | None:
    base, loc, scale = _base(law.base), _extent(law.loc), _extent(law.scale)
    if base is None or loc is None or scale is None:
        return None
    if scale == (0.0, 0.0):
        return loc
    size = max(abs(scale[0]), abs(scale[1]))
    low, high = base if scale[0] >= 0 else (-base[1], -base[0])
    return loc[0] + size * low, loc[1] + size * high


def _base(base: AbstractBase) -> Bounds | None:
    if isinstance(base, StandardNormal):
        return -math.inf, math.inf
    if isinstance(base, TruncatedStandardNormal):
        return base.lower, base.upper
    if isinstance(base, SymmetricUniform):
        return -1.0, 1.0
    return None
