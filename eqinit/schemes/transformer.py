"""Weights of transformers, scaled by width and depth."""

import abc
from typing import ClassVar, Literal, TypeAlias

import equinox as eqx

from .._initializer import AbstractInitializer, AbstractLawInitializer
from .._law import LocScale
from .._spec import ParamSpec
from .._typing import RoleName, ScalarLike, checked
from ._checks import choice, positive
from .constant import Zeros
from .variance_scaling import BASES, Distribution, base_of, scaled_law


class AbstractWidthScaled(AbstractLawInitializer):
    """Mean 0 and variance `moment / dim`, where `dim` is a width and not a fan.

    `dim` is the model's width; left out it is the parameter's fan_in, which is the same
    for a layer that reads the residual stream.
    """

    dim: eqx.AbstractVar[int | None]
    distribution: eqx.AbstractVar[Distribution]
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel", "embedding")

    def __check_init__(self) -> None:
        name = type(self).__name__
        if self.dim is not None:
            positive(name, dim=self.dim)
        if isinstance(self.distribution, str):
            choice(name, "distribution", self.distribution, tuple(BASES))

    @abc.abstractmethod
    def moment(self) -> ScalarLike:
        """The variance at a width of one."""

    def law(self, spec: ParamSpec) -> LocScale:
        dim = spec.fan("fan_in") if self.dim is None else self.dim
        return scaled_law(base_of(self.distribution), self.moment() / dim, spec)


class SmallInit(AbstractWidthScaled):
    r"""Standard deviation $\sqrt{2 / (5 d)}$, for a model of width $d$.

    **Arguments:**

    - `dim`: the width $d$; the fan_in if left out.
    - `distribution`: `"normal"`, `"truncated_normal"` (at two sigma), `"uniform"` or
        any base distribution: all have the std above. (xlstm_jax's truncated one has
        0.88 of it.)

    Nguyen and Salazar, Transformers without tears, arXiv:1910.05895.
    """

    dim: int | None = eqx.field(static=True, default=None)
    distribution: Distribution = eqx.field(static=True, default="normal")

    def moment(self) -> ScalarLike:
        return 2 / 5


class Wang(AbstractWidthScaled):
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

    def moment(self) -> ScalarLike:
        return (2 / self.num_blocks) ** 2


CommonName: TypeAlias = Literal["small", "wang", "wang2", "zeros"]


@checked
def common_init(
    name: CommonName,
    dim: int | None = None,
    num_blocks: ScalarLike = 1,
    distribution: Distribution = "normal",
) -> AbstractInitializer:
    """One of the four usual initializers of a transformer, by name.

    **Arguments:**

    - `name`: `"small"`, `"wang"`, `"wang2"` (two branches a block) or `"zeros"`.
    - `dim`: the model's width; each parameter's fan_in if left out.
    - `num_blocks`: the number of blocks.
    - `distribution`: as [`eqinit.SmallInit`][].

    **Returns:** an [`eqinit.SmallInit`][], [`eqinit.Wang`][] or [`eqinit.Zeros`][].
    """
    if name == "zeros":
        return Zeros()
    if name == "small":
        return SmallInit(dim=dim, distribution=distribution)
    branches = 2 if name == "wang2" else 1
    blocks = branches * num_blocks
    return Wang(num_blocks=blocks, dim=dim, distribution=distribution)
