"""Run something around a layer's call without changing what the layer is.

A tapped layer is an instance of a subclass of the layer's own class, made on the fly,
with one more field: the tap. `isinstance`, attributes, static fields and methods are
those of the layer; only calling it goes through the tap. The tap is part of the tree,
so `vmap`, `scan`, `jit` and `checkpoint` slice and carry it like any parameter.
"""

import abc
import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import equinox as eqx
import jax.tree_util as jtu

from ..._models.walk import children_of, is_parameter
from ..._models.write import rewrite


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


def own_arrays(module: eqx.Module) -> list[Any]:
    """The parameters that a module holds itself, not through a module inside it."""
    arrays: list[Any] = []
    for _, child in children_of(module) or ():
        inner = jtu.tree_leaves(child, is_leaf=lambda x: isinstance(x, eqx.Module))
        arrays.extend(x for x in inner if is_parameter(x))
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
    changes = {keys: functools.partial(attach, tap=tap) for keys, tap in taps.items()}
    return rewrite(model, changes)
