"""The one walk through a model: every module and every parameter, at its place."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jax.core import Tracer

from .._layouts.layout import Layout
from .._layouts.parametrizations import (
    Parametrize,
    looks_parametrized,
    parametrize_of,
)
from .._layouts.registry import layout_of
from .._parameters.paths import segment
from .ownership import home_of
from .place import Node
from .shared import shared_sources
from .site import AbstractSpecs, Site


_ARRAYS = (jax.Array, np.ndarray, jax.ShapeDtypeStruct)


def is_parameter(leaf: Any) -> bool:
    """An inexact array, or a `ShapeDtypeStruct` of one; never a Python number.

    Equinox's own predicates answer no for abstract leaves (so that a skeleton looks
    parameterless) and yes for `Dropout.p`.
    """
    if not isinstance(leaf, _ARRAYS):
        return False
    return _is_inexact(leaf.dtype)


@functools.lru_cache(maxsize=256)
def _is_inexact(dtype: Any) -> bool:
    # Typed PRNG keys have an extended dtype, which is no numpy dtype.
    return not jnp.issubdtype(dtype, jax.dtypes.extended) and bool(
        jnp.issubdtype(dtype, jnp.inexact)
    )


def model_of(tree: Any) -> Any:
    """The model of a `(model, state)` tuple; any other tree is a model itself.

    Paths start here: a parameter has the same one, and so the same draw, whether or not
    its state is passed along.
    """
    if type(tree) is not tuple:
        return tree
    models = [part for part in tree if not isinstance(part, eqx.nn.State)]
    return models[0] if len(models) == 1 < len(tree) else tree


def children_of(node: Any) -> Sequence[tuple[Any, Any]] | None:
    """(key, child) pairs one level down, or None for a leaf."""
    if isinstance(node, tuple) and type(node) is not tuple:
        # The registry of jaxlib 0.10 calls all fields of a named tuple by the first.
        pairs, _ = jtu.tree_flatten_with_path(node, is_leaf=lambda x: x is not node)
        is_leaf = len(pairs) == 1 and not pairs[0][0]
        return None if is_leaf else [(path[0], child) for path, child in pairs]
    flat = jtu.default_registry.flatten_one_level_with_keys(node)
    return None if flat is None else tuple(flat[0])


class _At(NamedTuple):
    """How far a walk has come.

    - `slot`: the field of the innermost module that leads here.
    """

    path: str = ""
    keys: tuple[Any, ...] = ()
    above: tuple[Node, ...] = ()
    slot: str = ""
    indices: tuple[tuple[int, int], ...] = ()


def _down(
    at: _At, entry: Any, name: str, indices: tuple[tuple[int, int], ...], slot: str
) -> _At:
    """One level further."""
    path = f"{at.path}.{name}" if at.path else name
    return _At(path, (*at.keys, entry), at.above, slot, indices)


_Visit = Callable[[Any, _At], None]


class Walk:
    """What it has met so far.

    - `nodes`, `parameters`: in tree order, parents before what is in them.
    - `shared`: paths of slots that `eqx.nn.Shared` fills; `sources`: from where.
    - `states`: every `eqx.nn.State`, with the position of its first leaf.

    Without `specs` it is for the modules alone.
    """

    def __init__(
        self,
        layouts: Mapping[type, Layout],
        specs: AbstractSpecs | None = None,
    ) -> None:
        self.nodes: list[Node] = []
        self.parameters: list[Site] = []
        self.shared: list[str] = []
        self.sources: list[tuple[str, str]] = []
        self.states: list[tuple[int, Any]] = []
        self._leaves = 0
        self._specs = specs
        self._classes = _Classes(layouts)
        # Asked once for each class: `isinstance` of an abstract one takes far longer.
        self._ways: dict[type, _Visit] = {}

    def visit(self, model: Any) -> None:
        """Walk through a model, whose path is the root's."""
        self._way(model)(model, _At())

    # Returned and not called, so that a tree may be as deep as Python's stack is.
    def _way(self, node: Any) -> _Visit:
        cls = type(node)
        if cls not in self._ways:
            self._ways[cls] = self._way_of(cls)
        return self._ways[cls]

    def _way_of(self, cls: type) -> _Visit:
        # A tracer is an array, though not by its class.
        if issubclass(cls, (*_ARRAYS, Tracer)):
            return self._array
        if issubclass(cls, (eqx.nn.StateIndex, eqx.nn.State)):
            return self._state
        if issubclass(cls, eqx.nn.Shared):
            return self._ties
        return self._module if issubclass(cls, eqx.Module) else self._container

    def _ties(self, module: Any, at: _At) -> None:
        self.sources.extend(shared_sources(module, at.path))
        self._module(module, at)

    def _module(self, module: Any, at: _At) -> None:
        node = self._classes.node(module, at, self._leaves)
        self.nodes.append(node)
        below = at._replace(above=(*at.above, node), slot="")
        for entry, child in children_of(module) or ():
            name = segment(entry)
            self._way(child)(child, _down(below, entry, name, at.indices, name))

    def _container(self, node: Any, at: _At) -> None:
        children = children_of(node)
        if children is None:
            self._leaves += 1
            if type(node).__name__ == "SharedNode":
                self.shared.append(at.path)
            return
        count = len(children) if isinstance(node, (list, tuple)) else 0
        for i, (entry, child) in enumerate(children):
            name = segment(entry)
            among = ((i, count),) if count and self._holds_modules(child) else ()
            # Below a container the field is still that of the module above it.
            slot = at.slot or name
            below = _down(at, entry, name, at.indices + among, slot)
            self._way(child)(child, below)

    def _holds_modules(self, node: Any) -> bool:
        return self._way(node) != self._array and not isinstance(node, float)

    def _state(self, node: Any, at: _At) -> None:
        # No parameter: its initial values are arrays only until `make_with_state`.
        if isinstance(node, eqx.nn.State):
            self.states.append((self._leaves, node))
        self._leaves += len(jtu.tree_leaves(node))

    def _array(self, leaf: Any, at: _At) -> None:
        position = self._leaves
        self._leaves += 1
        if self._specs is not None and _is_inexact(leaf.dtype):
            home = home_of(at.path, at.above, at.slot)
            place = (at.path, at.above, at.indices)
            self.parameters.append(Site(*place, leaf, position, home, self._specs))


