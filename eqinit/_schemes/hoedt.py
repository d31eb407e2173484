"""Hoedt and Klambauer's scheme for layers with non-negative weights (ICNNs)."""

import functools
import math
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from .._laws.exact import one_by_one
from .._laws.gains import Activation, activation_of, expectation, product_expectation
from .._laws.law import LocScale, LogNormalLaw, Moments
from .._laws.unit import StandardNormal
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Key, Number, RoleName, ScalarLike, checked
from .checks import positive
from .initializer import (
    AbstractInitializer,
    AbstractLawInitializer,
    MatrixView,
    draw_slices,
)
from .one_sided import log_normal_law


class Statistics(NamedTuple):
    """E phi, E phi^2 and E phi phi' of an activation on correlated normals."""

    mean: float
    square: float
    product: float


def _relu_product(corr: float) -> float:
    """E relu(x) relu(y) of two unit normals with this correlation."""
    return (math.sqrt(1 - corr**2) + corr * math.acos(-corr)) / (2 * math.pi)


def _leaky_statistics(corr: float, alpha: float) -> Statistics:
    product = (1 + alpha**2) * _relu_product(corr) - 2 * alpha * _relu_product(-corr)
    mean = (1 - alpha) / math.sqrt(2 * math.pi)
    return Statistics(mean, (1 + alpha**2) / 2, product)


@functools.lru_cache(maxsize=256)
def _statistics(activation: Activation, corr: float, scale: float) -> Statistics:
    """By quadrature, for normals of standard deviation `scale`."""
    phi = activation_of(activation)
    square = expectation(lambda z: jnp.square(phi(z)), scale)
    return Statistics(
        expectation(phi, scale), square, product_expectation(phi, corr, scale)
    )


class Positive(NamedTuple):
    """Moments of a positive layer: mean and variance of weights, the bias's shift."""

    mean: float
    variance: float
    shift: ScalarLike


class AbstractHoedt(AbstractInitializer):
    """What the weight and the bias of one positive layer have to agree on."""

    var: eqx.AbstractVar[ScalarLike]
    corr: eqx.AbstractVar[Number]
    bias_noise: eqx.AbstractVar[Number]
    alpha: eqx.AbstractVar[Number]
    activation: eqx.AbstractVar[Activation | None]

    def __check_init__(self) -> None:
        name = type(self).__name__
        positive(name, var=self.var)
        if not 0 < self.corr < 1:
            raise ValueError(f"{name} got corr={self.corr}; it must be inside (0, 1).")
        if not 0 <= self.bias_noise < 1:
            raise ValueError(
                f"{name} got bias_noise={self.bias_noise}; it is the share of the "
                "variance that the bias carries, inside [0, 1)."
            )
        if not -1 < self.alpha < 1:
            raise ValueError(f"{name} got alpha={self.alpha}; it must be in (-1, 1).")
        if self.activation is not None and self.alpha != 0:
            raise ValueError(
                f"{name} got an activation and alpha={self.alpha}, the slope of a "
                "leaky ReLU; say one of them."
            )

    def positive_moments(self, spec: ParamSpec) -> Positive:
        r"""Weight moments and bias for which mean 0, variance and `corr` are kept.

        With $m_1 = E\phi$, $m_2 = E\phi^2$, $m_x = E\phi(x)\phi(y)$ at variance
        $\sigma^2$: $\mu^2 = \rho\sigma^2 / (n (m_2 + (n-1) m_x - n m_1^2))$,
        $v = (1-\rho)\sigma^2/(n m_2)$, $b = -n \mu m_1$.
        """
        fan = spec.fan("fan_in")
        if self.activation is None:
            # Homogeneous: the weights do not depend on the variance, the shift scales.
            stats, var = _leaky_statistics(self.corr, self.alpha), 1.0
        else:
            var = float(self.var)
            stats = _statistics(self.activation, self.corr, math.sqrt(var))
        spread = stats.square + (fan - 1) * stats.product - fan * stats.mean**2
        mean = math.sqrt(self.corr * var / (fan * spread))
        shift = -fan * mean * stats.mean
        if self.activation is None:
            shift = shift * self.var**0.5
        return Positive(mean, (1 - self.corr) * var / (fan * stats.square), shift)

    def weight_moments(self, spec: ParamSpec) -> tuple[float, float]:
        """Mean and variance of the weights, less what the bias carries."""
        if spec.is_complex:
            raise ValueError(
                f"{type(self).__name__} is positive, and the parameter is complex."
            )
        mean, variance, _ = self.positive_moments(spec)
        return mean, variance * (1 - self.bias_noise)


