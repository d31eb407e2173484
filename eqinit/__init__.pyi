"""eqinit: parameter initialisation and model surgery for Equinox."""

from . import recipes as recipes, signal as signal
from ._bases import (
    AbstractBase as AbstractBase,
    StandardNormal as StandardNormal,
    SymmetricUniform as SymmetricUniform,
    TruncatedStandardNormal as TruncatedStandardNormal,
)
from ._build import build as build
from ._check import Check as Check
from ._citations import bibtex as bibtex, citation as citation
from ._engine import apply as apply
from ._gains import gain as gain, torch_gain as torch_gain
from ._initializer import (
    AbstractInitializer as AbstractInitializer,
    AbstractLawInitializer as AbstractLawInitializer,
    AbstractMatrixInitializer as AbstractMatrixInitializer,
)
from ._inspect import (
    Inspection as Inspection,
    LeafRow as LeafRow,
    inspect as inspect,
    suggest_layouts as suggest_layouts,
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
from ._renew import (
    dormant_units as dormant_units,
    recycle as recycle,
    shrink_and_perturb as shrink_and_perturb,
)
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
from ._swap import swap as swap
from ._units import net2deeper as net2deeper, net2wider as net2wider
from ._with_bias import with_bias as with_bias, without_bias as without_bias
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
from .interop import (
    as_initializer as as_initializer,
    configurable as configurable,
    from_config as from_config,
    to_config as to_config,
    to_jax as to_jax,
    to_klax as to_klax,
)
from .layouts import (
    register_inverse as register_inverse,
    register_layout as register_layout,
    register_wrapper as register_wrapper,
)
from .schemes import (
    DCT as DCT,
    ICNR as ICNR,
    NPRNN as NPRNN,
    S4D as S4D,
    S5 as S5,
    STFT as STFT,
    AbstractConvInitializer as AbstractConvInitializer,
    Bilinear as Bilinear,
    Cauchy as Cauchy,
    Chrono as Chrono,
    ClassPrior as ClassPrior,
    Constant as Constant,
    ConvolutionOrthogonal as ConvolutionOrthogonal,
    DeltaOrthogonal as DeltaOrthogonal,
    Dirac as Dirac,
    DiscreteUniform as DiscreteUniform,
    DownsamplingFilter as DownsamplingFilter,
    EdgeOfChaos as EdgeOfChaos,
    Exponential as Exponential,
    FanUniform as FanUniform,
    ForgetGateBias as ForgetGateBias,
    FourierFeatures as FourierFeatures,
    Gamma as Gamma,
    GlorotNormal as GlorotNormal,
    GlorotUniform as GlorotUniform,
    Hadamard as Hadamard,
    HalfNormal as HalfNormal,
    HeNormal as HeNormal,
    HeUniform as HeUniform,
    Hippo as Hippo,
    HoedtBias as HoedtBias,
    HoedtMatched as HoedtMatched,
    HoedtNormal as HoedtNormal,
    HyperfanIn as HyperfanIn,
    HyperfanOut as HyperfanOut,
    Identity as Identity,
    IDInit as IDInit,
    KaimingNormal as KaimingNormal,
    KaimingUniform as KaimingUniform,
    Keep as Keep,
    Laplace as Laplace,
    LecunNormal as LecunNormal,
    LecunUniform as LecunUniform,
    Linspace as Linspace,
    LogDt as LogDt,
    Logistic as Logistic,
    LogNormal as LogNormal,
    LooksLinear as LooksLinear,
    LruRing as LruRing,
    Mimetic as Mimetic,
    NaN as NaN,
    Normal as Normal,
    Ones as Ones,
    Orthogonal as Orthogonal,
    PerSlice as PerSlice,
    Phase as Phase,
    PriorProb as PriorProb,
    Rademacher as Rademacher,
    RandomWalk as RandomWalk,
    Reservoir as Reservoir,
    S4Dplr as S4Dplr,
    Siren as Siren,
    SmallInit as SmallInit,
    Spectral as Spectral,
    SpectralNormal as SpectralNormal,
    Spectrum as Spectrum,
    StudentT as StudentT,
    Ternary as Ternary,
    TorchDefault as TorchDefault,
    TruncatedNormal as TruncatedNormal,
    Uniform as Uniform,
    UniformGate as UniformGate,
    UniformRate as UniformRate,
    Unitary as Unitary,
    VarianceScaling as VarianceScaling,
    Wang as Wang,
    XavierNormal as XavierNormal,
    XavierUniform as XavierUniform,
    ZerO as ZerO,
    Zeros as Zeros,
    beit_scale as beit_scale,
    common_init as common_init,
    critical as critical,
    deepnorm as deepnorm,
    diagonal as diagonal,
    dplr as dplr,
    edge_of_chaos as edge_of_chaos,
    fixup_scale as fixup_scale,
    gpt2_scale as gpt2_scale,
    hippo as hippo,
    hoedt as hoedt,
    layer_scale as layer_scale,
    lru_ring as lru_ring,
    subln_scale as subln_scale,
    t_fixup_scale as t_fixup_scale,
)
from .signal import calibrate as calibrate, probe as probe

__version__: str
