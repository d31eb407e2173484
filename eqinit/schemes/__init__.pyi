"""Schemes: one family a file."""

from ._conv import AbstractConvInitializer as AbstractConvInitializer
from ._hippo import (
    diagonal as diagonal,
    dplr as dplr,
    hippo as hippo,
)
from ._hoedt import (
    HoedtBias as HoedtBias,
    HoedtMatched as HoedtMatched,
    HoedtNormal as HoedtNormal,
    hoedt as hoedt,
)
from .chaos import (
    EdgeOfChaos as EdgeOfChaos,
    RandomWalk as RandomWalk,
    critical as critical,
    edge_of_chaos as edge_of_chaos,
)
from .constant import Constant as Constant, Keep as Keep, Ones as Ones, Zeros as Zeros
from .conv_special import (
    ICNR as ICNR,
    STFT as STFT,
    Bilinear as Bilinear,
    DownsamplingFilter as DownsamplingFilter,
)
from .depth import (
    beit_scale as beit_scale,
    deepnorm as deepnorm,
    fixup_scale as fixup_scale,
    gpt2_scale as gpt2_scale,
    layer_scale as layer_scale,
    subln_scale as subln_scale,
    t_fixup_scale as t_fixup_scale,
)
from .discrete import DiscreteUniform as DiscreteUniform, NaN as NaN
from .distributions import (
    LogNormal as LogNormal,
    Normal as Normal,
    TruncatedNormal as TruncatedNormal,
    Uniform as Uniform,
)
from .fan_power import (
    FanUniform as FanUniform,
)
from .gates import (
    Chrono as Chrono,
    ClassPrior as ClassPrior,
    ForgetGateBias as ForgetGateBias,
    PriorProb as PriorProb,
    UniformGate as UniformGate,
)
from .hyper import (
    HyperfanIn as HyperfanIn,
    HyperfanOut as HyperfanOut,
)
from .identity import (
    Dirac as Dirac,
    Identity as Identity,
    IDInit as IDInit,
    ZerO as ZerO,
)
from .implicit import (
    FourierFeatures as FourierFeatures,
    Siren as Siren,
)
from .mimetic import (
    Mimetic as Mimetic,
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
from .per_slice import PerSlice as PerSlice
from .rates import (
    LogDt as LogDt,
    LruRing as LruRing,
    UniformRate as UniformRate,
    lru_ring as lru_ring,
)
from .recurrent import NPRNN as NPRNN, Reservoir as Reservoir, Unitary as Unitary
from .spaced import (
    Linspace as Linspace,
)
from .spectral import (
    Spectral as Spectral,
    SpectralNormal as SpectralNormal,
)
from .ssm import (
    S4D as S4D,
    S5 as S5,
    Hippo as Hippo,
    S4Dplr as S4Dplr,
)
from .structured import DCT as DCT, Hadamard as Hadamard
from .torch_default import TorchDefault as TorchDefault
from .transformer import (
    SmallInit as SmallInit,
    Wang as Wang,
    common_init as common_init,
)
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
