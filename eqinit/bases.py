"""Base distributions: laws without a location or a scale of their own.

A scheme for `distribution=`, such as `Laplace()`, says the same and is what most people
want. A base is for writing schemes and laws.
"""

from ._laws.base import AbstractBase as AbstractBase
from ._laws.few_valued import (
    RandomPhase as RandomPhase,
    RandomSign as RandomSign,
    RandomTernary as RandomTernary,
)
from ._laws.heavy_tails import (
    StandardCauchy as StandardCauchy,
    StandardLaplace as StandardLaplace,
    StandardLogistic as StandardLogistic,
    StandardStudentT as StandardStudentT,
)
from ._laws.one_sided import (
    StandardHalfNormal as StandardHalfNormal,
    UnitExponential as UnitExponential,
    UnitGamma as UnitGamma,
)
from ._laws.unit import (
    StandardNormal as StandardNormal,
    SymmetricUniform as SymmetricUniform,
    TruncatedStandardNormal as TruncatedStandardNormal,
)
