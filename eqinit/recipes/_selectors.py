"""Parts of models that recipes speak of: by the trace where there is one."""

import abc
import dataclasses
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from .._layouts.known.equinox import of_kind
from .._models.blocks import is_matrix
from .._models.place import AbstractPlace
from .._models.selectors import AbstractSelector
from .._models.site import Site
from .._parameters.paths import parent, split


@dataclasses.dataclass(frozen=True)
class Of(AbstractSelector):
    """Parameters of a role, which a trace says where there is no layout.

    Also where the trace is in doubt about axes: a std of 0.02 asks for none.
    """

    role: str

    def matches(self, place: AbstractPlace) -> bool:
        return role_of(place) == self.role

    def __repr__(self) -> str:
        return f"Role({self.role!r})"


def role_of(place: AbstractPlace) -> str:
    traced = place.traced
    if traced is None or traced.role is None or place.role != "other":
        return place.role
    known = isinstance(place, Site) and place.spec.axes is not None
    return place.role if known else traced.role


@dataclasses.dataclass(frozen=True)
class Convolution(AbstractSelector):
    """Parameters of layers whose kernel has taps."""

    def matches(self, place: AbstractPlace) -> bool:
        if not isinstance(place, Site):
            return False
        if isinstance(place.layer, of_kind("conv")):
            return True
        axes = place.spec.axes
        return axes is not None and bool(axes.sizes("kernel"))

    def __repr__(self) -> str:
        return "Convolution()"


@dataclasses.dataclass(frozen=True)
class Named(AbstractSelector):
    """Arrays that have a name of their own, whichever module holds them.

    Not the kernels, biases and norms of a layer that is called so.
    """

    names: tuple[str, ...]

    def matches(self, place: AbstractPlace) -> bool:
        # An array in a dictionary has its name there; its field is the dictionary's.
        called = {place.field, split(place.path)[-1]}
        if not any(fnmatchcase(one, name) for one in called for name in self.names):
            return False
        return role_of(place) not in ("kernel", "bias") and not _is_norm(place.layer)

    def __repr__(self) -> str:
        return f"Named({', '.join(map(repr, self.names))})"


def _is_norm(layer: Any) -> bool:
    return "norm" in type(layer).__name__.lower()


@dataclasses.dataclass(frozen=True)
class Scales(AbstractSelector):
    """Scales of norms that multiply as they are: one of `1 + w` starts at zero."""

    def matches(self, place: AbstractPlace) -> bool:
        if place.role != "scale":
            return False
        return place.traced is None or not place.traced.function

    def __repr__(self) -> str:
        return "Role('scale')"


class AbstractFromTrace(AbstractSelector):
    """By the trace where there is one, by name otherwise."""

    named: AbstractSelector

    @abc.abstractmethod
    def by_trace(self, places: Sequence[AbstractPlace]) -> list[bool]:
        """Which of all the places of a model are meant, where a trace was passed."""

    def mask(self, model: Any, places: Sequence[AbstractPlace]) -> list[bool]:
        if any(place.traced is not None for place in places):
            return self.by_trace(places)
        pairs = zip(self.named.mask(model, places), places, strict=True)
        return [hit and is_weight(place) for hit, place in pairs]

    def matches(self, place: AbstractPlace) -> bool:
        del place
        raise TypeError(f"{self!r} is resolved against a whole model, not one site.")


@dataclasses.dataclass(frozen=True)
class Ends(AbstractFromTrace):
    """The last kernel of every residual branch."""

    named: AbstractSelector

    def by_trace(self, places: Sequence[AbstractPlace]) -> list[bool]:
        return [_ends(place) for place in places]

    def __repr__(self) -> str:
        return "Residual()"


@dataclasses.dataclass(frozen=True)
class Head(AbstractFromTrace):
    """The kernel whose output is the model's."""

    named: AbstractSelector

    def by_trace(self, places: Sequence[AbstractPlace]) -> list[bool]:
        return [p.traced is not None and p.traced.readout for p in places]

    def __repr__(self) -> str:
        return "Readout()"


@dataclasses.dataclass(frozen=True)
class Inner(AbstractFromTrace):
    """The kernels of residual branches but the last.

    Those in the module that the last one is in: of `blocks.0.mlp.layers.1` the other
    layers of that MLP. With `through`, only those that a function follows: not queries
    and keys, and not what projects the stream itself.
    """

    named: AbstractSelector
    through: bool = False

    def by_trace(self, places: Sequence[AbstractPlace]) -> list[bool]:
        holders = {holder(place) for place in places if _ends(place)}
        return [
            is_weight(place)
            and not _ends(place)
            and holder(place) in holders
            and (not self.through or _is_followed(place))
            for place in places
        ]

    def __repr__(self) -> str:
        return "Inner()"


@dataclasses.dataclass(frozen=True)
class Branch(AbstractFromTrace):
    """The kernels of residual branches that T-Fixup and DeepNorm scale.

    By the trace the last ones and those that a function follows. Values are told from
    queries by name alone.
    """

    named: AbstractSelector

    def by_trace(self, places: Sequence[AbstractPlace]) -> list[bool]:
        inner = Inner(self.named, through=True).by_trace(places)
        return [_ends(p) or hit for p, hit in zip(places, inner, strict=True)]

    def __repr__(self) -> str:
        return "Branch()"


def _ends(place: AbstractPlace) -> bool:
    return place.traced is not None and place.traced.residual is not None


def _is_followed(place: AbstractPlace) -> bool:
    met = None if place.traced is None else place.traced.activation
    return met not in (None, "identity", "softmax")


def holder(place: AbstractPlace) -> str:
    """The path of the module that a layer is in: of an array, that which holds it."""
    layer = place.layer
    known = isinstance(layer, of_kind("dense", "conv"))
    path = place.layer_path if isinstance(place, Site) else place.path
    above = parent(path) if known else parent(place.path)
    # The layers of an MLP are in a tuple of it.
    return parent(above) if above.endswith(".layers") else above


def is_weight(place: AbstractPlace) -> bool:
    """Whether it is a kernel, or may be one that nobody has registered."""
    return isinstance(place, Site) and is_matrix(place)
