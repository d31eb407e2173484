"""Different schemes for different parts of one parameter."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import equinox as eqx
import jax.numpy as jnp

from ..._checks import count, whole
from ..._laws.law import Moments
from ..._parameters.pieces import gate_labels, position_of, with_sizes, without
from ..._parameters.spec import ParamSpec
from ..._typing import Array, Key, Number, RoleName
from ..checks import as_tuple
from ..initializer import AbstractInitializer, Parts
from .combinator import AbstractComposite, accept, common_roles


class AbstractSplit(AbstractComposite):
    """A parameter in pieces: each has a scheme and a key of its own."""

    inits: eqx.AbstractVar[tuple[AbstractInitializer, ...]]

    def __check_init__(self) -> None:
        for init in self.inits:
            accept(type(self).__name__, init)

    def conflicts(self) -> Iterator[str]:
        if not self.inits:
            name = type(self).__name__
            yield f"{name} got no initializer; pass one for each part."

    @property
    def roles(self) -> tuple[RoleName, ...]:  # pyright: ignore
        return common_roles(self.inits)

    def moments(self, spec: ParamSpec) -> Moments | None:
        pieces = self.parts(spec)
        known = [init.moments(piece) for init, piece in pieces]
        return mixed(known, [piece.size for _, piece in pieces])


def mixed(known: Sequence[Moments | None], weights: Sequence[Number]) -> Moments | None:
    """Moments over entries of which a share follows each law."""
    total = sum(weights)
    if total == 0 or any(moments is None for moments in known):
        return None
    pairs = [(m, w / total) for m, w in zip(known, weights, strict=True) if m]
    mean = sum(w * m.mean for m, w in pairs)
    second = sum(w * (m.std**2 + (m.mean - mean) ** 2) for m, w in pairs)
    return Moments(mean, math.sqrt(second))


class PerGate(AbstractSplit):
    """A scheme for each gate of a recurrent cell, by the names in its layout.

    ```python
    PerGate(f=Ones(), other=Zeros())                      # the bias of an LSTM
    PerGate(g=Orthogonal(), other=GlorotUniform())        # its recurrent kernel
    ```

    Each gate is drawn as a parameter of its own, with a key of its own.

    **Arguments:**

    - `gates`: a mapping from names to initializers, for names that are no Python names.
    - `other`: for every gate that is not named.
    - `**named`: initializers by the names of the gates.

    **Raises:** `ValueError` for a gate that the layout does not have, and for one that
    gets no initializer.
    """

    labels: tuple[str, ...] = eqx.field(static=True)
    inits: tuple[AbstractInitializer, ...]

    def __init__(
        self,
        gates: Mapping[str, AbstractInitializer] | None = None,
        *,
        other: AbstractInitializer | None = None,
        **named: AbstractInitializer,
    ) -> None:
        said = {**(gates or {}), **named}
        rest = {} if other is None else {"*": other}
        if not said and not rest:
            raise ValueError(
                "PerGate got no initializer; name gates, as in `PerGate(f=Ones(), "
                "other=Zeros())`."
            )
        self.labels = (*said, *rest)
        self.inits = (*said.values(), *rest.values())

    def config_fields(self) -> dict[str, Any]:
        gates = dict(zip(self.labels, self.inits, strict=True))
        other = gates.pop("*", None)
        return {"gates": gates, "other": other}

    def parts(self, spec: ParamSpec) -> Parts:
        position, labels = gate_labels(spec)
        said = dict(zip(self.labels, self.inits, strict=True))
        other = said.pop("*", None)
        unknown = sorted(set(said) - set(labels))
        missing = [label for label in labels if said.get(label, other) is None]
        if unknown or missing:
            raise ValueError(
                f"PerGate sets {sorted(said)}, and the gates here are {list(labels)}: "
                f"{unknown} are unknown and {missing} get nothing. Name each, or pass "
                "`other=`."
            )
        piece = without(spec, position)
        return [(said.get(label, other), piece) for label in labels]  # pyright: ignore

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        del key
        position, _ = gate_labels(spec)
        return jnp.stack(drawn, axis=position).reshape(spec.shape)


class AbstractAlongAxis(AbstractSplit):
    """Pieces one behind the other along one axis."""

    axis: eqx.AbstractVar[str | int]
    sizes: eqx.AbstractVar[tuple[int, ...] | None]

    def _position(self, spec: ParamSpec) -> tuple[int, int]:
        """(position, extent): of `split_shape` by name, of `shape` by number."""
        if isinstance(self.axis, str):
            position = position_of(spec, self.axis)
            return position, spec.known_axes.split_shape[position]
        if not -len(spec.shape) <= self.axis < len(spec.shape):
            raise ValueError(
                f"{type(self).__name__} splits axis {self.axis}, and the parameter's "
                f"shape is {spec.shape}."
            )
        position = self.axis % len(spec.shape)
        return position, spec.shape[position]

    def _extents(self, extent: int) -> tuple[int, ...]:
        count = len(self.inits)
        sizes = (extent // count,) * count if self.sizes is None else self.sizes
        if sum(sizes) != extent or len(sizes) != count:
            said = "equal parts" if self.sizes is None else f"sizes {list(sizes)}"
            raise ValueError(
                f"{type(self).__name__} has {count} pieces of {said} along "
                f"{self.axis!r}, which has {extent} entries. Say `sizes=(...)`, one a "
                f"piece, that add up to {extent}."
            )
        return sizes

    def parts(self, spec: ParamSpec) -> Parts:
        position, extent = self._position(spec)
        specs = [self._piece(spec, position, size) for size in self._extents(extent)]
        return list(zip(self.inits, specs, strict=True))

    def _piece(self, spec: ParamSpec, position: int, size: int) -> ParamSpec:
        if isinstance(self.axis, str):
            return with_sizes(spec, {position: size})
        if spec.axes is not None:
            return with_sizes(spec, {self._own_factor(spec, position): size})
        shape = (*spec.shape[:position], size, *spec.shape[position + 1 :])
        return dataclasses.replace(spec, shape=shape)

    def _own_factor(self, spec: ParamSpec, dim: int) -> int:
        """Where the one factor of an axis stands in `split_shape`."""
        axes = spec.known_axes
        if dim < len(axes.stack):
            return dim
        start = len(axes.stack)
        own = [i for i, axis in enumerate(axes.factors, start) if axis.dim == dim]
        if len(own) > 1:
            raise ValueError(
                f"axis {dim} of axes `{axes.text}` has several parts; name the one to "
                f"split, such as `axis={axes.factors[own[-1] - start].name!r}`."
            )
        return own[0]

    def join(self, drawn: Sequence[Array], key: Key, spec: ParamSpec) -> Array:
        del key
        position, _ = self._position(spec)
        if isinstance(self.axis, int):
            return jnp.concatenate(drawn, axis=position)
        split = [
            array.reshape(piece.known_axes.split_shape)
            for array, (_, piece) in zip(drawn, self.parts(spec), strict=True)
        ]
        return jnp.concatenate(split, axis=position).reshape(spec.shape)


class Blocks(AbstractAlongAxis):
    """A scheme for each part of an axis: packed projections, a padding row.

    ```python
    Blocks({"q": GlorotUniform(), "k": GlorotUniform(), "v": GlorotNormal()})
    Blocks({"qk": Orthogonal(), "v": Zeros()}, sizes=(128, 64))
    Blocks((Zeros(), Normal(0.02)), axis=0, sizes=(1, 99))  # first row: the padding
    ```

    Each block is drawn as the kernel of a layer of its own: a third of `out` has a
    third of `fan_out`, where the packed kernel as a whole would get too small a
    variance. Its bias splits alike.

    **Arguments:**

    - `blocks`: initializers in the order of the array, by name or in a list.
    - `axis`: the axis that is split, by its name in the layout, or by number.
    - `sizes`: size of each block; equal parts if left out.
    """

    labels: tuple[str, ...] | None = eqx.field(static=True)
    inits: tuple[AbstractInitializer, ...]
    axis: str | Annotated[int, whole] = eqx.field(static=True)
    sizes: tuple[Annotated[int, count], ...] | None = eqx.field(static=True)

    def __init__(
        self,
        blocks: Mapping[str, AbstractInitializer] | Sequence[AbstractInitializer],
        axis: str | int = "out",
        sizes: Sequence[int] | None = None,
    ) -> None:
        named = isinstance(blocks, Mapping)
        self.labels = tuple(blocks) if named else None
        self.inits = tuple(blocks.values() if named else blocks)
        self.axis = axis
        self.sizes = as_tuple(sizes)

    def config_fields(self) -> dict[str, Any]:
        names = self.labels
        named = names is not None
        blocks = dict(zip(names, self.inits, strict=True)) if named else self.inits
        return {"blocks": blocks, "axis": self.axis, "sizes": self.sizes}
