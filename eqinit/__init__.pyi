"""eqinit: parameter initialisation and model surgery for Equinox."""

from . import (
    bases as bases,
    depth as depth,
    filters as filters,
    interop as interop,
    matrices as matrices,
    recipes as recipes,
    reports as reports,
    signal as signal,
    ssm as ssm,
    surgery as surgery,
    transformer as transformer,
    transforms as transforms,
    typing as typing,
)
from ._apply import apply as apply
from ._auto import auto as auto
from ._citation.citation import bibtex as bibtex, citation as citation
from ._config.config import (
    configurable as configurable,
    from_config as from_config,
    to_config as to_config,
)
from ._construction.build import build as build
from ._inference.trace import trace_layouts as trace_layouts
from ._laws.gains import gain as gain
from ._laws.law import AbstractLaw as AbstractLaw, Moments as Moments
from ._layouts.parametrizations import (
    register_parametrization as register_parametrization,
)
from ._layouts.registry import register_layout as register_layout
from ._models.inspection import (
    inspect as inspect,
    suggest_layouts as suggest_layouts,
)
from ._models.selectors import (
    AbstractSelector as AbstractSelector,
    Filter as Filter,
    Layer as Layer,
    Path as Path,
    Role as Role,
    Where as Where,
)
from ._models.site import Site as Site
from ._models.traced import Readout as Readout, Residual as Residual
from ._parameters.spec import ParamSpec as ParamSpec
from ._planning.keep import Keep as Keep
from ._planning.plan import Plan as Plan, plan as plan
from ._planning.rule import Rule as Rule
from ._schemes.combined.activation import ForActivation as ForActivation
from ._schemes.combined.affine import (
    Abs as Abs,
    Clipped as Clipped,
    Rounded as Rounded,
    Scaled as Scaled,
    Shifted as Shifted,
    Stretched as Stretched,
)
from ._schemes.combined.combinator import AbstractCombinator as AbstractCombinator
from ._schemes.combined.icnr import ICNR as ICNR
from ._schemes.combined.looks_linear import LooksLinear as LooksLinear
from ._schemes.combined.masks import Masked as Masked, Sparse as Sparse
from ._schemes.combined.mixture import Mixture as Mixture
from ._schemes.combined.normalized import Normalized as Normalized
from ._schemes.combined.per_slice import PerSlice as PerSlice
from ._schemes.combined.split import (
    Blocks as Blocks,
    PerGate as PerGate,
)
from ._schemes.combined.through import Through as Through
from ._schemes.constant import (
    Constant as Constant,
    Ones as Ones,
    Zeros as Zeros,
)
from ._schemes.distributions import (
    Cauchy as Cauchy,
    Laplace as Laplace,
    Logistic as Logistic,
    Normal as Normal,
    StudentT as StudentT,
    TruncatedNormal as TruncatedNormal,
    Uniform as Uniform,
)
from ._schemes.fans import (
    FanUniform as FanUniform,
    GlorotNormal as GlorotNormal,
    GlorotUniform as GlorotUniform,
    HeNormal as HeNormal,
    HeUniform as HeUniform,
    KaimingNormal as KaimingNormal,
    KaimingUniform as KaimingUniform,
    LecunNormal as LecunNormal,
    LecunUniform as LecunUniform,
    TorchDefault as TorchDefault,
    VarianceScaling as VarianceScaling,
    XavierNormal as XavierNormal,
    XavierUniform as XavierUniform,
)
from ._schemes.few_valued import (
    DiscreteUniform as DiscreteUniform,
    Phase as Phase,
    Rademacher as Rademacher,
    Ternary as Ternary,
)
from ._schemes.gates import (
    Chrono as Chrono,
    ClassPrior as ClassPrior,
    ForgetGateBias as ForgetGateBias,
    PriorProb as PriorProb,
    UniformGate as UniformGate,
)
from ._schemes.hoedt import (
    HoedtBias as HoedtBias,
    HoedtMatched as HoedtMatched,
    HoedtNormal as HoedtNormal,
    hoedt as hoedt,
)
from ._schemes.hyper import HyperfanIn as HyperfanIn, HyperfanOut as HyperfanOut
from ._schemes.identity import (
    Identity as Identity,
    IDInit as IDInit,
    ZerO as ZerO,
)
from ._schemes.implicit import FourierFeatures as FourierFeatures, Siren as Siren
from ._schemes.initializer import (
    AbstractInitializer as AbstractInitializer,
    AbstractLawInitializer as AbstractLawInitializer,
    AbstractMatrixInitializer as AbstractMatrixInitializer,
)
from ._schemes.kernels import AbstractConvInitializer as AbstractConvInitializer
from ._schemes.one_sided import (
    Exponential as Exponential,
    Gamma as Gamma,
    HalfNormal as HalfNormal,
    LogNormal as LogNormal,
)
from ._schemes.orthogonal import (
    Orthogonal as Orthogonal,
)
from ._schemes.orthogonal_conv import (
    ConvolutionOrthogonal as ConvolutionOrthogonal,
    DeltaOrthogonal as DeltaOrthogonal,
)
from ._schemes.spaced import Linspace as Linspace
from .signal._calibration.calibrate import calibrate as calibrate
from .signal._probe.probe import probe as probe
from .surgery._selection import select as select
from .surgery._swap import swap as swap

__version__: str
