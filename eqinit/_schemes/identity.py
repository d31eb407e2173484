"""The identity map, as far as the shape allows one, and its relatives."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Finite, Key, Number, RoleName
from .kernels import AbstractCentreTap, kernel_shape
from .structured import hadamard_matrix


def _eye_moments(spec: ParamSpec, ones: Number, gain: float) -> Moments | None:
    """Moments of a slice in which `ones` entries are `gain` and the others zero."""
    out, inputs, taps = kernel_shape(spec)
    size = out * inputs * math.prod(taps)
    if size == 0:
        return None
    share = ones / size
    return Moments(share * gain, abs(gain) * math.sqrt(share * (1 - share)))


class Identity(AbstractCentreTap):
    r"""`gain` on the diagonal, zeros elsewhere: $Wx = g\,x$ at initialisation.

    For a convolution the identity matrix stands at the centre tap (the one that
    `padding="SAME"` aligns with the output; for even kernels torch's `dirac_` takes the
    next one). Where inputs and outputs differ in number, the first
    $\min(\text{in}, \text{out})$ pass, and the rest is zero; each group of a grouped
    convolution is an identity of its own. (torch calls this `dirac_`.)

    **Arguments:**

    - `gain`: multiplies the identity.

    Le et al., A simple way to initialize recurrent networks of rectified linear units,
    arXiv:1504.00941, uses it for recurrent kernels.
    """

    gain: Finite = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        del key  # deterministic
        return jnp.asarray(self.gain, dtype) * jnp.eye(rows, cols, dtype=dtype)

    def moments(self, spec: ParamSpec) -> Moments | None:
        out, inputs, _ = kernel_shape(spec)
        return _eye_moments(spec, min(out, inputs), float(self.gain))


class IDInit(AbstractCentreTap):
    r"""The identity, repeated until it fills a matrix that is not square.

    $W_{ij} = \tau$ where $i \equiv j \pmod{\min(\text{in}, \text{out})}$, and 0
    elsewhere: every row and column has an entry, where a padded identity leaves some
    empty. `IDInit(1e-6)` is the paper's near-zero variant for the last layer of a
    residual branch.

    **Arguments:**

    - `gain`: $\tau$, the value of the entries.

    !!! warning
        The repetition is tested; that it is the paper's in every detail is not
        verified. For convolutions the matrix stands at the centre tap, where the paper
        spreads channels over the taps.

    Pan et al., IDInit: a universal and stable initialization method for neural network
    training, arXiv:2503.04626.
    """

    gain: Finite = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        del key  # deterministic
        least = min(rows, cols)
        i, j = np.arange(rows)[:, None], np.arange(cols)[None, :]
        same = jnp.asarray(i % least == j % least, dtype)
        return jnp.asarray(self.gain, dtype) * same

    def moments(self, spec: ParamSpec) -> Moments | None:
        out, inputs, _ = kernel_shape(spec)
        return _eye_moments(spec, max(out, inputs), float(self.gain))


class ZerO(AbstractCentreTap):
    r"""Zeros, ones and a Hadamard matrix; nothing random.

    With at most as many outputs as inputs, the (partial) identity. With more outputs,
    $W = I^* H I^* / 2^{c/2}$ with $H$ the Hadamard matrix of size $2^c$,
    $c = \lceil \log_2 \text{out} \rceil$, cut to shape: all entries are
    $\pm 2^{-c/2}$, and training leaves the low-rank subspace that a padded identity
    would confine it to. Convolutions have the matrix at the centre tap.

    **Arguments:**

    - `gain`: multiplies everything; 0 for the last layer of a residual branch.

    Zhao, Schäfer and Anandkumar, ZerO initialization, arXiv:2110.12661.
    """

    gain: Finite = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        del key  # deterministic
        gain = jnp.asarray(self.gain, dtype)
        if rows <= cols:
            return gain * jnp.eye(rows, cols, dtype=dtype)
        size = 1 << (rows - 1).bit_length()
        hadamard = hadamard_matrix(size)[:rows, :cols] / math.sqrt(size)
        return gain * jnp.asarray(hadamard, dtype)
