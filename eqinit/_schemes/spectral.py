"""Weights scaled by their spectral norm, for feature learning at any width."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from .._laws.exact import one_by_one
from .._laws.families import LocScale
from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._parameters.views import matrices
from .._typing import Array, DTypeLike, Key, NonNegative, RoleName
from .centred import centred
from .initializer import AbstractLawInitializer, AbstractMatrixInitializer


class Spectral(AbstractMatrixInitializer):
    r"""A normal matrix, scaled to the spectral norm
    $g \sqrt{n_\text{out}/n_\text{in}}$ exactly.

    Vectors whose entries are of order one then have images whose entries are. A kernel
    is read as a matrix $(\text{out}, \text{in} \cdot \text{taps})$; each gate, group,
    head and stacked layer has a norm of its own.

    **Arguments:**

    - `gain`: $g \ge 0$.

    Yang, Simon and Bernstein, A spectral condition for feature learning,
    arXiv:2310.17813.
    """

    gain: NonNegative = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        def unit(key: Key) -> Array:
            normal = jax.random.normal(key, (rows, cols), dtype)
            return normal / jnp.linalg.norm(normal, 2).astype(dtype)

        target = jnp.asarray(self.gain, dtype) * math.sqrt(rows / cols)
        return one_by_one(unit, key) * target


class SpectralNormal(AbstractLawInitializer):
    r"""Normal with std $\frac{g}{\sqrt{n_\text{in}}} \min(1, \sqrt{n_\text{out} /
    n_\text{in}})$: the spectral norm is *of order* $g\sqrt{n_\text{out}/n_\text{in}}$.

    It tends to $g \min(1, \sqrt{n_\text{out}/n_\text{in}}) (1 +
    \sqrt{n_\text{out}/n_\text{in}})$, between one and two times that;
    [`eqinit.matrices.Spectral`][] has it exactly.

    **Arguments:**

    - `gain`: $g \ge 0$.

    Yang, Simon and Bernstein, A spectral condition for feature learning,
    arXiv:2310.17813.
    """

    gain: NonNegative = 1.0
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def law(self, spec: ParamSpec) -> LocScale:
        rows, cols = matrices(spec).inner
        # A pair of stored numbers is one weight.
        rows, cols = rows or 1, (cols or 1) / spec.pair_size
        variance = self.gain * self.gain * (min(1.0, rows / cols) / cols)
        return centred("normal", variance, spec)

    def moments(self, spec: ParamSpec) -> Moments:
        return self.law(spec).moments(spec.is_complex)
