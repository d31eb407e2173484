"""Every entry from one of several schemes."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._laws.law import Moments
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key, Number, RoleName
from ..initializer import AbstractInitializer, cast
from .combinator import accept, widened
from .split import mixed


class Mixture(AbstractInitializer):
    """Each entry follows one of several schemes, chosen at random.

    `Mixture((Normal(0.01), Normal(1.0)), weights=(0.9, 0.1))`: a tenth of the entries
    is large.

    **Arguments:**

    - `inits`: the schemes; all are drawn in full, and each entry takes one of them.
    - `weights`: how often each is chosen, up to a common factor; equally if left out.
    """

    inits: tuple[AbstractInitializer, ...]
    weights: tuple[float, ...] = eqx.field(static=True)

    def __init__(
        self,
        inits: Sequence[AbstractInitializer],
        weights: Sequence[Number] | None = None,
    ) -> None:
        self.inits = tuple(inits)
        said = [1.0] * len(self.inits) if weights is None else weights
        self.weights = tuple(float(weight) for weight in said)

    def __check_init__(self) -> None:
        for init in self.inits:
            accept("Mixture", init)
        fit = len(self.weights) == len(self.inits) > 0
        if not fit or min(self.weights) < 0 or sum(self.weights) == 0:
            raise ValueError(
                f"Mixture got {len(self.inits)} initializers and weights "
                f"{list(self.weights)}; pass one weight each, none negative, not all 0."
            )

    @property
    def roles(self) -> tuple[RoleName, ...]:  # pyright: ignore
        made_for = [set(init.roles) for init in self.inits if init.roles]
        common = set[RoleName].intersection(*made_for) if made_for else set()
        return tuple(sorted(common))

    def check(self, spec: ParamSpec) -> None:
        for init in self.inits:
            init.check(widened(spec))

    def moments(self, spec: ParamSpec) -> Moments | None:
        return mixed([init.moments(spec) for init in self.inits], self.weights)

    def draw(self, key: Key, spec: ParamSpec) -> Array:
        if spec.size == 0:
            return jnp.zeros(spec.shape, spec.dtype)
        keys = [jax.random.fold_in(key, i) for i in range(len(self.inits) + 1)]
        edges = np.cumsum(self.weights) / sum(self.weights)
        uniform = jax.random.uniform(keys[-1], spec.shape, jnp.float32)
        wide = widened(spec)
        drawn = self.inits[-1].draw(keys[len(self.inits) - 1], wide)
        for i in reversed(range(len(self.inits) - 1)):
            below = uniform < jnp.float32(edges[i])
            drawn = jnp.where(below, self.inits[i].draw(keys[i], wide), drawn)
        return cast(drawn, spec.dtype)
