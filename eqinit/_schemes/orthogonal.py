"""Random orthogonal matrices, and matrices with given singular values."""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._checks import non_negative
from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Finite, Key, NonNegative, Number, RoleName
from .checks import as_tuple
from .initializer import AbstractMatrixInitializer


# Compiled whole, as jax's own is: op by op, jax 0.12 moves a normal by its last bit in
# some shapes, and the decomposition makes that several.
@functools.partial(jax.jit, static_argnums=(1, 2, 3))
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
    q = q * jnp.where(modulus == 0, 1, diagonal / safe).astype(dtype)[None, :]
    # jax stores (in, out) and keeps Q as it is where in >= out, square ones included.
    return q if rows > cols else q.T


def reflected(key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
    """As `haar`, the same law with other values: half the work, and no decomposition.

    What the next Householder reflection of a normal matrix sees are normal numbers
    again, whatever the reflections before it. So all reflections can be drawn at once
    (Stewart, doi:10.1137/0717034), from the lower triangle of one normal matrix.
    """
    tall, wide = max(rows, cols), min(rows, cols)
    drawn = jnp.tril(jax.random.normal(key, (tall, wide), dtype))
    first = jnp.diagonal(drawn)
    length = jnp.sqrt(jnp.sum(jnp.square(jnp.abs(drawn)), 0))
    modulus = jnp.abs(first)
    safe = jnp.where(modulus == 0, 1, modulus).astype(dtype)
    phase = jnp.where(modulus == 0, 1, first / safe).astype(dtype)
    # LAPACK's form: I - tau v v^H with v = (1, ...), which turns a column into
    # -phase * length times the first unit vector.
    head = first + phase * length.astype(dtype)
    v = jnp.where(jnp.eye(tall, wide, dtype=bool), 1, drawn / head[None, :])
    tau = (1 + modulus / length).astype(dtype)
    q = jax.lax.linalg.householder_product(v.astype(dtype), tau)
    # With these signs the columns are those of a Gaussian matrix made orthonormal one
    # after the other, hence uniform.
    q = q * -phase[None, :]
    return q if rows > cols else q.T


Algorithm: TypeAlias = Literal["qr", "householder"]
_ALGORITHMS: dict[str, Callable[[Key, int, int, DTypeLike], Array]] = {
    "qr": haar,
    "householder": reflected,
}

Keeps: TypeAlias = Literal["norm", "entries", "rms"]


class Orthogonal(AbstractMatrixInitializer):
    r"""Uniformly random orthogonal matrix times `gain`: $W W^\top = g^2 I$ or
    $W^\top W = g^2 I$, whichever is the smaller.

    A kernel is read as a matrix $(\text{out}, \text{in} \cdot \text{taps})$; each
    gate, group, head and stacked layer is a matrix of its own. Sixteen-bit parameters
    are decomposed in float32. Complex parameters get a unitary matrix.

    **Arguments:**

    - `gain`: multiplies the matrix.
    - `keeps`: what a layer with gain 1 keeps. `"norm"`: the length of a vector; all
        singular values are `gain`. `"entries"`: the size of its entries also where
        there are more outputs than inputs, times
        $\sqrt{\max(1, \text{out}/\text{in})}$.
        `"rms"`: times $\sqrt{\text{out}/\text{in}}$, so that the *largest* root mean
        square of the output is that of the input (the spectral condition).
    - `special`: keep to rotations: a square matrix has determinant $+1$.
    - `algorithm`: `"qr"` decomposes a normal matrix and has the values of
        `jax.nn.initializers.orthogonal`; `"householder"` multiplies random reflections:
        the same law, other values, half of the arithmetic, and half to two thirds of
        the time for large matrices.

    Saxe et al., arXiv:1312.6120; Mezzadri, arXiv:math-ph/0609050; random reflections:
    Stewart, SIAM J. Numer. Anal. 17 (1980), doi:10.1137/0717034; the spectral
    condition: Yang, Simon and Bernstein, arXiv:2310.17813.
    """

    gain: NonNegative = 1.0
    keeps: Keeps = eqx.field(static=True, default="norm")
    special: bool = eqx.field(static=True, default=False)
    algorithm: Algorithm = eqx.field(static=True, default="qr")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def _factor(self, rows: int, cols: int) -> float:
        ratio = rows / max(cols, 1)
        wanted = {"norm": 1.0, "entries": max(1.0, ratio), "rms": ratio}
        return math.sqrt(wanted[self.keeps])

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        q = _ALGORITHMS[self.algorithm](key, rows, cols, dtype)
        if self.special and rows == cols:
            q = _rotation(q)
        scale = self.gain * self._factor(rows, cols)
        return jnp.asarray(scale, dtype) * q

    def moments(self, spec: ParamSpec) -> Moments:
        rows, cols = self.view(spec).inner
        scale = float(self.gain) * self._factor(rows, cols)
        return Moments(0.0, scale / math.sqrt(max(rows, cols, 1)))


def _rotation(q: Array) -> Array:
    """Divide the first row by the determinant, which then is one."""
    first = jnp.arange(q.shape[0])[:, None] == 0
    determinant = jnp.linalg.det(q)
    unit = determinant / jnp.abs(determinant).astype(q.dtype)
    return jnp.where(first, q * jnp.conj(unit), q)


class Spectrum(AbstractMatrixInitializer):
    r"""Random matrix with given singular values: $W = U \,\text{diag}(s)\, V^\top$.

    $U$ and $V$ are uniform (Haar). The values are given, or follow a power law
    $s_i = \text{gain} \cdot i^{-\text{power}}$ for $i = 1, 2, \dots$; power 0 is
    [`eqinit.Orthogonal`][].

    **Arguments:**

    - `power`: exponent of the decay.
    - `gain`: multiplies all singular values.
    - `values`: the singular values, as many as the smaller side of the matrix, instead
        of a power law.
    """

    power: Finite = 1.0
    gain: NonNegative = 1.0
    values: tuple[Annotated[Number, non_negative], ...] | None = eqx.field(
        static=True, converter=as_tuple, default=None
    )
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        rows, cols = self.view(spec).inner
        count = min(rows, cols)
        if self.values is not None and len(self.values) != count:
            yield (
                f"Spectrum got {len(self.values)} values, and a matrix of shape "
                f"({rows}, {cols}) has {count} singular values."
            )

    def _values(self, count: int, dtype: DTypeLike) -> Array:
        real = jnp.finfo(dtype).dtype
        if self.values is not None:
            values = jnp.asarray(self.values, real)
        else:
            order = np.log(np.arange(1, count + 1))
            power = jnp.asarray(self.power, real)
            values = jnp.exp(-power * jnp.asarray(order, real))
        return values * jnp.asarray(self.gain, real)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        left_key, right_key = jax.random.split(key)
        count = min(rows, cols)
        left = haar(left_key, rows, count, dtype)
        right = haar(right_key, count, cols, dtype)
        values = self._values(count, dtype).astype(dtype)
        return (left * values[None, :]) @ right

    def moments(self, spec: ParamSpec) -> Moments:
        # Computed in numpy: a plan asks for moments of thousands of parameters.
        rows, cols = self.view(spec).inner
        count = min(rows, cols)
        power = float(self.power)
        values = np.arange(1, count + 1, dtype=np.float64) ** -power
        values = np.asarray(self.values) if self.values is not None else values
        total = float((values**2).sum()) * float(self.gain) ** 2
        return Moments(0.0, math.sqrt(total / max(rows * cols, 1)))