def _activation() -> Any:
    return eqx.field(static=True, default=None)


class HoedtNormal(AbstractHoedt, AbstractLawInitializer):
    r"""Log-normal weights for a layer whose weights must stay positive.

    Positive weights add a common part to every output, so no centred scheme works. With
    fan_in $n$, correlation $\rho$ and $m_1 = E\phi(z)$, $m_2 = E\phi(z)^2$,
    $m_x = E\phi(z)\phi(z')$ of the activation on normals of variance $\sigma^2$ and
    correlation $\rho$, the weights have

    $$\mu^2 = \frac{\rho\,\sigma^2}{n\left(m_2 + (n-1) m_x - n m_1^2\right)}, \qquad
    v = \frac{(1-\rho)\,\sigma^2}{n\, m_2}$$

    and [`eqinit.HoedtBias`][] takes the common mean away again. For ReLU that is
    $\mu^2 = 2\pi\rho / (n (\pi - n + (n-1)(\sqrt{1-\rho^2} + \rho\arccos(-\rho))))$
    and $v = 2 (1-\rho)/n$, in closed form; other activations by quadrature.

    **Arguments:**

    - `var`: variance $\sigma^2$ of the pre-activations that the pair keeps.
    - `corr`: correlation $\rho$ between features that the pair keeps.
    - `bias_noise`: share of the weights' variance that the bias carries instead.
    - `alpha`: negative slope of a leaky ReLU. Consistent in weight and bias (the
        authors' code puts it into $v$ alone).
    - `activation`: any elementwise function, or its name in `jax.nn` (`"softplus"`);
        ReLU if left out. `var` must then be a number, not traced.

    !!! warning
        The fixed point holds for one layer, in expectation, and is unstable beyond:
        deep nets want [`eqinit.calibrate`](../signal.md) afterwards. And a log-normal
        of this width is so heavy-tailed that one *drawn* matrix has about 0.6 of the
        nominal second moment; [`eqinit.HoedtMatched`][] has all of it.

    Hoedt and Klambauer, Principled weight initialisation for input-convex neural
    networks, NeurIPS 2023, arXiv:2312.12474.
    """

    var: ScalarLike = 1.0
    corr: Number = 0.5
    bias_noise: Number = 0.0
    alpha: Number = 0.0
    activation: Activation | None = _activation()
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def law(self, spec: ParamSpec) -> LogNormalLaw:
        return log_normal_law(*self.weight_moments(spec))


class HoedtMatched(AbstractHoedt):
    r"""[`eqinit.HoedtNormal`][] whose *drawn* matrix has exactly the nominal moments.

    $w = e^{a + s z}$ with $z$ standard normal, and $a$ and $s$ solved for each matrix
    (each stack, gate, group) so that its own mean is $\mu$ and its own mean square
    $\mu^2 + v$. Entries are positive and exchangeable, no longer independent.

    Arguments as [`eqinit.HoedtNormal`][].

    **Raises:** `ValueError` for a matrix with too few entries to have those moments
    (one of $k$ positive entries has a mean square of at most $k \mu^2$).

    Hoedt and Klambauer, arXiv:2312.12474.
    """

    # Static: they decide numbers that are worked out before anything is traced.
    var: ScalarLike = eqx.field(static=True, default=1.0)
    corr: Number = eqx.field(static=True, default=0.5)
    bias_noise: Number = eqx.field(static=True, default=0.0)
    alpha: Number = eqx.field(static=True, default=0.0)
    activation: Activation | None = _activation()
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def moments(self, spec: ParamSpec) -> Moments:
        mean, variance = self.weight_moments(spec)
        return Moments(mean, math.sqrt(variance))

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        view = MatrixView.of(spec)
        mean, variance = self.weight_moments(spec)
        entries, wanted = view.rows * view.cols, 1 + variance / mean**2
        if 0 < entries <= wanted:
            yield (
                f"HoedtMatched cannot give {entries} positive entries a mean square of "
                f"{wanted:.2f} times their squared mean; use `HoedtNormal()`."
            )

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        view = MatrixView.of(spec)
        mean, variance = self.weight_moments(spec)
        ratio = 1 + variance / mean**2

        def one(key: Key) -> Array:
            z = jax.random.normal(key, (view.rows, view.cols), spec.draw_dtype)
            unit = _matched(z, ratio, spec.draw_dtype)
            return unit * jnp.asarray(mean, spec.draw_dtype)

        matrices = draw_slices(lambda k: one_by_one(one, k), key, view.count)
        return view.restore(matrices, spec.shape)


