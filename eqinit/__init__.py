"""eqinit: parameter initialisation and model surgery for Equinox."""

from ._bases import AbstractBase as AbstractBase
from ._check import Check as Check
from ._engine import apply as apply
from ._gains import gain as gain, torch_gain as torch_gain
from ._initializer import (
    AbstractInitializer as AbstractInitializer,
    AbstractLawInitializer as AbstractLawInitializer,
    AbstractMatrixInitializer as AbstractMatrixInitializer,
)
from ._law import AbstractLaw as AbstractLaw, Moments as Moments
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
from .interop import to_jax as to_jax, to_klax as to_klax
from .layouts import register_layout as register_layout
from .schemes import (
    Constant as Constant,
    ForgetGateBias as ForgetGateBias,
    GlorotNormal as GlorotNormal,
    GlorotUniform as GlorotUniform,
    HeNormal as HeNormal,
    HeUniform as HeUniform,
    HoedtBias as HoedtBias,
    HoedtNormal as HoedtNormal,
    KaimingNormal as KaimingNormal,
    KaimingUniform as KaimingUniform,
    Keep as Keep,
    LecunNormal as LecunNormal,
    LecunUniform as LecunUniform,
    LogNormal as LogNormal,
    Normal as Normal,
    Ones as Ones,
    Orthogonal as Orthogonal,
    PriorProb as PriorProb,
    TorchDefault as TorchDefault,
    TruncatedNormal as TruncatedNormal,
    Uniform as Uniform,
    VarianceScaling as VarianceScaling,
    XavierNormal as XavierNormal,
    XavierUniform as XavierUniform,
    Zeros as Zeros,
    hoedt as hoedt,
)


__version__ = "0.1.0"
