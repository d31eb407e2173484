"""The edge of chaos: the one weight variance at which signals survive depth."""

import functools
import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._checks import non_negative
from .._laws.families import LocScale
from .._laws.gains import Activation, activation_of, expectation, named, slope
from .._parameters.spec import ParamSpec
from .._typing import Number, RoleName, ScalarLike, checked
from .centred import Distribution, centred
from .distributions import Normal
from .initializer import AbstractLawInitializer


class Criticality(NamedTuple):
    """A critical point: the weight variance (times fan_in), and the fixed point.

    - `weight_var`: the variance of weights times fan_in.
    - `q`: the variance of pre-activations that it keeps.
    """

    weight_var: float
    q: float


def _square(fn: Callable[..., Any], q: float) -> float:
    """E fn(sqrt q z)^2."""
    return expectation(lambda z: jnp.square(fn(z)), math.sqrt(q))


def _square_at_zero(fn: Callable[..., Any]) -> float:
    """The same as q goes to zero: half from each side of a kink."""
    near = 1e-6
    return expectation(lambda z: jnp.square(fn(jnp.copysign(near, z))))


@functools.lru_cache(maxsize=256)
def _critical(activation: Activation, bias_var: float) -> Criticality:
    phi = activation_of(activation)

    def weight_var(q: float) -> float:
        return 1 / _square(slope(phi), q)

    def excess(q: float) -> float:
        """How much the next layer's variance exceeds this one's."""
        return weight_var(q) * _square(phi, q) + bias_var - q

    if bias_var == 0 and _square_at_zero(phi) < 1e-10:
        return Criticality(1 / _square_at_zero(slope(phi)), 0.0)
    grid = np.geomspace(1e-5, 1e3, 81)
    high = next((q for q in grid if excess(q) < 0), None)
    if high is None:
        raise ValueError(
            f"edge_of_chaos: with activation {activation!r} and bias_var={bias_var} "
            "there is none; homogeneous activations (relu) have theirs at bias_var=0."
        )
    low, high = 0.0, float(high)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) < 0 else (middle, high)
    return Criticality(weight_var(high), high)


@checked
def edge_of_chaos(
    activation: Activation, bias_var: Annotated[Number, non_negative] = 0.0
) -> Criticality:
    r"""The weight variance at which neither order nor chaos wins, for any activation.

    The variance of pre-activations has a fixed point
    $q = \sigma_w^2\, E\phi(\sqrt q z)^2 + \sigma_b^2$, and correlations between inputs
    neither vanish nor explode where $\sigma_w^2\, E\phi'(\sqrt q z)^2 = 1$. Both by
    quadrature. tanh with a bias variance of 0.0025 has $\sigma_w^2 = 1.2601$; ReLU has
    2 and no bias.

    **Arguments:**

    - `activation`: an elementwise function, or its name in `jax.nn` or `jax.numpy`.
    - `bias_var`: $\sigma_b^2$, the variance of the biases.

    **Returns:** `(weight_var, q)`: $\sigma_w^2$ (times $1/n_\text{in}$ in a layer) and
    the fixed point. Of several, that with the smallest $q$.

    **Raises:** `ValueError` if there is none.

    Poole et al., Exponential expressivity in deep neural networks through transient
    chaos, arXiv:1606.05340; Schoenholz et al., Deep information propagation,
    arXiv:1611.01232; Hayou et al., On the impact of the activation function on deep
    neural networks training, arXiv:1902.06853.
    """
    return _critical(activation, float(bias_var))


