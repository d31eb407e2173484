"""Networks of coordinates: sinusoidal layers and random Fourier features."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from .._checks import positive
from .._laws.exact import one_by_one
from .._laws.families import LocScale
from .._laws.heavy_tails import StandardCauchy
from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Key, Number, Positive, RoleName
from .centred import within
from .initializer import AbstractLawInitializer, AbstractMatrixInitializer
from .orthogonal import haar


class Siren(AbstractLawInitializer):
    r"""Uniform weights for a layer $\sin(\omega_0 (W x + b))$.

    The first layer has $U(-1/n, 1/n)$, the others $U(-\sqrt{6/n}/\omega_0,
    \sqrt{6/n}/\omega_0)$, with $n$ the fan_in. Through hidden layers the variance of
    $\omega_0 W x$ settles at the solution of $v = 1 - e^{-2v}$, which is 0.7968
    (std 0.893), and that of the sines at $v/2$ (std 0.631). (The paper's 1 and
    $1/\sqrt2$ assume inputs that are arcsine distributed; a normal argument of this
    variance does not give them.)

    **Arguments:**

    - `w0`: $\omega_0 > 0$, the frequency that multiplies inside the sine.
    - `first`: whether this is the layer that sees the coordinates.

    Sitzmann et al., Implicit neural representations with periodic activation
    functions, arXiv:2006.09661.
    """

    w0: Positive = 30.0
    first: bool = eqx.field(static=True, default=False)
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def law(self, spec: ParamSpec) -> LocScale:
        fan = spec.fan("fan_in")
        return within(1 / fan if self.first else math.sqrt(6 / fan) / self.w0, spec)


Kernel: TypeAlias = Literal["rbf", "matern", "laplace"]


class FourierFeatures(AbstractMatrixInitializer):
    r"""Frequencies $B$ whose features $\cos(Bx), \sin(Bx)$ approximate a kernel.

    The rows of $B$ are drawn from the kernel's spectral density, so that
    $E \cos(B(x - y)) = k(x - y)$, with $r = \lVert x - y \rVert / \ell$:

    - `"rbf"`: $e^{-r^2/2}$; $B$ is normal with std $1/\ell$.
    - `"matern"`: Matern of smoothness $\nu$; rows are Student-t with $2\nu$ degrees of
        freedom. `nu=0.5` is $e^{-r}$.
    - `"laplace"`: $e^{-\lVert x - y \rVert_1/\ell}$; entries are Cauchy.

    For features $\cos(2\pi B x)$ of Tancik et al. with $B \sim \mathcal N(0,
    \sigma^2)$, set `two_pi=True` and `lengthscale` $= 1/(2\pi\sigma)$, or write
    `FourierFeatures.gaussian(std)`.

    **Arguments:**

    - `kernel`: `"rbf"`, `"matern"` or `"laplace"`.
    - `lengthscale`: $\ell$, in units of the input.
    - `nu`: smoothness $\nu > 0$ of the Matern kernel.
    - `orthogonal`: make the directions of each block of `in` rows orthogonal and keep
        their lengths: the same kernel with less variance. Not for `"laplace"`, which
        has no rotational symmetry.
    - `two_pi`: the layer itself multiplies by $2\pi$.

    Rahimi and Recht, Random features for large-scale kernel machines, NeurIPS 2007;
    Tancik et al., Fourier features let networks learn high frequency functions,
    arXiv:2006.10739; Yu et al., Orthogonal random features, arXiv:1610.09072.
    """

    kernel: Kernel = eqx.field(static=True, default="rbf")
    lengthscale: Positive = 1.0
    nu: Annotated[Number, positive] = eqx.field(static=True, default=1.5)
    orthogonal: bool = eqx.field(static=True, default=False)
    two_pi: bool = eqx.field(static=True, default=False)
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "other")

    def conflicts(self) -> Iterator[str]:
        if self.orthogonal and self.kernel == "laplace":
            yield (
                "FourierFeatures got orthogonal=True for the laplace kernel, whose "
                "frequencies have no rotational symmetry; use `orthogonal=False`, or "
                '`kernel="matern", nu=0.5` for exp(-r) in the Euclidean distance.'
            )

    @staticmethod
    def gaussian(std: Positive = 1.0) -> "FourierFeatures":
        r"""$B \sim \mathcal N(0, \text{std}^2)$ for features $\cos(2\pi B x)$."""
        return FourierFeatures(lengthscale=1 / (2 * math.pi * std), two_pi=True)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        if spec.is_complex:
            yield (
                "FourierFeatures are real frequencies, and the parameter is complex."
            )

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        if self.orthogonal:
            unit = one_by_one(lambda k: self._turned(k, rows, cols, dtype), key)
        else:
            unit = self._rows(key, rows, cols, dtype)
        turns = 2 * math.pi if self.two_pi else 1.0
        return unit / (jnp.asarray(self.lengthscale, dtype) * jnp.asarray(turns, dtype))

    def _turned(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        """Rows of the same lengths in orthogonal directions."""
        row_key, turn_key = jax.random.split(key)
        drawn = self._rows(row_key, rows, cols, dtype)
        lengths = jnp.linalg.norm(drawn, axis=1, keepdims=True)
        return lengths * _directions(turn_key, rows, cols, dtype)

    def _rows(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        if self.kernel == "laplace":
            return StandardCauchy().sample(key, (rows, cols), dtype)
        normal_key, gamma_key = jax.random.split(key)
        normal = jax.random.normal(normal_key, (rows, cols), dtype)
        if self.kernel == "rbf":
            return normal
        # One chi-square a row: a multivariate t, not independent t's.
        gamma = jax.random.gamma(gamma_key, self.nu, (rows, 1), dtype)
        return normal * jnp.sqrt(jnp.asarray(self.nu, dtype) / gamma)

    def moments(self, spec: ParamSpec) -> Moments | None:
        if self.kernel != "rbf":
            return None  # tails too heavy for a sample variance to say anything
        turns = 2 * math.pi if self.two_pi else 1.0
        return Moments(0.0, 1 / (float(self.lengthscale) * turns))


def _directions(key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
    """Unit rows, orthogonal within each block of `cols`."""
    blocks = -(-rows // cols)
    keys = jax.random.split(key, blocks)
    squares = jax.lax.map(lambda k: haar(k, cols, cols, dtype), keys)
    return squares.reshape(blocks * cols, cols)[:rows]
