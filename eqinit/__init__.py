"""eqinit: parameter initialisation and model surgery for Equinox."""

from ._bases import (
    AbstractBase as AbstractBase,
    StandardNormal as StandardNormal,
    SymmetricUniform as SymmetricUniform,
    TruncatedStandardNormal as TruncatedStandardNormal,
)
from ._check import Check as Check
from ._engine import apply as apply
from ._gains import gain as gain, torch_gain as torch_gain
from ._initializer import (
    AbstractInitializer as AbstractInitializer,
    AbstractLawInitializer as AbstractLawInitializer,
    AbstractMatrixInitializer as AbstractMatrixInitializer,
)
from ._law import AbstractLaw as AbstractLaw, Moments as Moments
from ._more_bases import (
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
from ._plan import Plan as Plan, plan as plan
from ._resolve import Row as Row
from ._rules import Rule as Rule
from ._select import (
    AbstractSelector as AbstractSelector,
    Layer as Layer,
    Path as Path,
    Role as Role,
    When as When,
    Where as Where,
)
from ._selection import Selection as Selection, select as select
from ._sites import Site as Site
from ._spec import ParamSpec as ParamSpec
from .combinators import (
    Abs as Abs,
    AbstractTransform as AbstractTransform,
    AbstractWrapper as AbstractWrapper,
    Blocks as Blocks,
    Cast as Cast,
    Clipped as Clipped,
    Concatenated as Concatenated,
    Masked as Masked,
    Mixture as Mixture,
    Normalized as Normalized,
    PerGate as PerGate,
    Rescaled as Rescaled,
    Scaled as Scaled,
    Shifted as Shifted,
    Sparse as Sparse,
    Through as Through,
)
from .interop import to_jax as to_jax, to_klax as to_klax
from .layouts import (
    register_inverse as register_inverse,
    register_layout as register_layout,
    register_wrapper as register_wrapper,
)
from .schemes import (
    DCT as DCT,
    ICNR as ICNR,
    NPRNN as NPRNN,
    STFT as STFT,
    AbstractConvInitializer as AbstractConvInitializer,
    Bilinear as Bilinear,
    Cauchy as Cauchy,
    Constant as Constant,
    ConvolutionOrthogonal as ConvolutionOrthogonal,
    DeltaOrthogonal as DeltaOrthogonal,
    Dirac as Dirac,
    DiscreteUniform as DiscreteUniform,
    DownsamplingFilter as DownsamplingFilter,
    Exponential as Exponential,
    ForgetGateBias as ForgetGateBias,
    Gamma as Gamma,
    GlorotNormal as GlorotNormal,
    GlorotUniform as GlorotUniform,
    Hadamard as Hadamard,
    HalfNormal as HalfNormal,
    HeNormal as HeNormal,
    HeUniform as HeUniform,
    HoedtBias as HoedtBias,
    HoedtNormal as HoedtNormal,
    Identity as Identity,
    IDInit as IDInit,
    KaimingNormal as KaimingNormal,
    KaimingUniform as KaimingUniform,
    Keep as Keep,
    Laplace as Laplace,
    LecunNormal as LecunNormal,
    LecunUniform as LecunUniform,
    Logistic as Logistic,
    LogNormal as LogNormal,
    LooksLinear as LooksLinear,
    NaN as NaN,
    Normal as Normal,
    Ones as Ones,
    Orthogonal as Orthogonal,
    Phase as Phase,
    PriorProb as PriorProb,
    Rademacher as Rademacher,
    Reservoir as Reservoir,
    Spectrum as Spectrum,
    StudentT as StudentT,
    Ternary as Ternary,
    TorchDefault as TorchDefault,
    TruncatedNormal as TruncatedNormal,
    Uniform as Uniform,
    Unitary as Unitary,
    VarianceScaling as VarianceScaling,
    XavierNormal as XavierNormal,
    XavierUniform as XavierUniform,
    ZerO as ZerO,
    Zeros as Zeros,
    hoedt as hoedt,
)


__version__ = "0.1.0"
