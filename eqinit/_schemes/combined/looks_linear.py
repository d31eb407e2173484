"""Kernels made of a matrix and its negative."""

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

import equinox as eqx
import jax.numpy as jnp

from ..._laws.law import Moments
from ..._parameters.pieces import position_of, with_sizes
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key, RoleName
from ..initializer import AbstractInitializer, Parts
from ..orthogonal import Orthogonal
from .combinator import AbstractComposite, accept


Mirror: TypeAlias = Literal["both", "out", "in"]
_HALVED: dict[str, tuple[str, ...]] = {
    "both": ("out", "in"),
    "out": ("out",),
    "in": ("in",),
}


class LooksLinear(AbstractComposite):
    r"""A ReLU network that is exactly linear at initialisation.

    $$W = \begin{pmatrix} A & -A \\ -A & A \end{pmatrix}, \qquad
    W = \begin{pmatrix} A \\ -A \end{pmatrix}, \qquad
    W = \begin{pmatrix} A & -A \end{pmatrix}$$

    for layers between, for the first and for the last. ReLU then sees every
    pre-activation with both signs, and $A\,\text{relu}(z) - A\,\text{relu}(-z) = A z$:
    the network computes the product of its $A$s (biases zero).

    **Arguments:**

    - `init`: what draws $A$, as a kernel of half the size.
    - `mirror`: `"both"` between, `"out"` for the first layer, `"in"` for the last.

    Balduzzi et al., The shattered gradients problem, arXiv:1702.08591.
    """

    init: AbstractInitializer = Orthogonal()
    mirror: Mirror = eqx.field(static=True, default="both")
    roles: ClassVar[tuple[RoleName, ...]] = ("kernel",)

    def __check_init__(self) -> None:
        accept("LooksLinear", self.init)

    def parts(self, spec: ParamSpec) -> Parts:
        return [(self.init, self._half(spec))]

    def part_key(self, key: Key, index: int) -> Key:
        del index
        return key

    def _half(self, spec: ParamSpec) -> ParamSpec:
        halves: dict[int, int] = {}
        for name in _HALVED[self.mirror]:
            position = position_of(spec, name)
            size = spec.known_axes.split_shape[position]
            if size % 2:
                raise ValueError(
                    f"LooksLinear halves `{name}`, which has {size} entries here. Use "
                    'an even width, or `mirror="out"` for the first and `mirror="in"` '
                    "for the last layer."
                )
            halves[position] = size // 2
        return with_sizes(spec, halves)

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        del key
        half = self._half(spec)
        whole = drawn[0].reshape(half.known_axes.split_shape)
        for name in _HALVED[self.mirror]:
            axis = position_of(spec, name)
            whole = jnp.concatenate([whole, -whole], axis=axis)
        return whole.reshape(spec.shape)

    def moments(self, spec: ParamSpec) -> Moments | None:
        inner = self.init.moments(self._half(spec))
        return None if inner is None else Moments(0.0, math.hypot(*inner))
