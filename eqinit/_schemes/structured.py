"""Fixed orthonormal transforms: Hadamard and cosine."""

import math
from collections.abc import Iterator
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Key, NonNegative, RoleName
from .kernels import AbstractCentreTap, kernel_shape


def hadamard_matrix(size: int) -> np.ndarray:
    """Sylvester's matrix of +-1: entry (i, j) is the parity of the bits of `i & j`."""
    index = np.arange(size)
    both = index[:, None] & index[None, :]
    parity = np.zeros_like(both)
    while both.any():
        parity ^= both & 1
        both >>= 1
    return 1.0 - 2.0 * parity


def cosine_matrix(size: int) -> np.ndarray:
    """The orthonormal DCT-II: row k is a cosine of frequency k."""
    frequency, place = np.arange(size)[:, None], np.arange(size)[None, :]
    rows = np.cos(math.pi * frequency * (2 * place + 1) / (2 * size))
    rows *= math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    return rows


class Hadamard(AbstractCentreTap):
    r"""A Hadamard matrix with random signs and a random order of rows:
    $W W^\top = g^2 I$ with all $|W_{ij}| = g / \sqrt{n}$.

    $W = g\,P H D / \sqrt{n}$, $n = \max(\text{in}, \text{out})$ a power of two, $D$
    random signs, $P$ a permutation. Orthogonal without a decomposition, and as close to
    a random rotation as signs can be. Convolutions have it at the centre tap.

    **Arguments:**

    - `gain`: multiplies the matrix.
    - `random`: whether to draw signs and order; `False` gives Sylvester's matrix.

    **Raises:** `ValueError` where $n$ is no power of two.
    """

    gain: NonNegative = 1.0
    random: bool = eqx.field(static=True, default=True)
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def second_moment(self, rows: int, cols: int) -> float | None:
        # Without random signs the mean of a cut-out is not zero.
        return float(self.gain) ** 2 / max(rows, cols) if self.random else None

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        out, inputs, _ = kernel_shape(spec)
        size = max(out, inputs)
        if size and size & (size - 1):
            yield (
                f"Hadamard needs a power of two, and max(in, out) is {size}. Use "
                "`DCT()`, which exists for every size, or `Orthogonal()`."
            )

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        size = max(rows, cols)
        matrix = jnp.asarray(hadamard_matrix(size) / math.sqrt(size), dtype)
        if self.random:
            order_key, sign_key = jax.random.split(key)
            matrix = jax.random.permutation(order_key, matrix, axis=0)
            # Signs of rows as well, so that entries are uncorrelated.
            signs = jax.random.rademacher(sign_key, (2, size)).astype(dtype)
            matrix = matrix * signs[0][:, None] * signs[1][None, :]
        return jnp.asarray(self.gain, dtype) * matrix[:rows, :cols]


class DCT(AbstractCentreTap):
    r"""The orthonormal cosine transform (DCT-II): row $k$ is
    $\sqrt{2/n}\,\cos(\pi k (2j + 1) / 2n)$, row 0 is $1/\sqrt{n}$.

    The first `out` frequencies of $n$ inputs; with more outputs than inputs, the first
    `in` columns of its transpose. Convolutions have it at the centre tap.

    **Arguments:**

    - `gain`: multiplies the matrix.
    """

    gain: NonNegative = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        del key  # deterministic
        cosine = cosine_matrix(max(rows, cols))
        cosine = cosine[:rows] if rows <= cols else cosine[:cols].T
        return jnp.asarray(self.gain, dtype) * jnp.asarray(cosine, dtype)
