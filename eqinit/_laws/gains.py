"""Gains: how much a layer must be scaled up for its activation."""

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from .._nearest import nearest
from .._typing import Array, FiniteNumber, checked


# Composite Gauss-Legendre on panels of width 1/40: their edges fall on the kinks of
# relu, hardtanh, hard_swish and relu6, where Gauss-Hermite would be a percent off; a
# jump inside of one (a scaled hardtanh's slope) costs 1e-3 at most.
_PANELS, _NODES, _REACH = 960, 8, 12.0
# In the plane the panels are 1/2 wide.
_RINGS, _RING_NODES, _ANGLES = 24, 12, 48

_TORCH: dict[str, float] = {
    "linear": 1.0,
    "conv": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": 2**0.5,
    "leaky_relu": (2 / (1 + 0.01**2)) ** 0.5,
    "selu": 3 / 4,
}


Activation: TypeAlias = Callable[..., Any] | str
_Given = TypeVar("_Given", bound=Activation | None)


def activation_of(said: Activation) -> Callable[..., Any]:
    """A function as it is, or the one that `jax.nn` or `jax.numpy` has by that name."""
    if not isinstance(said, str):
        return said
    if said == "linear":
        return lambda x: x
    found = getattr(jax.nn, said, None) or getattr(jnp, said, None)
    if said.startswith("_") or not callable(found) or isinstance(found, type):
        raise ValueError(
            f"no activation {said!r} in jax.nn or jax.numpy.{_as_there(said)} Write "
            'its name as there ("relu", "softplus", "tanh", "sin"), "linear", or pass '
            "the function."
        )
    return found


def _as_there(said: str) -> str:
    """The name as it is written there, of one in the letters of torch or Keras."""
    names = [n for n in (*dir(jax.nn), *dir(jnp)) if n.islower()]
    same = [n for n in names if n.replace("_", "") == said.replace("_", "").lower()]
    return f" Did you mean {same[0]!r}?" if same else ""


def named(activation: _Given) -> _Given:
    """The name, for a function of `jax.nn` or `jax.numpy`, and else what was given.

    A name prints without an address, can be written to a config, and is equal to itself
    in another process.
    """
    name = getattr(activation, "__name__", "")
    known = getattr(jax.nn, name, None) or getattr(jnp, name, None)
    return cast(_Given, name) if name and known is activation else activation


@functools.cache
def normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights such that `weights @ f(nodes)` is E f(z), z standard normal."""
    nodes, weights = _composite(-_REACH, _PANELS, _NODES)
    return nodes, weights * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)


def _composite(low: float, panels: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on `panels` equal panels of `[low, 12]`."""
    x, w = np.polynomial.legendre.leggauss(order)
    edges = np.linspace(low, _REACH, panels + 1)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half + half * x).ravel(), (half * w).ravel()


def _evaluate(fn: Callable[[Array], Any], nodes: np.ndarray) -> np.ndarray:
    # The numbers are wanted now, also while somebody traces: this is hyper-parameter
    # arithmetic, and none of it may become part of the traced program.
    try:
        with jax.ensure_compile_time_eval():
            values = fn(jnp.asarray(nodes))
    except Exception as error:
        what = getattr(fn, "__name__", type(fn).__name__)
        raise ValueError(
            f"an activation takes an array and returns one of that shape, entry by "
            f"entry; {what} fails on one of shape {nodes.shape} with "
            f"{type(error).__name__}. Pass the function that follows a layer, such as "
            "`jax.nn.relu` or `model.activation`."
        ) from error
    if np.shape(values) != nodes.shape or np.asarray(values).dtype.kind in "OSU":
        raise ValueError(
            f"an activation takes an array and returns one of that shape, entry by "
            f"entry; {getattr(fn, '__name__', fn)!r} returned {np.shape(values)} for "
            f"{nodes.shape}."
        )
    return np.asarray(values, np.float64)


def expectation(fn: Callable[[Array], Any], scale: float = 1.0) -> float:
    r"""$E\,f(\text{scale} \cdot z)$ for a standard normal $z$, by quadrature."""
    nodes, weights = normal_nodes()
    return float(weights @ _evaluate(fn, scale * nodes))


def slope(fn: Callable[[Array], Any]) -> Callable[[Array], Any]:
    """The derivative of an elementwise function."""
    return lambda x: jax.jvp(fn, (x,), (jnp.ones_like(x),))[1]


