"""Gains: how much a layer must be scaled up for its activation."""

from collections.abc import Callable
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from ._typing import Array, checked


# Composite Gauss-Legendre on panels of width 1/2: the edges fall on the kinks of relu,
# hardtanh, hard_swish and relu6, where Gauss-Hermite would be off by a percent.
_PANELS, _NODES, _REACH = 48, 24, 12.0

_TORCH: dict[str, float] = {
    "linear": 1.0,
    "conv": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": 2**0.5,
    "leaky_relu": (2 / (1 + 0.01**2)) ** 0.5,
    "selu": 3 / 4,
}


def normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights such that `weights @ f(nodes)` is E f(z), z standard normal."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(-_REACH, _REACH, _PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    nodes = (edges[:-1, None] + half + half * x).ravel()
    density = np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    return nodes, (half * w).ravel() * density


def expectation(fn: Callable[[Array], Any], scale: float = 1.0) -> float:
    r"""$E\,f(\text{scale} \cdot z)$ for a standard normal $z$, by quadrature."""
    nodes, weights = normal_nodes()
    values = np.asarray(fn(jnp.asarray(scale * nodes)), np.float64)
    return float(weights @ values)


@checked
def gain(fn: Callable[..., Any], *, centred: bool = False) -> float:
    r"""The gain that keeps the second moment through `fn`: $1/\sqrt{E[\phi(z)^2]}$.

    With weights of variance $g^2/n_\text{in}$ and pre-activations of unit second
    moment, the next layer's pre-activations have unit second moment too. Exact, by
    quadrature, for any callable: $\sqrt2$ for ReLU, 1.5925 for tanh (torch's table says
    5/3), 1 for SELU.

    **Arguments:**

    - `fn`: an elementwise activation.
    - `centred`: use $1/\text{std}\,\phi(z)$ instead, for nets that remove the mean.

    **Returns:** the gain, a float; for [`eqinit.LecunNormal`][] or
    [`eqinit.Orthogonal`][] (the He schemes already hold ReLU's).
    """
    mean = expectation(fn) if centred else 0.0
    moment = expectation(lambda z: jnp.square(fn(z) - mean))
    if not np.isfinite(moment) or moment <= 0:
        raise ValueError(
            f"gain got {fn!r}, whose second moment under a normal input is {moment}; "
            "no scale of the weights can keep it. Pass the gain as a number."
        )
    return float(moment**-0.5)


@checked
def torch_gain(
    nonlinearity: Literal[
        "linear", "conv", "sigmoid", "tanh", "relu", "leaky_relu", "selu"
    ],
    negative_slope: float | int | None = None,
) -> float:
    r"""The number that `torch.nn.init.calculate_gain` returns.

    Three of these are conventions rather than theory (tanh 5/3, sigmoid 1, SELU 3/4);
    [`eqinit.gain`][] gives the exact ones.

    **Arguments:**

    - `nonlinearity`: torch's name of the activation.
    - `negative_slope`: of `leaky_relu` (0.01 if left out).

    **Returns:** the gain, a float.
    """
    if negative_slope is None:
        return _TORCH[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ValueError(
            f"torch_gain got a negative_slope for {nonlinearity!r}; only "
            '"leaky_relu" has one.'
        )
    return float((2 / (1 + negative_slope**2)) ** 0.5)
