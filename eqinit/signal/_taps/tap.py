"""Run something around a layer's call without changing what the layer is.

A tapped layer is an instance of a subclass of the layer's own class, made on the fly,
with one more field: the tap. `isinstance`, attributes, static fields and methods are
those of the layer; only calling it goes through the tap. The tap is part of the tree,
so `vmap`, `scan`, `jit` and `checkpoint` slice and carry it like any parameter.
"""

import abc
import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax.tree_util as jtu


KeyPath: TypeAlias = tuple[Any, ...]
Run: TypeAlias = Callable[..., Any]

# A name that no layer has: it shares the namespace of the layer's own fields.
_FIELD = "eqinit_tap"


class AbstractTap(eqx.Module):
    """What happens around one call of one layer."""

    @abc.abstractmethod
    def __call__(
        self, layer: eqx.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return what the layer's caller gets; `run(layer, *args, **kwargs)` is the
        layer's own call.
        """


class Node(NamedTuple):
    """One module of a model: where it is, and what it is inside of (root first)."""

    keys: KeyPath
    module: eqx.Module
    ancestors: tuple[tuple[KeyPath, eqx.Module], ...]


def _children(tree: Any) -> tuple[list[tuple[KeyPath, Any]], Any]:
    """Flatten by exactly one level."""
    return jtu.tree_flatten_with_path(tree, is_leaf=lambda x: x is not tree)


def modules(model: Any) -> Iterator[Node]:
    """Every module in a model, parents before children, in tree order."""

    def walk(
        tree: Any, keys: KeyPath, above: tuple[tuple[KeyPath, eqx.Module], ...]
    ) -> Iterator[Node]:
        if isinstance(tree, eqx.Module):
            yield Node(keys, tree, above)
            above = (*above, (keys, tree))
        for key, child in _children(tree)[0]:
            if key:
                yield from walk(child, (*keys, *key), above)

    return walk(model, (), ())


def own_arrays(module: eqx.Module) -> list[Any]:
    """The inexact arrays that a module holds itself, not through a module inside it."""
    arrays: list[Any] = []
    for _, child in _children(module)[0]:
        inner = jtu.tree_leaves(child, is_leaf=lambda x: isinstance(x, eqx.Module))
        arrays.extend(x for x in inner if eqx.is_inexact_array(x))
    return arrays


def is_callable(module: eqx.Module) -> bool:
    """Whether the module's class defines a call of its own."""
    return callable(module) and not isinstance(module, eqx.Partial)


@functools.cache
def _tapped_class(cls: type[eqx.Module]) -> type[eqx.Module]:
    run: Run = cls.__call__  # pyright: ignore[reportAttributeAccessIssue]

    @functools.wraps(run)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, _FIELD)(self, run, args, kwargs)

    namespace = {
        "__call__": call,
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__annotations__": {_FIELD: Any},
        # The layer's other fields may have defaults, so this one needs a default too.
        _FIELD: None,
    }
    with warnings.catch_warnings():
        # Whatever Equinox warns of in the class, it has warned of in the original.
        warnings.simplefilter("ignore")
        metaclass: Any = type(cls)
        return metaclass(cls.__name__, (cls,), namespace)


def attach(layer: eqx.Module, tap: AbstractTap) -> eqx.Module:
    """The same layer, with a tap around its call."""
    new = object.__new__(_tapped_class(type(layer)))
    for name, value in vars(layer).items():
        object.__setattr__(new, name, value)
    object.__setattr__(new, _FIELD, tap)
    return new


def attach_all(model: Any, taps: Mapping[KeyPath, AbstractTap]) -> Any:
    """Attach taps by key path; what holds no tapped layer stays the same object."""
    prefixes = {keys[:i] for keys in taps for i in range(len(keys) + 1)}

    def walk(tree: Any, keys: KeyPath) -> Any:
        if keys not in prefixes:
            return tree
        children, treedef = _children(tree)
        new = [walk(child, (*keys, *key)) for key, child in children if key]
        tree = jtu.tree_unflatten(treedef, new) if new else tree
        return attach(tree, taps[keys]) if keys in taps else tree

    return walk(model, ())
