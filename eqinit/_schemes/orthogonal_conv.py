"""Convolutions that keep the length of what they are applied to."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Key, NonNegative, RoleName, Shape
from .kernels import AbstractCentreTap, AbstractConvInitializer, kernel_shape
from .orthogonal import haar


class DeltaOrthogonal(AbstractCentreTap):
    r"""A random orthogonal matrix at the centre tap of a convolution, zeros elsewhere.

    With circular padding all singular values of the convolution are `gain`; with
    as many outputs as inputs or more, it keeps lengths
    ($\|Wx\| = g\|x\|$). Signals pass thousands of layers, and what mixes places in
    space is left to training.

    **Arguments:**

    - `gain`: multiplies the matrix.

    The values are those of `jax.nn.initializers.delta_orthogonal`, which needs at least
    as many outputs as inputs; here, fewer outputs get orthonormal rows.

    Xiao et al., Dynamical isometry and a mean field theory of CNNs, arXiv:1806.05393.
    """

    gain: NonNegative = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        return jnp.asarray(self.gain, dtype) * haar(key, rows, cols, dtype)

    def second_moment(self, rows: int, cols: int) -> float:
        return float(self.gain) ** 2 / max(rows, cols)


class ConvolutionOrthogonal(AbstractConvInitializer):
    r"""A random convolution that keeps lengths, with all its taps in use.

    In any number of dimensions, as a product of the shortest such convolutions: along
    each axis, $k - 1$ factors $P + z (1 - P)$ with $P$ the projection onto a random
    half of the channels' space and $z$ the shift by one. In the Fourier domain every
    factor is unitary, so with circular padding all singular values of the convolution
    are `gain`, and the kernel is no delta. With fewer outputs than inputs the rows are
    orthonormal instead.

    **Arguments:**

    - `gain`: multiplies the kernel.

    !!! info
        One orthogonal matrix and $\sum_i (k_i - 1)$ projections of size
        $\max(\text{in}, \text{out})$ are decomposed: for wide layers this is slow next
        to [`eqinit.DeltaOrthogonal`][].

    Xiao et al., arXiv:1806.05393, algorithm 1; Kautsky and Turcajova, A matrix approach
    to discrete wavelets, 1994.
    """

    gain: NonNegative = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def kernel(
        self, key: Key, out: int, inputs: int, taps: Shape, dtype: DTypeLike
    ) -> Array:
        size = max(out, inputs)
        matrix_key, factors_key = jax.random.split(key)
        steps = [d for i in range(max(taps, default=1)) for d in _axes_left(taps, i)]
        kernel = jnp.eye(size, dtype=dtype)[(..., *[None] * len(taps))]
        for projection, axis in zip(
            _projections(factors_key, len(steps), size, dtype), steps, strict=True
        ):
            kernel = _multiply(kernel, projection, 2 + axis)
        matrix = jnp.asarray(self.gain, dtype) * haar(matrix_key, out, inputs, dtype)
        if out >= inputs:
            return jnp.einsum("ab...,bc->ac...", kernel, matrix)
        return jnp.einsum("ab,bc...->ac...", matrix, kernel)

    def moments(self, spec: ParamSpec) -> Moments | None:
        out, inputs, taps = kernel_shape(spec)
        if spec.size == 0:
            return None
        second = float(self.gain) ** 2 / (max(out, inputs) * math.prod(taps))
        return Moments(0.0, math.sqrt(second))


def _axes_left(taps: Shape, step: int) -> list[int]:
    """The axes that still need a factor: an axis of k taps takes k - 1 of them."""
    return [axis for axis, size in enumerate(taps) if step < size - 1]


def _projections(key: Key, count: int, size: int, dtype: DTypeLike) -> Array:
    """Orthogonal projections onto random (Haar) subspaces of half the dimension.

    Of a random dimension, as in TensorFlow's version, few channels would often get none
    or all, which is a mere shift. Odd ones are halved up or down at random.
    """

    def one(key: Key) -> Array:
        basis_key, rank_key = jax.random.split(key)
        rank = (size + jax.random.bernoulli(rank_key).astype(np.int32)) // 2
        kept = (jnp.arange(size, dtype=rank.dtype) < rank).astype(dtype)
        basis = haar(basis_key, size, size, dtype) * kept[None, :]
        return basis @ jnp.conj(basis.T)

    if not count:
        return jnp.zeros((0, size, size), dtype)
    # Mapped, so that one decomposition is compiled and not one a factor.
    return jax.lax.map(one, jax.random.split(key, count))


def _multiply(kernel: Array, projection: Array, axis: int) -> Array:
    """The kernel of the convolution followed by P + z (1 - P) along one axis."""
    ahead = jnp.einsum("ab...,bc->ac...", kernel, projection)
    rest = kernel - ahead
    pad = [(0, 0)] * kernel.ndim
    before, after = list(pad), list(pad)
    before[axis], after[axis] = (0, 1), (1, 0)
    return jnp.pad(ahead, before) + jnp.pad(rest, after)
