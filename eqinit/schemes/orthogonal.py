"""Random orthogonal matrices."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from .._initializer import AbstractMatrixInitializer, MatrixView
from .._law import Moments
from .._spec import ParamSpec
from .._typing import Array, DTypeLike, Key, RoleName, ScalarLike
from ._checks import positive


def haar(key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
    """A `(rows, cols)` matrix with orthonormal rows or columns, uniform (Haar).

    The QR decomposition is unique only up to signs: without fixing them by the diagonal
    of R the law is not uniform (Mezzadri, arXiv:math-ph/0609050).
    """
    tall, wide = max(rows, cols), min(rows, cols)
    q, r = jnp.linalg.qr(jax.random.normal(key, (tall, wide), dtype))
    diagonal = jnp.diagonal(r)
    # A zero on the diagonal has measure zero but is a number: sign(0) would wipe out
    # a whole column, hence the guard. For complex matrices this is the phase.
    modulus = jnp.abs(diagonal)
    safe = jnp.where(modulus == 0, 1, modulus).astype(dtype)
    q = q * jnp.where(modulus == 0, 1, diagonal / safe).astype(dtype)
    return q if rows >= cols else q.T


class Orthogonal(AbstractMatrixInitializer):
    r"""Uniformly random orthogonal matrix times `gain`: $W W^\top = g^2 I$ or
    $W^\top W = g^2 I$, whichever is the smaller.

    A kernel is read as a matrix $(\text{out}, \text{in} \cdot \text{taps})$; each
    gate, group, head and stacked layer is a matrix of its own. Sixteen-bit parameters
    are decomposed in float32.

    **Arguments:**

    - `gain`: multiplies the matrix; all its singular values are `gain`.

    Saxe et al., arXiv:1312.6120; Mezzadri, arXiv:math-ph/0609050.
    """

    gain: ScalarLike = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def __check_init__(self) -> None:
        positive("Orthogonal", gain=self.gain, zero=True)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        return jnp.asarray(self.gain, dtype) * haar(key, rows, cols, dtype)

    def moments(self, spec: ParamSpec) -> Moments:
        view = MatrixView.of(spec)
        return Moments(0.0, float(self.gain) / math.sqrt(max(view.rows, view.cols, 1)))
