"""Weights of transformers, scaled by width and depth."""

from typing import ClassVar

import equinox as eqx

from .._laws.law import LocScale
from .._parameters.spec import ParamSpec
from .._typing import RoleName, ScalarLike
from .checks import choice, positive
from .initializer import AbstractLawInitializer
from .variance_scaling import BASES, Distribution, base_of, scaled_law


def _check(name: str, dim: int | None, distribution: Distribution) -> None:
    if dim is not None:
        positive(name, dim=dim)
    if isinstance(distribution, str):
        choice(name, "distribution", distribution, tuple(BASES))


def _width_law(
    moment: ScalarLike, dim: int | None, distribution: Distribution, spec: ParamSpec
) -> LocScale:
    """Mean 0 and variance `moment / dim`, where `dim` is a width and not a fan."""
    width = spec.fan("fan_in") if dim is None else dim
    return scaled_law(base_of(distribution), moment / width, spec)


class SmallInit(AbstractLawInitializer):
    r"""Standard deviation $\sqrt{2 / (5 d)}$, for a model of width $d$.

    **Arguments:**

    - `dim`: the width $d$; the fan_in if left out, which is the same for a layer that
        reads the residual stream.
    - `distribution`: `"normal"`, `"truncated_normal"` (at two sigma), `"uniform"` or
        any base distribution: all have the std above. (xlstm_jax's truncated one has
        0.88 of it.)

    Nguyen and Salazar, Transformers without tears, arXiv:1910.05895.
    """

    dim: int | None = eqx.field(static=True, default=None)
    distribution: Distribution = eqx.field(static=True, default="normal")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def __check_init__(self) -> None:
        _check("SmallInit", self.dim, self.distribution)

    def law(self, spec: ParamSpec) -> LocScale:
        return _width_law(2 / 5, self.dim, self.distribution, spec)


class Wang(AbstractLawInitializer):
    r"""Standard deviation $2 / (L \sqrt d)$, for the last layer of a residual branch.

    **Arguments:**

    - `num_blocks`: $L$, the number of residual branches: blocks, or twice that where a
        block has two (xlstm_jax's `wang2`).
    - `dim`, `distribution`: as [`eqinit.SmallInit`][].

    From GPT-J and GPT-NeoX; there is no paper.
    """

    num_blocks: ScalarLike
    dim: int | None = eqx.field(static=True, default=None)
    distribution: Distribution = eqx.field(static=True, default="normal")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def __check_init__(self) -> None:
        _check("Wang", self.dim, self.distribution)
        positive("Wang", num_blocks=self.num_blocks)

    def law(self, spec: ParamSpec) -> LocScale:
        moment = (2 / self.num_blocks) ** 2
        return _width_law(moment, self.dim, self.distribution, spec)
