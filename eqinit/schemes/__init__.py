"""Schemes: one family a file."""

from ._conv import AbstractConvInitializer as AbstractConvInitializer
from .constant import Constant as Constant, Keep as Keep, Ones as Ones, Zeros as Zeros
from .conv_special import (
    ICNR as ICNR,
    STFT as STFT,
    Bilinear as Bilinear,
    DownsamplingFilter as DownsamplingFilter,
)
from .discrete import DiscreteUniform as DiscreteUniform, NaN as NaN
from .distributions import (
    LogNormal as LogNormal,
    Normal as Normal,
    TruncatedNormal as TruncatedNormal,
    Uniform as Uniform,
)
from .gates import ForgetGateBias as ForgetGateBias, PriorProb as PriorProb
from .hoedt import HoedtBias as HoedtBias, HoedtNormal as HoedtNormal, hoedt as hoedt
from .identity import (
    Dirac as Dirac,
    Identity as Identity,
    IDInit as IDInit,
    ZerO as ZerO,
)
from .mirrored import LooksLinear as LooksLinear
from .more_distributions import (
    Cauchy as Cauchy,
    Exponential as Exponential,
    Gamma as Gamma,
    HalfNormal as HalfNormal,
    Laplace as Laplace,
    Logistic as Logistic,
    Phase as Phase,
    Rademacher as Rademacher,
    StudentT as StudentT,
    Ternary as Ternary,
)
from .orthogonal import Orthogonal as Orthogonal, Spectrum as Spectrum
from .orthogonal_conv import (
    ConvolutionOrthogonal as ConvolutionOrthogonal,
    DeltaOrthogonal as DeltaOrthogonal,
)
from .recurrent import NPRNN as NPRNN, Reservoir as Reservoir, Unitary as Unitary
from .structured import DCT as DCT, Hadamard as Hadamard
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
