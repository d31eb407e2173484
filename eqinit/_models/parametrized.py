"""Parametrizations at their place in a model, and how to set what they stand for."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.tree_util as jtu
import numpy as np
from jax.core import Tracer

from .._layouts.parametrizations import Parametrization, inside
from .._parameters.paths import join
from .._typing import Shape
from .place import Node


_FLOAT32 = np.dtype(np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class BoundParametrization:
    """A parameter that its owner keeps in another form than the one it uses.

    - `node`: the module that keeps it, and where that stands.
    - `kind`: how to see through it, or `None` where nobody has said.
    - `why`: what to say where nobody has.
    - `shape`, `dtype`: of the effective value.
    """

    node: Node
    kind: Parametrization | None
    why: str = ""
    shape: Shape = ()
    dtype: np.dtype[Any] = _FLOAT32

    @property
    def name(self) -> str:
        """The class of the module that keeps it."""
        return type(self.node.module).__name__

    @property
    def blind(self) -> bool:
        """Whether nobody has said what it does."""
        return self.kind is None

    def value(self) -> Any:
        """The effective value."""
        return self._known.get(self.node.module)

    @property
    def index(self) -> eqx.nn.StateIndex[Any] | None:
        """Under which index of an `eqx.nn.State` something follows the value."""
        return None if self.kind is None else self.kind.index(self.node.module)

    def updates(self, value: Any) -> dict[int, tuple[Any, Any]]:
        """Position to (old leaf, new leaf) of what changes when `value` is set."""
        kind, node = self._known, self.node.module
        if isinstance(value, Tracer):
            # Or what looks at the value would be compiled into the draw itself, whose
            # last bit may then differ from an eager one.
            value = jax.lax.optimization_barrier(value)
        what = f"a value of `{self._path}`"
        projected = inside(kind.project(value), kind.domain, what, self.name)
        new = kind.set(node, projected)
        self._check(kind, new, value)
        return changed(node, new, self.node.start)

    @property
    def _path(self) -> str:
        return join(self.node.path, self._known.field)

    @property
    def _known(self) -> Parametrization:
        if self.kind is None:
            raise ValueError(f"`{self.node.path}`: {self.why}")
        return self.kind

    def _check(self, kind: Parametrization, new: Any, value: Any) -> None:
        """That the module now stands for what was drawn, where values are known."""
        back = kind.get(new)
        if isinstance(back, Tracer) or not back.size:
            return
        wanted = np.asarray(kind.project(value)).astype(np.complex128)
        error = float(np.abs(np.asarray(back).astype(np.complex128) - wanted).max())
        # Gross errors: an inverse that does not invert, or the edge of a domain.
        if not error <= 0.02 * float(np.abs(wanted).max()) + 1e-6:
            raise ValueError(
                f"`{self._path}`: {self.name} was to stand for a value, and stands "
                f"for another that is off by {error:.3g}. Either the value is at the "
                "edge of what it can stand for, or the `inverse` that was registered "
                "does not undo its `forward`."
            )


def bound(node: Node) -> BoundParametrization:
    """The parametrization of a module, at its place."""
    kind, module = node.parametrization, node.module
    assert kind is not None
    try:
        value = eqx.filter_eval_shape(kind.get, module)
    except Exception as error:
        why = f"{type(module).__name__} fails on it: {error}"
        return BoundParametrization(node, None, why)
    return BoundParametrization(
        node, kind, "", tuple(value.shape), np.dtype(value.dtype)
    )


def changed(old: Any, new: Any, start: int) -> dict[int, tuple[Any, Any]]:
    """Position to (old, new) of the leaves that differ between two like trees."""
    pairs = zip(jtu.tree_leaves(old), jtu.tree_leaves(new), strict=True)
    return {start + i: (a, b) for i, (a, b) in enumerate(pairs) if a is not b}


def state_updates(
    states: Sequence[tuple[int, Any]],
    values: Sequence[tuple[BoundParametrization, Any]],
) -> dict[int, tuple[Any, Any]]:
    """What changes in the states of a model when parametrized ones get values."""
    indices = [(bound.index, bound.kind, value) for bound, value in values]
    found: dict[int, tuple[Any, Any]] = {}
    for start, old in states:
        state = old
        for index, kind, value in indices:
            if index is not None and kind is not None and holds(old, index):
                new = kind.carry(value, _clone(state).get(index))
                state = _clone(state).set(index, new)
        found |= changed(old, state, start)
    return found


def holds(state: eqx.nn.State, index: eqx.nn.StateIndex[Any]) -> bool:
    """Whether this state has something under this index."""
    try:
        state.get(index)
    except KeyError:
        return False
    return True


def _clone(state: Any) -> Any:
    # `State.set` invalidates the state that it is called on, and nobody's input may be.
    leaves, treedef = jtu.tree_flatten(state)
    return jtu.tree_unflatten(treedef, leaves)
