"""Kernels for a pixel shuffle."""

import math
from collections.abc import Sequence
from typing import Literal

import equinox as eqx
import jax.numpy as jnp

from ..._laws.law import Moments
from ..._parameters.pieces import position_of, with_sizes
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key, Natural, RoleName
from ..fans import HeNormal
from ..initializer import AbstractInitializer, Parts
from .combinator import AbstractComposite, accept


class ICNR(AbstractComposite):
    r"""For a convolution before a pixel shuffle: no checkerboard at initialisation.

    The kernel of one sub-pixel is drawn and copied to all $r^d$ of them, so that
    shuffling the output equals enlarging (nearest neighbour) that of a convolution with
    the drawn kernel.

    **Arguments:**

    - `init`: what draws that kernel; its fan_out is that of the small convolution.
    - `upscale`: the enlargement $r$ along each axis.
    - `order`: how the shuffle counts output channels: `"channel first"` for torch's
        $c\,r^d + i$, `"pixel first"` for TensorFlow's $i\,C + c$.

    Aitken et al., Checkerboard artifact free sub-pixel convolution, arXiv:1707.02937.
    """

    init: AbstractInitializer = HeNormal()
    upscale: Natural = eqx.field(static=True, default=2)
    order: Literal["channel first", "pixel first"] = eqx.field(
        static=True, default="channel first"
    )

    def __check_init__(self) -> None:
        accept("ICNR", self.init)

    @property
    def roles(self) -> tuple[RoleName, ...]:  # pyright: ignore
        return self.init.roles

    def parts(self, spec: ParamSpec) -> Parts:
        return [(self.init, self._small(spec))]

    def part_key(self, key: Key, index: int) -> Key:
        del index
        return key

    def _copies(self, spec: ParamSpec) -> int:
        return self.upscale ** len(spec.known_axes.sizes("kernel"))

    def _small(self, spec: ParamSpec) -> ParamSpec:
        position, copies = position_of(spec, "out"), self._copies(spec)
        out = spec.known_axes.split_shape[position]
        groups = math.prod(spec.known_axes.sizes("group"))
        if out % copies or (groups > 1 and self.order == "pixel first"):
            raise ValueError(
                f"ICNR({self.upscale}) copies each kernel {copies} times, and this "
                f"convolution has {out} outputs a group in {groups} groups. Outputs "
                'have to divide, and `order="pixel first"` takes no groups.'
            )
        return with_sizes(spec, {position: out // copies})

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        del key
        small, position = self._small(spec), position_of(spec, "out")
        kernel = drawn[0].reshape(small.known_axes.split_shape)
        copies = self._copies(spec)
        if self.order == "channel first":
            copied = jnp.repeat(kernel, copies, axis=position)
        else:
            copied = jnp.concatenate([kernel] * copies, axis=position)
        return copied.reshape(spec.shape)

    def moments(self, spec: ParamSpec) -> Moments | None:
        return self.init.moments(self._small(spec))