def _matched(z: Array, ratio: float, dtype: DTypeLike) -> Array:
    """exp(s z) over its mean, with s such that the mean square is `ratio`.

    The mean square of exp(s z) / mean(exp(s z)) grows with s, from 1 to the number of
    entries, so bisection finds it.
    """
    z = z - jnp.max(z)  # no exponential overflows, and the ratio does not care

    def unit(scale: Array) -> Array:
        powers = jnp.exp(scale * z)
        return powers / jnp.mean(powers)

    def halve(_: Any, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) / 2
        above = jnp.mean(jnp.square(unit(middle))) > jnp.asarray(ratio, dtype)
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    start = (jnp.zeros((), dtype), jnp.asarray(64.0, dtype))
    low, high = jax.lax.fori_loop(0, 64, halve, start)
    return unit((low + high) / 2)


class HoedtBias(AbstractHoedt, AbstractLawInitializer):
    r"""The *negative* bias that takes away the mean which positive weights add.

    $b = -n \mu m_1$, with $\mu$ and $m_1$ of [`eqinit.HoedtNormal`][]: for ReLU
    $-n \mu \sqrt{\sigma^2 / 2\pi}$, which is -0.48 at a fan_in of 1 and -0.74 at 4096.
    (klax has the sign wrong, which leaves a mean of +1.48 after one layer.)

    Arguments as [`eqinit.HoedtNormal`][]; the bias takes the fan_in of the kernel that
    feeds it, or `fan_in=` outside of a model.

    Hoedt and Klambauer, arXiv:2312.12474.
    """

    var: ScalarLike = 1.0
    corr: Number = 0.5
    bias_noise: Number = 0.0
    alpha: Number = 0.0
    activation: Activation | None = _activation()
    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def law(self, spec: ParamSpec) -> LocScale:
        noise = math.sqrt(self.bias_noise * (1 - self.corr))
        shift = self.positive_moments(spec).shift
        return LocScale(StandardNormal(), shift, noise * self.var**0.5)


@checked
def hoedt(
    var: ScalarLike = 1.0,
    corr: Number = 0.5,
    bias_noise: Number = 0.0,
    alpha: Number = 0.0,
    activation: Activation | None = None,
    *,
    matched: bool = False,
) -> dict[str, Any]:
    """The linked pair for a positive layer, to spread into a rule.

    `Rule(PositiveLinear, **hoedt(corr=0.5))` sets `weight=HoedtNormal(...)` and
    `bias=HoedtBias(...)`, with the arguments written once.

    Arguments as [`eqinit.HoedtNormal`][], and:

    - `matched`: give each matrix exactly its moments ([`eqinit.HoedtMatched`][]).

    **Returns:** `{"weight": HoedtNormal(...), "bias": HoedtBias(...)}`.
    """
    said: dict[str, Any] = {"corr": corr, "bias_noise": bias_noise, "alpha": alpha}
    said |= {"var": var, "activation": activation}
    weight = HoedtMatched if matched else HoedtNormal
    return {"weight": weight(**said), "bias": HoedtBias(**said)}
