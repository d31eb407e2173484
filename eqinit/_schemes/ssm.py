"""State space models: HiPPO, S4, S4D and S5."""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._laws.exact import one_by_one
from .._laws.families import ConstantLaw
from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._parameters.views import matrices
from .._typing import Array, DTypeLike, Key, Natural, Positive
from .hippo import Alpha, Diagonal, Measure, diagonal, dplr, hippo, unused
from .initializer import AbstractLawInitializer, AbstractMatrixInitializer
from .spaced import AbstractSequence


class Hippo(AbstractLawInitializer):
    r"""The matrix $A$ or the vector $B$ of HiPPO, as [`eqinit.ssm.hippo`][] gives them.

    $A$ fills the last two axes, $B$ the last one (or the last but one of a column
    vector); stacks and channels in front get the same.

    **Arguments:**

    - `measure`: `"legs"`, `"legt"`, `"lagt"`, `"fourier"`, `"lmu"`, `"glagt"` or
        `"tlagt"`.
    - `part`: `"A"` or `"B"`.
    - `alpha`, `beta`: those of the last two, as in [`eqinit.ssm.hippo`][].

    Gu et al., HiPPO, arXiv:2008.07669.
    """

    measure: Measure = eqx.field(static=True, default="legs")
    part: Literal["A", "B"] = eqx.field(static=True, default="A")
    alpha: Alpha | None = eqx.field(static=True, default=None)
    beta: Positive | None = eqx.field(static=True, default=None)

    def conflicts(self) -> Iterator[str]:
        wrong = unused(self.measure, self.alpha, self.beta)
        if wrong:
            yield f'Hippo got {wrong} and measure="{self.measure}", which has none.'

    def law(self, spec: ParamSpec) -> ConstantLaw:
        if not spec.shape:
            raise ValueError("Hippo needs a state axis, and the parameter is a scalar.")
        if spec.size == 0:
            return ConstantLaw(0.0)
        *_, rows, cols = (1, *spec.shape)
        if self.part == "A" and (rows != cols or len(spec.shape) < 2):
            raise ValueError(
                f"Hippo(part='A') is square, and the parameter is {spec.shape}; the "
                "state stands on its last two axes."
            )
        column = self.part == "B" and cols == 1 and len(spec.shape) > 1
        size = rows if column else cols
        a, b = hippo(self.measure, size, alpha=self.alpha, beta=self.beta)
        values = a if self.part == "A" else b[:, None] if column else b
        return ConstantLaw(np.broadcast_to(values, spec.shape))


Stored: TypeAlias = Literal["complex", "real", "imag", "log_real"]
_STORED: dict[str, Any] = {
    "complex": lambda z: z,
    "real": np.real,
    "imag": np.imag,
    "log_real": lambda z: np.log(-np.real(z)),  # the stable parametrization
}


class S4D(AbstractSequence):
    r"""Eigenvalues of a diagonal state space, along the last axis.

    `S4D("lin", "log_real")` and `S4D("lin", "imag")` are the two parameters of an S4D
    layer; `S4D("real", "log_real")`, which is $\ln(n + 1)$, is Mamba's `A_log`.

    **Arguments:**

    - `kind`: `"lin"`, `"inv"`, `"quad"`, `"legs"` or `"real"`, as in
        [`eqinit.ssm.diagonal`][].
    - `stored`: `"complex"` (in a complex parameter, or one with a `pair` axis),
        `"real"`, `"imag"`, or `"log_real"` for $\ln(-\operatorname{Re}\lambda)$.

    Gu et al., On the parameterization and initialization of diagonal state space
    models, arXiv:2206.11893; Gu and Dao, Mamba, arXiv:2312.00752.
    """

    kind: Diagonal = eqx.field(static=True, default="lin")
    stored: Stored = eqx.field(static=True, default="complex")

    def values(self, count: int) -> Any:
        return _STORED[self.stored](diagonal(self.kind, count))


