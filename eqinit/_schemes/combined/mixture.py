"""Every entry from one of several schemes."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import non_negative, shown
from ..._laws.law import Moments
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key, Number, RoleName
from ..checks import as_tuple
from ..initializer import AbstractInitializer, Parts
from .combinator import AbstractComposite, accept, common_roles
from .split import mixed


class Mixture(AbstractComposite):
    """Each entry follows one of several schemes, chosen at random.

    `Mixture((Normal(0.01), Normal(1.0)), weights=(0.9, 0.1))`: a tenth of the entries
    is large.

    **Arguments:**

    - `inits`: the schemes; all are drawn in full, and each entry takes one of them.
    - `weights`: how often each is chosen, up to a common factor; equally if left out.
    """

    inits: tuple[AbstractInitializer, ...]
    weights: tuple[Annotated[Number, non_negative], ...] = eqx.field(static=True)

    def __init__(
        self,
        inits: Sequence[AbstractInitializer],
        weights: Sequence[Number] | None = None,
    ) -> None:
        if not isinstance(inits, list | tuple):
            raise TypeError(
                f"Mixture takes a list of initializers, and their weights beside it: "
                f"`Mixture((Normal(0.01), Zeros()), (3, 1))`; got {shown(inits)}."
            )
        self.inits = tuple(inits)
        self.weights = (
            (1.0,) * len(self.inits) if weights is None else as_tuple(weights)
        )

    def __check_init__(self) -> None:
        for init in self.inits:
            accept("Mixture", init)

    def conflicts(self) -> Iterator[str]:
        if not len(self.weights) == len(self.inits) > 0 or sum(self.weights) == 0:
            yield (
                f"Mixture got {len(self.inits)} initializers and weights "
                f"{list(self.weights)}; pass one weight each, not all 0."
            )

    @property
    def roles(self) -> tuple[RoleName, ...]:  # pyright: ignore
        return common_roles(self.inits)

    def parts(self, spec: ParamSpec) -> Parts:
        return [(init, spec) for init in self.inits]

    def moments(self, spec: ParamSpec) -> Moments | None:
        return mixed([init.moments(spec) for init in self.inits], self.weights)

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        edges = np.cumsum(self.weights) / sum(self.weights)
        own_key = self.part_key(key, len(self.inits))
        uniform = jax.random.uniform(own_key, spec.shape, jnp.float32)
        mixed = drawn[-1]
        for edge, other in zip(edges[-2::-1], drawn[-2::-1], strict=True):
            mixed = jnp.where(uniform < jnp.float32(edge), other, mixed)
        return mixed
