"""What frameworks give a layer that nobody initialises."""

import math

from .._models.selectors import Path
from .._models.site import Site
from .._planning.rule import Rule
from .._schemes.constant import Constant, Zeros
from .._schemes.distributions import Normal, Uniform
from .._schemes.fans import GlorotUniform, LecunNormal, TorchDefault
from .._schemes.gates import ForgetGateBias
from .._schemes.orthogonal import Orthogonal
from .._typing import checked
from ._parts import CELLS, DENSE, cells, embeddings, layers, norms


@checked
def torch_default() -> list[Rule]:
    r"""Torch's and Equinox's own: $U(\pm 1/\sqrt n)$ for weights and biases,
    $\mathcal N(0, 1)$ for embeddings, ones and zeros in norms.

    **Returns:** rules.
    """
    return [
        Rule(DENSE | CELLS, TorchDefault(), optional=True),
        *embeddings(Normal(1.0)),
        *norms(),
    ]


def _unit_rows(site: Site) -> Normal:
    return Normal(site.shape[-1] ** -0.5)


@checked
def flax() -> list[Rule]:
    r"""Flax's: LeCun normal (truncated) and zero biases; recurrent kernels orthogonal;
    embeddings $\mathcal N(0, 1/d)$.

    **Returns:** rules.
    """
    return [
        *layers(DENSE, LecunNormal()),
        *cells(LecunNormal(), Orthogonal(), Zeros(), Zeros()),
        *embeddings(_unit_rows),
        *norms(),
    ]


@checked
def keras() -> list[Rule]:
    r"""Keras': Glorot uniform and zero biases; recurrent kernels orthogonal, one in the
    bias of forget gates; embeddings $U(\pm 0.05)$.

    **Returns:** rules.
    """
    return [
        *layers(DENSE, GlorotUniform()),
        *cells(GlorotUniform(), Orthogonal(), ForgetGateBias(1.0), Zeros()),
        *embeddings(Uniform(0.05)),
        *norms(),
    ]


@checked
def nan() -> list[Rule]:
    """Not-a-number everywhere: shows what a training script fails to initialise.

    **Returns:** rules.
    """
    return [Rule(Path("**"), Constant(math.nan))]


@checked
def zeros() -> list[Rule]:
    """Zero everywhere, scales of norms included: for tests, and for models that hold
    other models' statistics or averages.

    **Returns:** rules.
    """
    return [Rule(Path("**"), Zeros())]
