"""Base distributions: laws without a location or a scale of their own.

A scheme for `distribution=`, such as `Laplace()`, says the same and is what most people
want. A base is for writing schemes and laws.
"""

from ._laws.more_units import (
    RandomPhase as RandomPhase,
    RandomSign as RandomSign,
    RandomTernary as RandomTernary,
    StandardCauchy as StandardCauchy,
    StandardHalfNormal as StandardHalfNormal,
    StandardLaplace as StandardLaplace,
    StandardLogistic as StandardLogistic,
    StandardStudentT as StandardStudentT,
    UnitExponential as UnitExponential,
    UnitGamma as UnitGamma,
)
from ._laws.unit import (
    AbstractBase as AbstractBase,
    StandardNormal as StandardNormal,
    SymmetricUniform as SymmetricUniform,
    TruncatedStandardNormal as TruncatedStandardNormal,
)
