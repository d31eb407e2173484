"""Whole numbers."""

import math
from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._laws.law import Moments
from .._parameters.spec import ParamSpec
from .._typing import Array, Key
from .initializer import AbstractInitializer


class DiscreteUniform(AbstractInitializer):
    r"""Whole numbers from `low` (included) to `high` (excluded), equally likely.

    Mean $(\text{low} + \text{high} - 1)/2$, variance $(n^2 - 1)/12$ with
    $n = \text{high} - \text{low}$. Also for integer arrays, when called by itself:
    `DiscreteUniform(0, 10)(key, (3, 4), "int8")`.

    **Arguments:**

    - `low`: the smallest number.
    - `high`: one more than the largest.

    **Raises:** `ValueError` where the dtype cannot hold them.
    """

    low: int = eqx.field(static=True, default=0)
    high: int = eqx.field(static=True, default=2)

    def __check_init__(self) -> None:
        if not -(2**31) <= self.low < self.high <= 2**31 - 1:
            raise ValueError(
                f"DiscreteUniform got low={self.low}, high={self.high}; low must be "
                "below high, and both inside of 32 bits."
            )

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        if not jnp.issubdtype(spec.dtype, jnp.integer):
            return
        limits = jnp.iinfo(spec.dtype)
        if self.low < limits.min or self.high - 1 > limits.max:
            yield (
                f"DiscreteUniform({self.low}, {self.high}) does not fit {spec.dtype}, "
                f"which holds {limits.min} to {limits.max}. Use a wider dtype."
            )

    def sample(self, key: Key, spec: ParamSpec) -> Array:
        return jax.random.randint(key, spec.shape, self.low, self.high, np.int32)

    def moments(self, spec: ParamSpec) -> Moments:
        del spec
        count = self.high - self.low
        return Moments((self.low + self.high - 1) / 2, math.sqrt((count**2 - 1) / 12))
