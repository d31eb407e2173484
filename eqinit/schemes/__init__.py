"""Schemes: one family a file."""

from .constant import Constant as Constant, Keep as Keep, Ones as Ones, Zeros as Zeros
from .distributions import (
    LogNormal as LogNormal,
    Normal as Normal,
    TruncatedNormal as TruncatedNormal,
    Uniform as Uniform,
)
from .gates import ForgetGateBias as ForgetGateBias, PriorProb as PriorProb
from .hoedt import HoedtBias as HoedtBias, HoedtNormal as HoedtNormal, hoedt as hoedt
from .orthogonal import Orthogonal as Orthogonal
from .torch_default import TorchDefault as TorchDefault
from .variance_scaling import (
    GlorotNormal as GlorotNormal,
    GlorotUniform as GlorotUniform,
    HeNormal as HeNormal,
    HeUniform as HeUniform,
    KaimingNormal as KaimingNormal,
    KaimingUniform as KaimingUniform,
    LecunNormal as LecunNormal,
    LecunUniform as LecunUniform,
    VarianceScaling as VarianceScaling,
    XavierNormal as XavierNormal,
    XavierUniform as XavierUniform,
)