def product_expectation(
    fn: Callable[[Array], Any], corr: float, scale: float = 1.0
) -> float:
    r"""$E\,f(s z_1) f(s z_2)$ for standard normals of correlation `corr`; $s$: `scale`.

    In polar coordinates, with the angles split where $z_1$ or $z_2$ changes sign: exact
    to rounding for functions that are smooth but for a kink at zero, and to about 1e-4
    where kinks lie elsewhere.
    """
    radii, radial = _composite(0.0, _RINGS, _RING_NODES)
    angles, angular = _sectors(corr)
    # z_2 = corr z_1 + sqrt(1 - corr^2) u, with (z_1, u) on a circle of radius r.
    second = corr * np.cos(angles) + math.sqrt(1 - corr**2) * np.sin(angles)
    density = radial * radii * np.exp(-(radii**2) / 2) / (2 * np.pi)
    first = _evaluate(fn, scale * np.outer(radii, np.cos(angles)))
    return float(
        density @ (first * _evaluate(fn, scale * np.outer(radii, second))) @ angular
    )


def _sectors(corr: float) -> tuple[np.ndarray, np.ndarray]:
    """Angles and weights over the circle, Gauss-Legendre between the sign changes."""
    turn = math.asin(corr)
    edges = np.sort([-np.pi / 2, np.pi / 2, -turn, np.pi - turn])
    edges = np.append(edges, edges[0] + 2 * np.pi)
    x, w = np.polynomial.legendre.leggauss(_ANGLES)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half + half * x).ravel(), (half * w).ravel()


@checked
def gain(activation: Activation, *, centred: bool = False) -> float:
    r"""The gain that keeps the second moment through an activation:
    $1/\sqrt{E[\phi(z)^2]}$.

    With weights of variance $g^2/n_\text{in}$ and pre-activations of unit second
    moment, the next layer's pre-activations have unit second moment too. Exact, by
    quadrature, for any callable: $\sqrt2$ for ReLU, 1.5925 for tanh (torch's table says
    5/3), 1 for SELU.

    **Arguments:**

    - `activation`: an elementwise function, or its name in `jax.nn` (`"gelu"`).
    - `centred`: use $1/\text{std}\,\phi(z)$ instead, for nets that remove the mean.

    **Returns:** the gain, a float; for [`eqinit.LecunNormal`][] or
    [`eqinit.Orthogonal`][] (the He schemes already hold ReLU's).

    **Raises:** `ValueError` where $E[\phi(z)^2]$ is zero or infinite.
    """
    phi = activation_of(activation)
    mean = expectation(phi) if centred else 0.0
    moment = expectation(lambda z: jnp.square(phi(z) - mean))
    if not np.isfinite(moment) or moment <= 0:
        raise ValueError(
            f"gain got {activation!r}, whose second moment under a normal input is "
            f"{moment}; no scale of the weights can keep it. Pass the gain as a number."
        )
    return float(moment**-0.5)


@checked
def torch_gain(activation: str, negative_slope: FiniteNumber | None = None) -> float:
    r"""The number that `torch.nn.init.calculate_gain` returns.

    Three of these are conventions rather than theory (tanh 5/3, sigmoid 1, SELU 3/4);
    [`eqinit.gain`][] gives the exact ones.

    **Arguments:**

    - `activation`: torch's name of it (its `nonlinearity`): `"linear"`, `"conv2d"` and
        its like, `"sigmoid"`, `"tanh"`, `"relu"`, `"leaky_relu"` or `"selu"`.
    - `negative_slope`: of `leaky_relu` (0.01 if left out).

    **Returns:** the gain, a float.

    **Raises:** `ValueError` for a name that torch does not have, and for a slope of
    anything but `leaky_relu`.
    """
    if activation not in _TORCH:
        raise ValueError(
            f"torch_gain knows no {activation!r}; torch has {sorted(_TORCH)}."
            f"{nearest(activation, _TORCH)} `gain` takes any function."
        )
    if negative_slope is None:
        return _TORCH[activation]
    if activation != "leaky_relu":
        raise ValueError(
            f"torch_gain got a negative_slope for {activation!r}; only "
            '"leaky_relu" has one.'
        )
    return float((2 / (1 + negative_slope**2)) ** 0.5)