def nodes_of(model: Any) -> list[Node]:
    """Every module of a model, in tree order, parents before what is in them."""
    walk = Walk({})
    walk.visit(model)
    return walk.nodes


class _Classes:
    """What classes say of how their modules keep arrays; each is asked once."""

    def __init__(self, layouts: Mapping[type, Layout]) -> None:
        self._layouts = layouts
        self._known: dict[type, _OfClass] = {}

    def node(self, module: Any, at: _At, start: int) -> Node:
        """A module, at its place."""
        of_class = self._of(type(module))
        above = at.above[-1] if at.above else None
        kept = of_class.parametrize(module) if of_class.parametrize else None
        if of_class.parametrize is None:
            # A module with a layout of its own is a layer, wherever it stands.
            slots = frozenset() if above is None else self._of(type(above.module)).slots
            in_place = of_class.looks or (not of_class.layer and at.slot in slots)
        else:
            in_place = kept is None or kept.in_place
        plain = not in_place and kept is None and (above is None or above.plain)
        place = (at.path, at.above, at.indices)
        return Node(*place, module, at.keys, start, at.slot, kept, in_place, plain)

    def _of(self, cls: type) -> "_OfClass":
        if cls not in self._known:
            layout = layout_of(cls, self._layouts)
            self._known[cls] = _OfClass(
                parametrize_of(cls),
                looks_parametrized(cls),
                layout is not None,
                frozenset() if layout is None else frozenset(layout.fields),
            )
        return self._known[cls]


class _OfClass(NamedTuple):
    """What one class says.

    - `parametrize`: how its modules keep an array, where that is known.
    - `looks`: whether it says of itself that it stands for an array.
    - `layer`: whether it has a layout, and `slots`: the fields where that has arrays.
    """

    parametrize: Parametrize | None
    looks: bool
    layer: bool
    slots: frozenset[str]
