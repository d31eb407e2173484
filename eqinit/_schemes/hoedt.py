"""Hoedt and Klambauer's scheme for layers with non-negative weights (ICNNs)."""

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from .._checks import Condition, inside, known
from .._laws.exact import one_by_one
from .._laws.families import LocScale, LogNormalLaw
from .._laws.gains import Activation, named
from .._laws.law import Moments
from .._laws.unit import StandardNormal
from .._parameters.spec import ParamSpec
from .._parameters.views import matrices
from .._typing import (
    Array,
    DTypeLike,
    Key,
    Number,
    Positive,
    RoleName,
    checked,
)
from .initializer import AbstractInitializer, AbstractLawInitializer, draw_slices
from .one_sided import log_normal_law
from .positive import PositiveMoments, positive_moments


Corr: TypeAlias = Annotated[Number, inside]
Noise: TypeAlias = Annotated[
    Number, Condition("a number in [0, 1)", lambda x: (x >= 0) & (x < 1))
]
Slope: TypeAlias = Annotated[
    Number, Condition("a number inside (-1, 1)", lambda x: abs(x) < 1)
]


class AbstractHoedt(AbstractInitializer):
    """What the weight and the bias of one positive layer have to agree on."""

    var: eqx.AbstractVar[Positive]
    corr: eqx.AbstractVar[Corr]
    bias_noise: eqx.AbstractVar[Noise]
    negative_slope: eqx.AbstractVar[Slope]
    activation: eqx.AbstractVar[Activation | None]

    def conflicts(self) -> Iterator[str]:
        name = type(self).__name__
        if self.activation is None:
            return
        if self.negative_slope != 0:
            yield (
                f"{name} got an activation and negative_slope={self.negative_slope}, "
                "that of a leaky ReLU; pass one of them."
            )
        if not known(self.var):
            yield (
                f"{name} got an activation and a traced `var`; the quadrature needs a "
                "plain number."
            )

    def positive_moments(self, spec: ParamSpec) -> PositiveMoments:
        return positive_moments(
            spec.fan("fan_in"),
            self.var,
            self.corr,
            self.negative_slope,
            self.activation,
        )

    def weight_moments(self, spec: ParamSpec) -> tuple[float, float]:
        """Mean and variance of the weights, less what the bias carries."""
        if spec.is_complex:
            raise ValueError(
                f"{type(self).__name__} is positive, and the parameter is complex."
            )
        mean, variance, _ = self.positive_moments(spec)
        return mean, variance * (1 - self.bias_noise)


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

    !!! warning
        The fixed point holds for one layer, in expectation, and is unstable beyond:
        deep nets want [`eqinit.calibrate`](../signal.md) afterwards. And a log-normal
        of this width is so heavy-tailed that one *drawn* matrix has about 0.6 of the
        nominal second moment; [`eqinit.HoedtMatched`][] has all of it.

    **Arguments:**

    - `var`: variance $\sigma^2$ of the pre-activations that the pair keeps.
    - `corr`: correlation $\rho$ between features that the pair keeps, inside (0, 1).
    - `bias_noise`: share of the weights' variance that the bias carries instead, in
        [0, 1).
    - `negative_slope`: that of a leaky ReLU. Consistent in weight and bias (the
        authors' code puts it into $v$ alone).
    - `activation`: any elementwise function, or its name in `jax.nn` (`"softplus"`);
        ReLU if left out.

    Hoedt and Klambauer, Principled weight initialisation for input-convex neural
    networks, NeurIPS 2023, arXiv:2312.12474.
    """

    var: Positive = 1.0
    corr: Corr = eqx.field(static=True, default=0.5)
    bias_noise: Noise = eqx.field(static=True, default=0.0)
    negative_slope: Slope = eqx.field(static=True, default=0.0)
    activation: Activation | None = eqx.field(
        static=True, default=None, converter=named
    )
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def law(self, spec: ParamSpec) -> LogNormalLaw:
        return log_normal_law(*self.weight_moments(spec))


class HoedtMatched(AbstractHoedt):
    r"""[`eqinit.HoedtNormal`][] whose *drawn* matrix has exactly the nominal moments.

    $w = e^{a + s z}$ with $z$ standard normal, and $a$ and $s$ solved for each matrix
    (each stack, gate, group) so that its own mean is $\mu$ and its own mean square
    $\mu^2 + v$. Entries are positive and exchangeable, no longer independent.

    **Arguments:**

    - `var`: variance $\sigma^2$ of the pre-activations that the pair keeps.
    - `corr`: correlation $\rho$ between features that the pair keeps, inside (0, 1).
    - `bias_noise`: share of the weights' variance that the bias carries instead, in
        [0, 1).
    - `negative_slope`: that of a leaky ReLU. Consistent in weight and bias (the
        authors' code puts it into $v$ alone).
    - `activation`: any elementwise function, or its name in `jax.nn` (`"softplus"`);
        ReLU if left out.

    **Raises:** `ValueError` for a matrix with too few entries to have those moments
    (one of $k$ positive entries has a mean square of at most $k \mu^2$).

    Hoedt and Klambauer, arXiv:2312.12474.
    """

    # Static: they decide numbers that are worked out before anything is traced.
    var: Positive = eqx.field(static=True, default=1.0)
    corr: Corr = eqx.field(static=True, default=0.5)
    bias_noise: Noise = eqx.field(static=True, default=0.0)
    negative_slope: Slope = eqx.field(static=True, default=0.0)
    activation: Activation | None = eqx.field(
        static=True, default=None, converter=named
    )
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def moments(self, spec: ParamSpec) -> Moments:
        mean, variance = self.weight_moments(spec)
        return Moments(mean, math.sqrt(variance))

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        entries = math.prod(matrices(spec).inner)
        mean, variance = self.weight_moments(spec)
        wanted = 1 + variance / mean**2
        if 0 < entries <= wanted:
            yield (
                f"HoedtMatched cannot give {entries} positive entries a mean square of "
                f"{wanted:.2f} times their squared mean; use `HoedtNormal()`."
            )

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        view = matrices(spec)
        mean, variance = self.weight_moments(spec)
        ratio = 1 + variance / mean**2

        def one(key: Key) -> Array:
            z = jax.random.normal(key, view.inner, spec.draw_dtype)
            unit = _matched(z, ratio, spec.draw_dtype)
            return unit * jnp.asarray(mean, spec.draw_dtype)

        slices = draw_slices(lambda k: one_by_one(one, k), key, view.count)
        return view.restore(slices, spec.shape)


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

    The fan_in is that of the kernel which feeds the bias, or `fan_in=` outside of a
    model.

    **Arguments:**

    - `var`: variance $\sigma^2$ of the pre-activations that the pair keeps.
    - `corr`: correlation $\rho$ between features that the pair keeps, inside (0, 1).
    - `bias_noise`: share of the weights' variance that the bias carries instead, in
        [0, 1).
    - `negative_slope`: that of a leaky ReLU. Consistent in weight and bias (the
        authors' code puts it into $v$ alone).
    - `activation`: any elementwise function, or its name in `jax.nn` (`"softplus"`);
        ReLU if left out.

    Hoedt and Klambauer, arXiv:2312.12474.
    """

    var: Positive = 1.0
    corr: Corr = eqx.field(static=True, default=0.5)
    bias_noise: Noise = eqx.field(static=True, default=0.0)
    negative_slope: Slope = eqx.field(static=True, default=0.0)
    activation: Activation | None = eqx.field(
        static=True, default=None, converter=named
    )
    roles: ClassVar[tuple[RoleName, ...]] = ("bias",)

    def law(self, spec: ParamSpec) -> LocScale:
        noise = math.sqrt(self.bias_noise * (1 - self.corr))
        shift = self.positive_moments(spec).shift
        return LocScale(StandardNormal(), shift, noise * self.var**0.5)


@checked
def hoedt(
    var: Positive = 1.0,
    corr: Corr = 0.5,
    bias_noise: Noise = 0.0,
    negative_slope: Slope = 0.0,
    activation: Activation | None = None,
    *,
    matched: bool = False,
) -> dict[str, Any]:
    r"""The linked pair for a positive layer, to spread into a rule.

    `Rule(PositiveLinear, **hoedt(corr=0.5))` sets `weight=HoedtNormal(...)` and
    `bias=HoedtBias(...)`, with the arguments written once.

    **Arguments:**

    - `var`: variance $\sigma^2$ of the pre-activations that the pair keeps.
    - `corr`: correlation $\rho$ between features that the pair keeps, inside (0, 1).
    - `bias_noise`: share of the weights' variance that the bias carries instead, in
        [0, 1).
    - `negative_slope`: that of a leaky ReLU. Consistent in weight and bias (the
        authors' code puts it into $v$ alone).
    - `activation`: any elementwise function, or its name in `jax.nn` (`"softplus"`);
        ReLU if left out.
    - `matched`: give each matrix exactly its moments ([`eqinit.HoedtMatched`][]).

    **Returns:** `{"weight": HoedtNormal(...), "bias": HoedtBias(...)}`.

    Hoedt and Klambauer, arXiv:2312.12474.
    """
    arguments: dict[str, Any] = {
        "var": var,
        "corr": corr,
        "bias_noise": bias_noise,
        "negative_slope": negative_slope,
        "activation": activation,
    }
    weight = HoedtMatched if matched else HoedtNormal
    return {"weight": weight(**arguments), "bias": HoedtBias(**arguments)}