class EdgeOfChaos(AbstractLawInitializer):
    r"""Weights of variance $\sigma_w^2 / n_\text{in}$ at the edge of chaos.

    $\sigma_w^2$ from [`eqinit.depth.edge_of_chaos`][]; the biases that belong to it are
    `Normal(bias_var ** 0.5)`, and [`eqinit.depth.critical`][] gives both.

    **Arguments:**

    - `activation`: an elementwise function, or its name in `jax.nn` or `jax.numpy`.
    - `bias_var`: variance of the biases.
    - `distribution`: as in [`eqinit.LecunNormal`][].

    Poole et al., arXiv:1606.05340; Schoenholz et al., arXiv:1611.01232; Hayou et al.,
    arXiv:1902.06853.
    """

    activation: Activation = eqx.field(static=True, converter=named)
    bias_var: Annotated[Number, non_negative] = eqx.field(static=True, default=0.0)
    distribution: Distribution = eqx.field(static=True, default="normal")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def law(self, spec: ParamSpec) -> LocScale:
        point = edge_of_chaos(self.activation, self.bias_var)
        variance = point.weight_var / spec.fan("fan_in")
        return centred(self.distribution, variance, spec)


@checked
def critical(
    activation: Activation,
    bias_var: Annotated[Number, non_negative] = 0.0,
    distribution: Distribution = "normal",
) -> dict[str, Any]:
    """The linked pair at the edge of chaos, to spread into a rule.

    `Rule(eqx.nn.Linear, **critical("tanh", 0.0025))`.

    **Arguments:**

    - `activation`: an elementwise function, or its name in `jax.nn` or `jax.numpy`.
    - `bias_var`: variance of the biases.
    - `distribution`: of the weights, as in [`eqinit.LecunNormal`][].

    **Returns:** `{"weight": EdgeOfChaos(...), "bias": Normal(...)}`.

    **Raises:** `ValueError` if there is no critical point.

    Schoenholz et al., arXiv:1611.01232.
    """
    bias = Normal(math.sqrt(bias_var))
    return {"weight": EdgeOfChaos(activation, bias_var, distribution), "bias": bias}


def _log_chi_square(degrees: np.ndarray) -> np.ndarray:
    """E ln of chi-square variables."""
    # Here, because importing it takes longer than importing eqinit.
    from scipy.special import digamma

    return digamma(degrees / 2) + math.log(2)


def _growth(width: int, relu: bool) -> float:
    r"""E ln of $\lVert W \phi(x) \rVert^2 / \lVert x \rVert^2$, W standard normal / N.

    A layer's outputs are N independent normals; of those a ReLU passes a binomial
    number, given that it passes any.
    """
    if not relu:
        return float(_log_chi_square(np.asarray([width]))[0] - math.log(width))
    passed = np.arange(1, width + 1)
    log_ways = [
        math.lgamma(width + 1) - math.lgamma(k + 1) - math.lgamma(width - k + 1)
        for k in passed
    ]
    share = np.exp(np.asarray(log_ways) - width * math.log(2))
    return float(share @ _log_chi_square(passed) / share.sum() - math.log(width))


class RandomWalk(AbstractLawInitializer):
    r"""Gains for which the *logarithm* of the signal's length does not drift with
    depth.

    Schemes that keep the mean square let the typical length shrink, with ReLU by about
    $5/(4N)$ in its log a layer, since rare large values carry the mean. Here
    $g^2 = e^{-E \ln(\lVert x_{l+1}\rVert^2 / \lVert x_l \rVert^2)}$, exact for normal
    weights and $N$ units: with ReLU by the binomial number of active units, given that
    one is. (The paper's fits, $\sqrt2\, e^{1.2 / (\max(N, 6) - 2.4)}$ and for linear
    layers $e^{1/(2N)}$, are within 0.1 % of this from 16 units on.)

    **Arguments:**

    - `activation`: `"relu"` or `"linear"`.

    Sussillo and Abbott, Random walk initialization for training very deep feedforward
    networks, arXiv:1412.6558.
    """

    activation: Literal["relu", "linear"] = eqx.field(static=True, default="relu")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def gain(self, fan_in: Number) -> float:
        r"""The gain of a layer this wide, over a std of $1/\sqrt{n}$."""
        relu = self.activation == "relu"
        return math.exp(-_growth(max(round(fan_in), 1), relu) / 2)

    def law(self, spec: ParamSpec) -> LocScale:
        fan = spec.fan("fan_in")
        variance: ScalarLike = self.gain(fan) ** 2 / fan
        return centred("normal", variance, spec)
