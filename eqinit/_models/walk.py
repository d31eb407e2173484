"""Walk a model once: every parameter with its path, its owner and its ancestors."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from jax.core import Tracer

from .._layouts.layout import Layout
from .._parameters.paths import segment
from .binding import Binder
from .parametrized import Step as Step
from .shared import shared_sources
from .site import Site as Site


# Every `eqx.nn.State` of a model, with the position of its first leaf.
States: TypeAlias = tuple[tuple[int, Any], ...]


class Sites(NamedTuple):
    """The parameters of a model in tree order, and what else is worth knowing of it.

    - `shared`: paths of slots that `eqx.nn.Shared` fills; `sources`: from where, for
        those that are filled with a leaf as it is.
    - `leaves`: how many leaves there are.
    - `states`: every `eqx.nn.State`.
    - `aliases`: paths at which one and the same array stands.
    """

    parameters: tuple[Site, ...]
    shared: tuple[str, ...]
    leaves: int
    sources: tuple[tuple[str, str], ...] = ()
    states: States = ()
    aliases: tuple[tuple[str, ...], ...] = ()


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


def _children(node: Any) -> Sequence[tuple[Any, Any]] | None:
    """(key, child) pairs one level down, or None for a leaf."""
    if isinstance(node, tuple) and type(node) is not tuple:
        # The registry of jaxlib 0.10 calls all fields of a named tuple by the first.
        pairs, _ = jtu.tree_flatten_with_path(node, is_leaf=lambda x: x is not node)
        is_leaf = len(pairs) == 1 and not pairs[0][0]
        return None if is_leaf else [(path[0], child) for path, child in pairs]
    flat = jtu.default_registry.flatten_one_level_with_keys(node)
    return None if flat is None else tuple(flat[0])


# State is not a parameter: its initial values are arrays only until `make_with_state`.
_STATE = (eqx.nn.StateIndex, eqx.nn.State)


@dataclasses.dataclass
class _Walk:
    parameters: list[Site] = dataclasses.field(default_factory=list)
    shared: list[str] = dataclasses.field(default_factory=list)
    leaves: int = 0
    sources: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    states: list[tuple[int, Any]] = dataclasses.field(default_factory=list)
    _kinds: dict[type, str] = dataclasses.field(default_factory=dict)

    def visit(
        self,
        node: Any,
        path: str,
        ancestors: tuple[Step, ...],
        field: str,
        indices: tuple[tuple[int, int], ...],
    ) -> None:
        kind = self._kind(node)
        if kind == "state":
            if isinstance(node, eqx.nn.State):
                self.states.append((self.leaves, node))
            self.leaves += len(jtu.tree_leaves(node))
            return
        children = None if kind == "array" else _children(node)
        if children is None:
            self._leaf(node, path, ancestors, field, indices)
            return
        owns = kind == "module"
        if owns:
            if isinstance(node, eqx.nn.Shared):
                self.sources.extend(shared_sources(node, path))
            ancestors = (*ancestors, Step(path, node))
        count = len(children) if isinstance(node, (list, tuple)) else 0
        prefix = f"{path}." if path else ""
        for i, (entry, child) in enumerate(children):
            name = segment(entry)
            # Below a module the field is its own; below a container it stays.
            below = name if owns or not field else field
            ordinal = ((i, count),) if count and self._is_module(child) else ()
            self.visit(child, prefix + name, ancestors, below, indices + ordinal)

    def _is_module(self, node: Any) -> bool:
        return self._kind(node) != "array" and not isinstance(node, float)

    def _kind(self, node: Any) -> str:
        """Asked once a class: `isinstance` of an abstract class takes far longer."""
        cls = type(node)
        if cls not in self._kinds:
            # A tracer is an array, though not by its class.
            kinds = {
                "array": (*_ARRAYS, Tracer),
                "state": _STATE,
                "module": (eqx.Module,),
            }
            named = (
                kind for kind, classes in kinds.items() if issubclass(cls, classes)
            )
            self._kinds[cls] = next(named, "other")
        return self._kinds[cls]

    def _leaf(
        self,
        leaf: Any,
        path: str,
        ancestors: tuple[Step, ...],
        field: str,
        indices: tuple[tuple[int, int], ...],
    ) -> None:
        position = self.leaves
        self.leaves += 1
        if type(leaf).__name__ == "SharedNode":
            self.shared.append(path)
        elif is_parameter(leaf):
            site = Site(path, leaf, position, ancestors, field, indices)
            self.parameters.append(site)


def model_of(tree: Any) -> Any:
    """The model of a `(model, state)` tuple; any other tree is a model itself.

    Paths start here: a parameter has the same one, and so the same draw, whether or not
    its state is passed along.
    """
    if type(tree) is not tuple:
        return tree
    models = [part for part in tree if not isinstance(part, eqx.nn.State)]
    return models[0] if len(models) == 1 < len(tree) else tree


def find_sites(model: Any, layouts: Mapping[type, Layout] = {}) -> Sites:
    """Every parameter of `model`, in the order of `jax.tree_util.tree_leaves`.

    `layouts` are those of one call: they say where an array belongs, and so what stands
    in its place.
    """
    walk = _Walk()
    for part in [model] if model_of(model) is model else model:
        walk.visit(part, "", (), "", ())
    paths = [site.path for site in walk.parameters]
    if len(set(paths)) < len(paths):
        twice = sorted({path for path in paths if paths.count(path) > 1})
        raise ValueError(
            f"{len(twice)} paths stand for two parameters each, such as `{twice[0]}`: "
            "a container has keys that print alike. Give its keys different names."
        )
    binder = Binder(layouts)
    parameters = tuple(_bound(site, binder) for site in walk.parameters)
    return Sites(
        parameters,
        tuple(walk.shared),
        walk.leaves,
        tuple(walk.sources),
        tuple(walk.states),
        aliases(parameters),
    )


def aliases(sites: Sequence[Site]) -> tuple[tuple[str, ...], ...]:
    """Groups of paths at which one array object stands: it is copied, not tied."""
    groups: dict[int, list[str]] = {}
    for site in sites:
        if not isinstance(site.leaf, (jax.ShapeDtypeStruct, Tracer)):
            groups.setdefault(id(site.leaf), []).append(site.path)
    return tuple(tuple(paths) for paths in groups.values() if len(paths) > 1)


def _bound(site: Site, binder: Binder) -> Site:
    found = binder.bind(site.path, site.position, site.ancestors, site.field)
    if found is None:
        return site
    return dataclasses.replace(
        site,
        stand_ins=found.depth,
        field=found.field,
        parametrization=found.parametrization,
        follows=found.follows,
    )
