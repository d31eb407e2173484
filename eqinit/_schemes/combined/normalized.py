"""Sums and norms made exact."""

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

import equinox as eqx
import jax.numpy as jnp

from ..._checks import whole
from ..._parameters.pieces import position_of
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Finite, Key
from ..initializer import AbstractInitializer
from .combinator import AbstractCombinator, real_only, spread


Norm: TypeAlias = Literal["l2", "l1", "max", "sum"]


class Normalized(AbstractCombinator):
    r"""What another scheme draws, divided so that a norm or a sum is `target`.

    `Normalized(Uniform(0.0, 1.0), over="in", by="sum")`: averaging weights, which add
    up to one for every output. `Normalized(Normal(1.0), over=("in", "kernel"))`: rows
    of length one.

    **Arguments:**

    - `init`: any initializer.
    - `over`: the axes that are *summed*, by name (`"in"`, `"kernel"`, `"out"`, ...) or
        by number; `None` for all of them.
    - `by`: `"l2"`, `"l1"`, `"max"` (largest modulus), or `"sum"`, which is meant for
        draws of one sign.
    - `target`: what the norm or the sum is afterwards.

    Where it is zero (a row of a sparse draw without any entry) nothing is divided and
    the zeros stay; `Sparse(..., connected=True)` leaves no such row.
    """

    init: AbstractInitializer
    over: tuple[str | Annotated[int, whole], ...] | None = eqx.field(static=True)
    by: Norm = eqx.field(static=True)
    target: Finite

    def __init__(
        self,
        init: AbstractInitializer,
        over: str | int | tuple[str | int, ...] | None = None,
        by: Norm = "l2",
        target: Finite = 1.0,
    ) -> None:
        self.init = init
        self.over = (over,) if isinstance(over, (str, int)) else over
        self.by, self.target = by, target

    def problems(self, spec: ParamSpec) -> Iterator[str]:
        self._axes(spec)
        if self.by == "sum":
            yield from real_only('Normalized(by="sum")', spec)

    def _axes(self, spec: ParamSpec) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shape to look at, and which of its axes are summed."""
        over = self.over
        if over is None:
            return spec.shape, tuple(range(len(spec.shape)))
        numbers = tuple(i for i in over if isinstance(i, int))
        names = tuple(i for i in over if isinstance(i, str))
        if numbers and names:
            raise ValueError(
                f"Normalized got over={over}; name the axes or number them, not both."
            )
        if not names:
            wrong = [i for i in numbers if not -len(spec.shape) <= i < len(spec.shape)]
            if wrong:
                raise ValueError(
                    f"Normalized sums over axes {wrong}, and the parameter's shape is "
                    f"{spec.shape}."
                )
            return spec.shape, tuple(i % len(spec.shape) for i in numbers)
        for name in names:
            position_of(spec, name)  # raises for a name that there is not
        axes = spec.known_axes
        return axes.split_shape, axes.positions(*names)

    def change(self, drawn: Array, key: Key, spec: ParamSpec) -> Array:
        del key
        shape, axes = self._axes(spec)
        split = drawn.reshape(shape)
        size = _size(split, axes, self.by)
        size = jnp.where(size == 0, jnp.ones_like(size), size)
        normalised = split / jnp.broadcast_to(size, shape).astype(split.dtype)
        return normalised.reshape(spec.shape) * spread(self.target, drawn)


def _size(array: Array, axes: tuple[int, ...], by: Norm) -> Array:
    if by == "sum":
        return jnp.sum(array, axes, keepdims=True)
    modulus = jnp.abs(array)
    if by == "l1":
        return jnp.sum(modulus, axes, keepdims=True)
    largest = jnp.max(modulus, axes, keepdims=True)
    if by == "max":
        return largest
    # Divided by the largest first: squares of small weights underflow.
    safe = jnp.where(largest == 0, jnp.ones_like(largest), largest)
    ratio = modulus / jnp.broadcast_to(safe, modulus.shape)
    return largest * jnp.sqrt(jnp.sum(ratio * ratio, axes, keepdims=True))
