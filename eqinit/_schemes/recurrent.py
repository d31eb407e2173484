"""Recurrent kernels with prescribed eigenvalues."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from .._checks import share
from .._laws.exact import tan
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Key, NonNegative, Number, RoleName
from .initializer import AbstractMatrixInitializer


class AbstractSquare(AbstractMatrixInitializer):
    """A scheme that makes sense for square matrices only: from a state to a state."""

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        rows, cols = self.view(spec).inner
        if rows != cols:
            yield (
                f"{type(self).__name__} is for recurrent kernels, which are square, "
                f"and this matrix is ({rows}, {cols})."
            )


Angles: TypeAlias = Literal["henaff", "cayley"]
Stored: TypeAlias = Literal["matrix", "skew"]


class Unitary(AbstractSquare):
    r"""Rotations by random angles in orthogonal planes: all eigenvalues on the circle.

    The matrix has blocks
    $\begin{pmatrix} \cos t & -\sin t \\ \sin t & \cos t \end{pmatrix}$ on its diagonal
    (and a 1 in the corner where its size is odd).

    - `angles="henaff"`: $t \sim U(-\pi, \pi)$.
    - `angles="cayley"`: $t \sim U(0, \pi/2)$, the angles of scoRNN's initialisation.

    Parametrized recurrent layers store a skew-symmetric $A$ with $W = e^A$ (expRNN) or
    $W = (I + A)^{-1}(I - A)$ (scoRNN): `stored="skew"` draws that $A$, with blocks
    $t\,J$ for `"henaff"` and $-\tan(t/2)\,J$ for `"cayley"`,
    $J = \begin{pmatrix} 0 & -1 \\ 1 & 0 \end{pmatrix}$, so that both ways give the same
    $W$.

    **Arguments:**

    - `angles`: the law of the angles, as above.
    - `stored`: `"matrix"` for $W$ itself, `"skew"` for $A$.

    For a uniform random unitary matrix use [`eqinit.Orthogonal`][] on a complex
    parameter. Henaff, Szlam and LeCun, arXiv:1602.06662; Helfrich, Willmott and Ye,
    arXiv:1707.09520; Lezcano-Casado and Martínez-Rubio, arXiv:1901.08428.
    """

    angles: Angles = eqx.field(static=True, default="henaff")
    stored: Stored = eqx.field(static=True, default="matrix")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        del cols  # square
        real = jnp.finfo(dtype).dtype
        low, high = (-math.pi, math.pi) if self.angles == "henaff" else (0, math.pi / 2)
        angle = jax.random.uniform(key, (rows // 2,), real, low, high)
        if self.stored == "skew":
            size = angle if self.angles == "henaff" else -tan(angle / 2)
            diagonal, below = jnp.zeros((rows,), real), size
        else:
            last = jnp.ones((rows % 2,), real)
            diagonal = jnp.concatenate([jnp.repeat(jnp.cos(angle), 2), last])
            below = jnp.sin(angle)
        return _blocks(diagonal, below).astype(dtype)


def _blocks(diagonal: Array, below: Array) -> Array:
    """A matrix of 2 x 2 blocks [[d, -b], [b, d]]."""
    size = diagonal.shape[0]
    first = jnp.arange(0, 2 * below.shape[0], 2)
    matrix = jnp.zeros((size, size), diagonal.dtype)
    matrix = matrix.at[jnp.arange(size), jnp.arange(size)].set(diagonal)
    return matrix.at[first + 1, first].set(below).at[first, first + 1].set(-below)


class NPRNN(AbstractSquare):
    r"""Positive definite with largest eigenvalue 1: $W = (A + I)/\lambda_\max(A + I)$
    with $A = R R^\top / n$, $R$ standard normal.

    One eigenvalue is 1 and all others lie in (0, 1]: a ReLU network with this recurrent
    kernel neither explodes nor forgets everything at once.

    Talathi and Vartak, Improving performance of recurrent neural network with relu
    nonlinearity, arXiv:1511.03771.
    """

    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        normal = jax.random.normal(key, (rows, cols), dtype)
        square = (normal @ jnp.conj(normal.T)) * jnp.asarray(1 / rows, dtype)
        matrix = square + jnp.eye(rows, dtype=dtype)
        largest = jnp.linalg.eigvalsh(matrix)[-1]
        return matrix / largest.astype(dtype)


# Squarings of a matrix in Gelfand's formula: the power is 2^24, whose root forgets the
# condition of the eigenvectors down to one part in a million.
_SQUARINGS = 24


def spectral_radius(matrix: Array) -> Array:
    r"""$\rho(W) = \lim \|W^k\|^{1/k}$, by repeated squaring.

    Needs products only: no decomposition of a matrix that is not symmetric, which
    accelerators lack.
    """
    real = jnp.finfo(matrix.dtype).dtype

    def square(i: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        power, log = state
        size = jnp.max(jnp.abs(power))
        safe = jnp.where(size == 0, jnp.ones_like(size), size)
        weight = jnp.exp2(-i.astype(real))
        scaled = power / safe.astype(matrix.dtype)
        product = jnp.matmul(scaled, scaled, precision=jax.lax.Precision.HIGHEST)
        return product, log + weight * jnp.log(size)

    start = (matrix, jnp.zeros((), real))
    _, log = jax.lax.fori_loop(0, _SQUARINGS, square, start)
    return jnp.exp(log)


class Reservoir(AbstractSquare):
    r"""A sparse random matrix with a given spectral radius: $W = \rho\, M / \rho(M)$.

    The fixed recurrent kernel of an echo state network. $M$ has standard normal
    entries, of which each is kept with probability `density`.

    **Arguments:**

    - `spectral_radius`: largest modulus $\rho$ of an eigenvalue; below 1 the state
        forgets its past.
    - `density`: share of non-zero entries, in (0, 1].

    !!! warning
        A matrix so sparse that it has no cycle has no eigenvalue but 0, and cannot be
        scaled: it is returned as all zeros.

    Jaeger, The "echo state" approach to analysing and training recurrent neural
    networks, GMD report 148, 2001.
    """

    spectral_radius: NonNegative = 0.9
    density: Annotated[Number, share] = eqx.field(static=True, default=0.1)
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        normal_key, mask_key = jax.random.split(key)
        normal = jax.random.normal(normal_key, (rows, cols), dtype)
        mask = jax.random.bernoulli(mask_key, float(self.density), (rows, cols))
        matrix = jnp.where(mask, normal, jnp.zeros_like(normal))
        radius = spectral_radius(matrix).astype(dtype)
        scale = jnp.asarray(self.spectral_radius, dtype)
        empty = radius == 0
        return jnp.where(empty, 0, scale / jnp.where(empty, 1, radius)) * matrix