class S4Dplr(AbstractSequence):
    r"""HiPPO-LegS as diagonal plus low rank, along the last axis.

    The $N/2$ entries of each conjugate pair's upper half, in the order of
    [`eqinit.ssm.dplr`][]: eigenvalues $\Lambda$, low-rank factor $P$ or input vector
    $B$.

    **Arguments:**

    - `part`: `"eigenvalues"`, `"low_rank"` or `"input"`.
    - `stored`: as in [`eqinit.ssm.S4D`][].

    Gu et al., Efficiently modeling long sequences with structured state spaces,
    arXiv:2111.00396.
    """

    part: Literal["eigenvalues", "low_rank", "input"] = eqx.field(
        static=True, default="eigenvalues"
    )
    stored: Stored = eqx.field(static=True, default="complex")

    def conflicts(self) -> Iterator[str]:
        if self.stored == "log_real" and self.part != "eigenvalues":
            yield (
                f'S4Dplr got stored="log_real" for the {self.part}, whose real parts '
                'are not all negative; use "complex", "real" or "imag".'
            )

    def values(self, count: int) -> Any:
        form = dplr(2 * count, half=True)
        of = {"low_rank": form.low_rank, "input": form.b}
        return _STORED[self.stored](of.get(self.part, form.eigenvalues))


class S5(AbstractMatrixInitializer):
    r"""Input and output matrices of an S5 layer, in the eigenbasis of HiPPO-LegS.

    $\tilde B = V^* B$ and $\tilde C = C V$ with $B$ and $C$ LeCun normal (variance one
    over their inputs) and $V$ block-diagonal, the vectors of [`eqinit.ssm.dplr`][]; the
    eigenvalues are `S4D("legs")` in each block. In a complex parameter
    `axes="out in"`, or a real one `axes="out in pair=2"`, where the state is `out` for
    $B$ and `in` for $C$. (The authors' code takes the state size as the fan of $B$,
    which is jax's default axis for its transpose.)

    **Arguments:**

    - `part`: `"B"` or `"C"`.
    - `blocks`: number of HiPPO blocks that the state is made of.
    - `half`: whether the state holds one of each conjugate pair.

    Smith et al., Simplified state space layers for sequence modeling,
    arXiv:2208.04933.
    """

    part: Literal["B", "C"] = eqx.field(static=True)
    blocks: Natural = eqx.field(static=True, default=1)
    half: bool = eqx.field(static=True, default=True)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        rows, cols = self.view(spec).inner
        axes = spec.known_axes
        pairs = axes.positions("pair")
        last = len(axes.split_shape) - 1
        if not spec.is_complex and (spec.pair_size != 2 or pairs != (last,)):
            yield (
                f"S5 has complex values and the parameter is {spec.dtype} with axes "
                f'`{axes.text}`: give it `axes="out in pair=2"`.'
            )
        cols //= spec.pair_size
        state = rows if self.part == "B" else cols
        if state % self.blocks:
            yield (
                f"S5 has {self.blocks} blocks and a state of {state}, which does not "
                "divide. Pass another `blocks=`."
            )

    def moments(self, spec: ParamSpec) -> Moments:
        cols = matrices(spec).inner[1] // spec.pair_size
        # Columns of V have length one, so it keeps variances; half a state is a half.
        fan = cols * (2 if self.half and self.part == "C" else 1)
        return Moments(0.0, (max(fan, 1) * spec.pair_size) ** -0.5)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        complexes = jnp.issubdtype(dtype, jnp.complexfloating)
        cols = cols if complexes else cols // 2
        real = jnp.finfo(dtype).dtype
        values = one_by_one(lambda k: self._values(k, rows, cols, real), key)
        if complexes:
            return values.astype(dtype)
        return jnp.stack([values.real, values.imag], -1).reshape(rows, 2 * cols)

    def _values(self, key: Key, rows: int, cols: int, real: DTypeLike) -> Array:
        kept = (rows if self.part == "B" else cols) // self.blocks
        size = 2 * kept if self.half else kept
        complex_dtype = np.result_type(real, np.complex64)
        vectors = jnp.asarray(dplr(size, half=self.half).vectors, complex_dtype)
        if self.part == "B":
            b = jax.random.normal(key, (self.blocks, size, cols), real) * cols**-0.5
            return jnp.einsum(
                "sk,bsh->bkh", vectors.conj(), b.astype(complex_dtype)
            ).reshape(rows, cols)
        scale = (self.blocks * size) ** -0.5
        c = jax.random.normal(key, (rows, self.blocks, size), real) * scale
        return jnp.einsum("hbs,sk->hbk", c.astype(complex_dtype), vectors).reshape(
            rows, cols
        )
