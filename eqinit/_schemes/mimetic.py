"""Attention that starts out looking like trained attention."""

from collections.abc import Iterator
from typing import ClassVar, Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp

from .._parameters.paths import parent
from .._parameters.spec import ParamSpec
from .._typing import Array, DTypeLike, Finite, Key, Natural, RoleName
from .initializer import AbstractMatrixInitializer


Part: TypeAlias = Literal["query", "key", "value", "output"]
# alpha and beta where none are given: attention towards the token itself, and a value
# path that takes some of it away.
_STRENGTH: dict[Part, tuple[float, float]] = {
    "query": (0.7, 0.7),
    "key": (0.7, 0.7),
    "value": (0.4, -0.4),
    "output": (0.4, -0.4),
}


class Mimetic(AbstractMatrixInitializer):
    r"""Attention weights that look like trained ones: two factors of one matrix.

    With $A = \alpha Z + \beta I = U S V^\top$ and $Z_{ij} \sim \mathcal N(0, 1/d)$,
    query and key of a head of width $k$ are $W_q = (U \sqrt S)_{:, :k}^\top$ and
    $W_k = (V \sqrt S)_{:, :k}^\top$, so that $W_q^\top W_k$ is the best rank-$k$
    approximation of $A$; value and output are $W_o = U\sqrt S$ and
    $W_v = \sqrt S V^\top$, so that $W_o W_v = A$. (Weights are stored `out in`. The
    code in circulation multiplies the other way round, which gives another matrix.)

    The two factors share their randomness: both take the key of the layer `up` levels
    above the weight. With the attention as `attn.query_proj.weight` that is `attn`.

    **Arguments:**

    - `part`: `"query"`, `"key"`, `"value"` or `"output"`.
    - `alpha`, `beta`: as above; by default 0.7, 0.7 for query and key and 0.4, -0.4 for
        value and output.
    - `heads`: number of heads whose queries (or keys) are concatenated.
    - `up`: levels from the weight to what holds both factors.

    Trockman and Kolter, Mimetic initialization of self-attention layers,
    arXiv:2305.09828.
    """

    part: Part = eqx.field(static=True)
    alpha: Finite | None = None
    beta: Finite | None = None
    heads: Natural = eqx.field(static=True, default=1)
    up: Natural = eqx.field(static=True, default=2)
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def key_path(self, path: str) -> str:
        return parent(path, self.up)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        rows, cols = self.view(spec).inner
        inner, width = self._sizes(rows, cols)
        if inner % self.heads or inner // self.heads > width:
            yield (
                f"Mimetic has {self.heads} heads and a {self.part} weight of "
                f"{rows} x {cols} (out x in): the {inner} inner features "
                f"must split into heads of at most {width}. Pass `heads=`."
            )

    def _sizes(self, rows: int, cols: int) -> tuple[int, int]:
        """(inner features of all heads, width of the stream)."""
        return (cols, rows) if self.part == "output" else (rows, cols)

    def matrix(self, key: Key, rows: int, cols: int, dtype: DTypeLike) -> Array:
        inner, width = self._sizes(rows, cols)
        attends = self.part in ("query", "key")
        # Value and output meet over all heads at once, queries and keys head by head.
        heads = self.heads if attends else 1
        keys = jax.random.split(jax.random.fold_in(key, int(attends)), heads)

        def one(key: Key) -> Array:
            left, right = self._factors(key, width, dtype)
            return left.T if self.part in ("query", "output") else right

        factors = jax.lax.map(lambda k: one(k)[: inner // heads], keys)
        stacked = factors.reshape(inner, width)
        return stacked.T if self.part == "output" else stacked

    def _factors(self, key: Key, width: int, dtype: DTypeLike) -> tuple[Array, Array]:
        """L and R with L R = alpha Z + beta I, columns of L by singular value."""
        alpha, beta = (
            jnp.asarray(default if given is None else given, dtype)
            for given, default in zip(
                (self.alpha, self.beta), _STRENGTH[self.part], strict=True
            )
        )
        noise = jax.random.normal(key, (width, width), dtype)
        noise = noise / jnp.asarray(width, dtype) ** 0.5
        u, s, vt = jnp.linalg.svd(alpha * noise + beta * jnp.eye(width, dtype=dtype))
        # A singular vector's sign is free. The two factors are drawn apart, in programs
        # that may round apart, and must not choose differently.
        largest = jnp.argmax(jnp.abs(u), axis=0)
        sign = jnp.where(u[largest, jnp.arange(width)] < 0, -1, 1).astype(dtype)
        root = jnp.sqrt(s)
        return u * (sign * root)[None], (sign * root)[:, None] * vt
