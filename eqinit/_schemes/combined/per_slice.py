"""Another scale for every slice of a stack: depth inside of scanned layers."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import whole
from ..._laws.base import Bounds
from ..._laws.law import AbstractLaw, Moments
from ..._parameters.spec import ParamSpec
from ..._typing import Array, DTypeLike, Entries, Finite, Key, ScalarLike, Shape
from ..initializer import AbstractInitializer
from .combinator import AbstractCombinator, spread


def _hashable(factors: Any) -> Any:
    return tuple(factors) if isinstance(factors, list) else factors


class PerSlice(AbstractCombinator):
    r"""What another scheme draws, times a factor of its own for every slice.

    Blocks that are stacked for `scan` or `vmap` are one array `(blocks, out, in)`, and
    a path or an index cannot tell them apart. `PerSlice` can:

    ```python
    Rule("blocks.out_proj", weight=PerSlice(Normal(0.02), lambda i, n: (i + 1) ** -0.5))
    Rule("blocks.out_proj", weight=PerSlice(Normal(0.02), [1.0, 0.7, 0.5]))
    ```

    **Arguments:**

    - `init`: any initializer; it draws all slices, each with numbers of its own.
    - `factors`: one per slice, or a function of `(index, count)`.
    - `axis`: which slices: `0` for the outermost stack, `1` for the one inside of it,
        or the name of an independent axis of the layout, such as `"expert"`.
    """

    init: AbstractInitializer
    factors: Entries | tuple[Finite, ...] | Callable[[int, int], ScalarLike] = (
        eqx.field(converter=_hashable)
    )
    axis: Annotated[int, whole] | str = eqx.field(static=True, default=0)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        self._factors(spec)
        yield from ()

    def law(self, spec: ParamSpec) -> AbstractLaw | None:
        inner = self.init.law(spec)
        if inner is None:
            return None
        factors = self._factors(spec)
        # A slice that is zero everywhere has no spread to normalise by.
        if isinstance(factors, jax.Array) or not np.all(factors):
            return None
        return PerSliceLaw(inner, factors)

    def moments(self, spec: ParamSpec) -> Moments | None:
        inner = self.init.moments(spec)
        if inner is None:
            return None
        return _scaled(inner, np.asarray(self._factors(spec), np.float64))

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key
        return drawn * spread(self._factors(spec), drawn)

    def _factors(self, spec: ParamSpec) -> jax.Array | np.ndarray:
        """An array that broadcasts to the parameter."""
        position = self._position(spec)
        split = spec.known_axes.split_shape
        count = split[position]
        said = self.factors
        if callable(said):
            said = [said(i, count) for i in range(count)]
        stacked = _stacked(said)
        if np.shape(stacked) != (count,):
            raise ValueError(
                f"PerSlice has factors of shape {np.shape(stacked)}, and there are "
                f"{count} slices along {self.axis!r}. Pass one each, or a function "
                "`lambda i, n: ...`."
            )
        own = [count if i == position else 1 for i in range(len(split))]
        if len(split) == len(spec.shape):
            return stacked.reshape(own)
        # A factor of a longer axis, such as the heads of `(head out) in`.
        numpy = jnp if isinstance(stacked, jax.Array) else np
        return numpy.broadcast_to(stacked.reshape(own), split).reshape(spec.shape)

    def _position(self, spec: ParamSpec) -> int:
        axes = spec.known_axes
        if isinstance(self.axis, int):
            if not 0 <= self.axis < len(axes.stack):
                raise ValueError(
                    f"PerSlice(axis={self.axis}): this parameter of shape {spec.shape} "
                    f"and axes `{axes.text}` has {len(axes.stack)} stacks of layers. "
                    "Use it on layers stacked by `vmap` or for `scan`, or name an "
                    'axis: `axis="expert"`.'
                )
            return self.axis
        found = [p for p in axes.positions(self.axis) if p in axes.independent()]
        if not found:
            raise ValueError(
                f"PerSlice(axis={self.axis!r}): axes `{axes.text}` have no independent "
                "axis of this name."
            )
        return found[0]


def _stacked(factors: Any) -> jax.Array | np.ndarray:
    values = factors if isinstance(factors, (list, tuple)) else [factors]
    if any(isinstance(value, jax.Array) for value in values):
        return jnp.asarray(factors)
    return np.asarray(factors, np.float64)


@dataclasses.dataclass(frozen=True, eq=False)
class PerSliceLaw(AbstractLaw):
    """A law times `factors`, none of them zero, which broadcast to the parameter."""

    inner: AbstractLaw
    factors: np.ndarray

    def sample(self, key: Key, shape: Shape, dtype: DTypeLike) -> Array:
        factors = jnp.asarray(self.factors, dtype)
        return self.inner.sample(key, shape, dtype) * jnp.broadcast_to(factors, shape)

    def moments(self, is_complex: bool = False) -> Moments:
        return _scaled(self.inner.moments(is_complex), self.factors)

    def normalise(self, values: np.ndarray, is_complex: bool) -> np.ndarray:
        return self.inner.normalise(values / self.factors, is_complex)

    def normalised(self, is_complex: bool) -> tuple[float, float, float]:
        return self.inner.normalised(is_complex)

    def support(self) -> Bounds | None:
        return self._each(self.inner.support())

    def farthest(self, dtype: DTypeLike) -> Bounds | None:
        return self._each(self.inner.farthest(dtype))

    def _each(self, bounds: Bounds | None) -> Bounds | None:
        if bounds is None or not self.factors.size:
            return None
        ends = np.multiply.outer(bounds, self.factors)
        return float(ends.min()), float(ends.max())


def _scaled(moments: Moments, factors: np.ndarray) -> Moments:
    """Over all entries: a factor that varies spreads the mean as well."""
    if not factors.size:
        return moments
    mean, most = moments.mean * float(factors.mean()), float(np.abs(factors).max())
    if math.isinf(moments.std):  # Cauchy's, which has no mean
        return Moments(mean, math.inf)
    # Roots and no squares, which may be too large for any float.
    share = math.sqrt(float(((factors / most) ** 2).mean())) if most else 0.0
    size = math.hypot(moments.std, moments.mean) * most * share
    spread = math.sqrt(max(size - abs(mean), 0.0))
    return Moments(mean, spread * math.sqrt(size + abs(mean)))
