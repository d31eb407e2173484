"""Where the parameters of a changed model come from."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.tree_util as jtu

from .._models.walk import is_parameter, model_of
from .._parameters.paths import spell
from .._tables import short_dtype
from .._typing import Array


# From the moments of the sources, in their order, and the power of the gradient that
# these are sums of (1 for momentum, 2 for second moments) to the moment that follows.
Follow: TypeAlias = Callable[[list[Any], int], Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Origin:
    """Where one parameter of the new model comes from.

    - `what`: what was done, in a few words.
    - `sources`: paths of the old parameters that it is made of.
    - `follow`: how a moment follows from those of the sources; `None` for one that
        starts at zero, because the parameter is new or no longer what it was.
    - `scales`: whether `follow` depends on the power of the gradient.
    - `beside`: path of the old parameter whose optimiser a new one shares.
    """

    what: str
    sources: tuple[str, ...] = ()
    follow: Follow | None = None
    scales: bool = False
    beside: str = ""

    @property
    def anchors(self) -> tuple[str, ...]:
        """Old parameters that say which part of an optimiser's state it belongs to."""
        return self.sources or ((self.beside,) if self.beside else ())


def _first(moments: list[Any], power: int) -> Any:
    del power
    return moments[0]


def moved(source: str, what: str = "moved") -> Origin:
    """The same array at another path."""
    return Origin(what, (source,), _first)


def mapped(source: str, what: str, fn: Callable[[Array], Array]) -> Origin:
    """A rearrangement of one old array, under which moments move as values do."""
    return Origin(what, (source,), lambda moments, power: fn(moments[0]))


def fresh(what: str, beside: str = "") -> Origin:
    """An array whose history is of no use to it."""
    return Origin(what, beside=beside)


@dataclasses.dataclass(frozen=True, eq=False)
class Lineage:
    """How the parameters of two models belong together.

    - `operation`: its name.
    - `before`, `after`: the two models, with shapes in place of arrays.
    - `origins`: by new path, of every parameter that is not the old one of that path.
    """

    operation: str
    before: Any
    after: Any
    origins: Mapping[str, Origin]

    def gone(self) -> list[str]:
        """Paths of old parameters that nothing in the new model is made of."""
        old, new = parameters(self.before), parameters(self.after)
        used = {source for o in self.origins.values() for source in o.sources}
        # Where another one stands now at its path, it is gone as well.
        taken = {path for path, origin in self.origins.items() if origin.sources}
        return [p for p in old if p not in used and (p not in new or p in taken)]


def parameters(model: Any) -> dict[str, Any]:
    """Path to array, for every floating-point array of a model."""
    pairs, _ = jtu.tree_flatten_with_path(model_of(model))
    return {spell(path): leaf for path, leaf in pairs if is_parameter(leaf)}


def skeleton(model: Any) -> Any:
    """The model with shapes in place of its arrays: it keeps no memory alive."""

    def shape(leaf: Any) -> Any:
        if not is_parameter(leaf):
            return leaf
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)

    return jtu.tree_map(shape, model_of(model))


def described(leaf: Any) -> str:
    """`f32[8,3]`."""
    return f"{short_dtype(leaf.dtype)}[{','.join(str(n) for n in leaf.shape)}]"


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """A line for each path at which two described models differ, eight at most."""
    wrong = [p for p in {**one, **other} if one.get(p) != other.get(p)]
    lines = [f"- `{p}`: {one.get(p, 'none')} and {other.get(p, 'none')}" for p in wrong]
    more = [f"- and {len(lines) - 8} more"] if len(lines) > 8 else []
    return lines[:8] + more
