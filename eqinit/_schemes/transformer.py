"""Weights of transformers, scaled by width and depth."""

from typing import ClassVar

import equinox as eqx

from .._laws.families import LocScale
from .._parameters.spec import ParamSpec
from .._typing import Natural, Positive, RoleName, ScalarLike
from .centred import Distribution, centred
from .initializer import AbstractLawInitializer


def _width_law(
    moment: ScalarLike, dim: int | None, distribution: Distribution, spec: ParamSpec
) -> LocScale:
    """Mean 0 and variance `moment / dim`, where `dim` is a width and not a fan."""
    width = spec.fan("fan_in") if dim is None else dim
    return centred(distribution, moment / width, spec)


class SmallInit(AbstractLawInitializer):
    r"""Standard deviation $\sqrt{2 / (5 d)}$, for a model of width $d$.

    **Arguments:**

    - `dim`: the width $d$; the fan_in if left out, which is the same for a layer that
        reads the residual stream.
    - `distribution`: as in [`eqinit.LecunNormal`][]; all have the std above.
        (xlstm_jax's truncated one has 0.88 of it.)

    Nguyen and Salazar, Transformers without tears, arXiv:1910.05895.
    """

    dim: Natural | None = eqx.field(static=True, default=None)
    distribution: Distribution = eqx.field(static=True, default="normal")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def law(self, spec: ParamSpec) -> LocScale:
        return _width_law(2 / 5, self.dim, self.distribution, spec)


class Wang(AbstractLawInitializer):
    r"""Standard deviation $2 / (L \sqrt d)$, for the last layer of a residual branch.

    **Arguments:**

    - `num_layers`: $L$, the number of residual branches: blocks, or twice that where a
        block has two (xlstm_jax's `wang2`).
    - `dim`: the width $d$, as in [`eqinit.transformer.SmallInit`][].
    - `distribution`: as in [`eqinit.LecunNormal`][].

    From GPT-J and GPT-NeoX; there is no paper.
    """

    num_layers: Positive
    dim: Natural | None = eqx.field(static=True, default=None)
    distribution: Distribution = eqx.field(static=True, default="normal")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def law(self, spec: ParamSpec) -> LocScale:
        moment = (2 / self.num_layers) ** 2
        return _width_law(moment, self.dim, self.distribution, spec)
