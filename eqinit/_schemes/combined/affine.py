"""Entry by entry: scaled, shifted, clipped, folded, rounded."""

import math
from collections.abc import Iterator
from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import number, ordered
from ..._laws.exact import affine
from ..._laws.law import AbstractLaw, Moments
from ..._parameters.spec import ParamSpec
from ..._typing import Array, DTypeLike, Entries, Finite, Key, ScalarLike
from ..checks import broadcasts, near, number_dtype
from ..initializer import AbstractInitializer, cast
from .combinator import AbstractCombinator, real_only, spread


class Scaled(AbstractCombinator):
    r"""`factor` times what another scheme draws.

    `Scaled(HeNormal(), 0.5)`; `Scaled(GlorotNormal(), 1 / math.sqrt(2 * depth))`.

    **Arguments:**

    - `init`: any initializer.
    - `factor`: a number, or an array that broadcasts to the parameter.
    """

    init: AbstractInitializer
    factor: Entries

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from broadcasts("Scaled", "a factor", np.shape(self.factor), spec)

    def law(self, spec: ParamSpec) -> AbstractLaw | None:
        law = self.init.law(spec)
        is_number = np.ndim(self.factor) == 0
        return law.scaled(self.factor) if law is not None and is_number else None

    def moments(self, spec: ParamSpec) -> Moments | None:
        inner = self.init.moments(spec)
        if inner is None:
            return None
        factor = np.asarray(self.factor, np.float64)
        # Over the entries, a factor that varies spreads the mean as well.
        second = float((factor**2).mean()) * (inner.std**2 + inner.mean**2)
        mean = float(factor.mean()) * inner.mean
        if factor.ndim == 0:
            return Moments(mean, abs(float(factor)) * inner.std)
        return Moments(mean, math.sqrt(max(second - mean**2, 0.0)))

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        return drawn * spread(self.factor, drawn)


class Shifted(AbstractCombinator):
    r"""What another scheme draws, plus `offset`.

    `Shifted(Normal(0.02), 1.0)`: the scale of a norm, near one.

    **Arguments:**

    - `init`: any initializer.
    - `offset`: a number, or an array that broadcasts to the parameter.
    """

    init: AbstractInitializer
    offset: Entries

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from broadcasts("Shifted", "an offset", np.shape(self.offset), spec)

    def law(self, spec: ParamSpec) -> AbstractLaw | None:
        law = self.init.law(spec)
        is_number = np.ndim(self.offset) == 0
        return law.shifted(self.offset) if law is not None and is_number else None

    def moments(self, spec: ParamSpec) -> Moments | None:
        inner = self.init.moments(spec)
        if inner is None:
            return None
        offset = np.asarray(self.offset, np.float64)
        variance = inner.std**2 + float(offset.var())
        return Moments(inner.mean + float(offset.mean()), math.sqrt(variance))

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        return drawn + spread(self.offset, drawn)


class Clipped(AbstractCombinator):
    """What another scheme draws, moved to the nearer bound where it is outside.

    The bounds become point masses: to draw *inside* of bounds instead, use
    `Uniform(lower, upper)`, `TruncatedNormal` or [`eqinit.Stretched`][].

    **Arguments:**

    - `init`: any initializer of real parameters.
    - `lower`, `upper`: bounds; `None` for none.
    """

    init: AbstractInitializer
    lower: Annotated[ScalarLike, number] | None = None
    upper: Annotated[ScalarLike, number] | None = None

    def conflicts(self) -> Iterator[str]:
        yield from ordered("Clipped", strict=False, lower=self.lower, upper=self.upper)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from real_only("Clipped", spec)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        if self.lower is not None:
            drawn = jnp.maximum(drawn, spread(self.lower, drawn))
        if self.upper is not None:
            drawn = jnp.minimum(drawn, spread(self.upper, drawn))
        return drawn


class Stretched(AbstractCombinator):
    r"""What another scheme draws, moved and stretched to span exactly
    $[\text{lower}, \text{upper}]$.

    $w \mapsto \text{lower} + u\,(\text{upper} - \text{lower})$ with
    $u = (w - \min w)/(\max w - \min w)$ over the whole array. An array whose entries
    are all equal becomes `lower`.

    **Arguments:**

    - `init`: any initializer of real parameters.
    - `lower`, `upper`: the smallest and the largest entry afterwards.
    """

    init: AbstractInitializer
    lower: Finite = 0.0
    upper: Finite = 1.0

    def conflicts(self) -> Iterator[str]:
        yield from ordered(type(self).__name__, lower=self.lower, upper=self.upper)
        yield from near("Stretched", lower=self.lower, upper=self.upper)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from real_only("Stretched", spec)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        low, high = jnp.min(drawn), jnp.max(drawn)
        width = jnp.where(high == low, jnp.ones_like(high), high - low)
        unit = (drawn - low) / width
        lower, upper = (spread(v, drawn) for v in (self.lower, self.upper))
        # So written, the largest entry is `upper` to the last bit.
        return jnp.where(unit == 1, upper, affine(unit, upper - lower, lower))


class Abs(AbstractCombinator):
    """The modulus of what another scheme draws.

    **Arguments:**

    - `init`: any initializer of real parameters.
    """

    init: AbstractInitializer

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        yield from real_only("Abs", spec)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        return jnp.abs(drawn)


class Rounded(AbstractCombinator):
    """What another scheme draws, rounded to the values of a narrower dtype.

    The parameter keeps its own dtype: `Rounded(HeNormal(), "bfloat16")` gives a float32
    parameter the values that a bfloat16 copy of the model would have.

    **Arguments:**

    - `init`: any initializer.
    - `dtype`: name of the dtype to round to.
    """

    init: AbstractInitializer
    dtype: str = eqx.field(static=True)

    def __init__(self, init: AbstractInitializer, dtype: DTypeLike) -> None:
        self.init = init
        self.dtype = number_dtype("Rounded", dtype)

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        complex_to = bool(jnp.issubdtype(self.dtype, jnp.complexfloating))
        if spec.is_complex != complex_to:
            yield (
                f"Rounded keeps {self.dtype}, and the parameter is {spec.dtype}: both "
                "have to be complex, or neither."
            )

    def moments(self, spec: ParamSpec) -> Moments | None:
        floating = jnp.issubdtype(self.dtype, jnp.inexact)
        return self.init.moments(spec) if floating else None

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key, spec
        # Of 32 bits where jax has no more: `int` and `float` mean 64 to numpy.
        narrow = jax.dtypes.canonicalize_dtype(self.dtype)
        return cast(cast(drawn, narrow), drawn.dtype)
