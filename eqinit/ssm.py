"""State space models: matrices, eigenvalues, step sizes and decay rates.

Schemes for the parameters of S4, S4D, S5, Mamba and linear recurrent units, and the
numbers that they are made of.
"""

from ._schemes.hippo import diagonal as diagonal, dplr as dplr, hippo as hippo
from ._schemes.rates import (
    LogDt as LogDt,
    LruRing as LruRing,
    UniformRate as UniformRate,
    lru_ring as lru_ring,
)
from ._schemes.ssm import S4D as S4D, S5 as S5, Hippo as Hippo, S4Dplr as S4Dplr
