"""Who owns a parameter that is parametrized, and how it is kept."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.tree_util as jtu
import numpy as np

from .._layouts.layout import Layout
from .._layouts.parametrizations import (
    Parametrization,
    looks_parametrized,
    parametrize_of,
    primary,
    unknown,
)
from .._layouts.registry import layout_of
from .._parameters.paths import below, first_below, join, spell
from .parametrized import BoundParametrization, Step


class Binding(NamedTuple):
    """What parametrizations mean for one parameter.

    - `depth`: how many of its innermost ancestors stand in for an array.
    - `field`: its owner's field.
    - `parametrization`: how it is kept, if it is.
    - `follows`: path of the parameter that it follows, if it does.
    """

    depth: int
    field: str
    parametrization: BoundParametrization | None
    follows: str | None = None


class Binder:
    """Looks at every ancestor of every parameter once."""

    def __init__(self, layouts: Mapping[type, Layout]) -> None:
        self._layouts = layouts
        self._known: dict[type, Any] = {}
        self._slots: dict[type, frozenset[str]] = {}
        self._kinds: dict[str, _Kind] = {}
        self._plain: set[str] = set()

    def bind(
        self, path: str, position: int, steps: Sequence[Step], field: str
    ) -> Binding | None:
        """`None` for the many parameters that are kept as they are."""
        if self._nothing_special(steps):
            return None
        kinds = [self._kind(steps, i) for i in range(len(steps))]
        depth = 0
        while depth < len(kinds) and kinds[-1 - depth].in_place:
            depth += 1
        above = [kind for kind in kinds[: len(kinds) - depth] if kind.opaque]
        if above:
            step = next(s for s, k in zip(steps, kinds, strict=True) if k.opaque)
            return Binding(
                depth, field, BoundParametrization(step, None, _enclosed(step))
            )
        if depth:
            owner = steps[-depth - 1].path if depth < len(steps) else ""
            top = steps[-depth]
            run = kinds[len(kinds) - depth :]
            field = first_below(top.path, owner) if top.path else field
            return _bind_in_place(path, position, top, run, depth, field)
        return _bind_layers(path, position, steps, kinds, field)

    def _nothing_special(self, steps: Sequence[Step]) -> bool:
        # Nearly always so, and remembered by path: a model of 100,000 parameters asks
        # once a parameter.
        if not steps or steps[-1].path in self._plain:
            return True
        for i, step in enumerate(steps):
            if step.path not in self._plain:
                if self._kind(steps, i).special:
                    return False
                self._plain.add(step.path)
        return True

    def _kind(self, steps: Sequence[Step], i: int) -> "_Kind":
        step = steps[i]
        if step.path not in self._kinds:
            self._kinds[step.path] = self._look(steps, i)
        return self._kinds[step.path]

    def _look(self, steps: Sequence[Step], i: int) -> "_Kind":
        step, cls = steps[i], type(steps[i].node)
        if cls not in self._known:
            self._known[cls] = (parametrize_of(cls), looks_parametrized(cls))
        parametrize, looks = self._known[cls]
        if parametrize is None:
            # A module with a layout of its own is a layer, wherever it stands.
            bare = layout_of(cls, self._layouts) is None
            in_slot = i > 0 and bare and self._in_slot(steps[i - 1], step)
            stands_in = looks or in_slot
            return _Kind(step.node, None, stands_in)
        parametrization = parametrize(step.node)
        return _Kind(
            step.node,
            parametrization,
            parametrization is None or parametrization.in_place,
        )

    def _in_slot(self, owner: Step, step: Step) -> bool:
        """Whether a module stands where its owner's layout has an array."""
        cls = type(owner.node)
        if cls not in self._slots:
            layout = layout_of(cls, self._layouts)
            self._slots[cls] = frozenset(() if layout is None else layout.fields)
        slots = self._slots[cls]
        return bool(slots) and first_below(step.path, owner.path) in slots


@dataclasses.dataclass(frozen=True, eq=False)
class _Kind:
    """What one ancestor is: a plain layer, one that keeps a parameter, a stand-in."""

    node: Any
    parametrization: Parametrization | None
    in_place: bool

    @property
    def special(self) -> bool:
        return self.in_place or self.parametrization is not None

    @property
    def opaque(self) -> bool:
        """Whether it changes what is in it in a way that nobody has said."""
        return self.in_place and not (
            self.parametrization and self.parametrization.transparent
        )


def _enclosed(step: Step) -> str:
    name = type(step.node).__name__
    return (
        f"it is inside of `{step.path}`, a {name}, which transforms all that it holds "
        "when the model is used. Leave it as it is with `Keep()`, or initialise the "
        "layer before it is put there."
    )


def _bind_in_place(
    path: str, position: int, top: Step, run: Sequence[_Kind], depth: int, field: str
) -> Binding:
    blind = [kind for kind in run if kind.parametrization is None]
    if blind:
        return Binding(
            depth, field, BoundParametrization(top, None, unknown(blind[0].node))
        )
    parametrization = run[0].parametrization
    assert parametrization is not None
    try:
        inner = primary(top.node)
    except ValueError as error:  # half of it is kept in a way that nobody has said
        return Binding(depth, field, BoundParametrization(top, None, str(error)))
    if below(path, top.path) != inner:
        return Binding(depth, field, None, join(top.path, inner))
    if all(
        kind.parametrization is not None and kind.parametrization.transparent
        for kind in run
    ):
        return Binding(depth, field, None)
    return Binding(depth, field, _located(top, parametrization, inner, position))


def _bind_layers(
    path: str,
    position: int,
    steps: Sequence[Step],
    kinds: Sequence[_Kind],
    field: str,
) -> Binding | None:
    """Layers that transform one of the parameters below them, such as WeightNorm."""
    for step, kind in zip(steps, kinds, strict=True):
        parametrization = kind.parametrization
        if parametrization is None or parametrization.in_place:
            continue
        rest = below(path, step.path)
        if rest is not None and rest == parametrization.field:
            bound = _located(step, parametrization, rest, position)
            return Binding(0, field, bound)
        if rest in parametrization.follows:
            source = join(step.path, parametrization.field)
            return Binding(0, field, None, source)
    return None


def _located(
    step: Step, parametrization: Parametrization, inner: str, position: int
) -> BoundParametrization:
    try:
        struct = eqx.filter_eval_shape(parametrization.get, step.node)
    except Exception as error:
        why = f"{type(step.node).__name__} fails on it: {error}"
        return BoundParametrization(step, None, why)
    paths = [spell(p) for p, _ in jtu.tree_flatten_with_path(step.node)[0]]
    start = position - paths.index(inner)
    return BoundParametrization(
        step, parametrization, "", start, tuple(struct.shape), np.dtype(struct.dtype)
    )
