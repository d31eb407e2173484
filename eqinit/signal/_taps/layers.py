"""Which layers of a model are meant: selectors, asked about layers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.tree_util as jtu

from ..._layouts.layout import Layout
from ..._layouts.nodes import at
from ..._layouts.parametrizations import parametrize_of
from ..._layouts.registry import layout_of
from ..._models.selectors import SelectorLike, as_selector
from ..._models.walk import Site, Step
from ..._parameters.paths import spell, split
from .tap import Node, is_callable, modules, own_arrays


class TapPoint(NamedTuple):
    """A layer that can be listened to.

    - `unit_axis`: the axis of its output that counts units (features, channels).
    """

    path: str
    node: Node
    unit_axis: int


def _sites(model: Any, nodes: list[Node], end: int) -> list[Site]:
    """Layers as selectors see parameters; `end` is 0 for the first leaf, -1 the last.

    Only the layer itself counts as its owner: `Layer(Block)` means the blocks, not
    also the layers inside of them.
    """
    leaves, treedef = jtu.tree_flatten(model)
    numbered = jtu.tree_unflatten(treedef, list(range(len(leaves))))
    positions = [(jtu.tree_leaves(n.module) or [-1])[end] for n in modules(numbered)]
    where = {n.keys: p for n, p in zip(modules(model), positions, strict=True)}
    sites: list[Site] = []
    for node in nodes:
        path = spell(node.keys)
        owner = (Step(path, node.module),)
        field = split(path)[-1] if path else ""
        sites.append(Site(path, None, where[node.keys], owner, field))
    return sites


def tap_points(
    model: Any,
    select: SelectorLike | None,
    layouts: Mapping[type, Layout] | None = None,
) -> list[TapPoint]:
    """The layers that can be called and are selected, in tree order.

    Without a selector: every layer that holds parameters of its own. With one: every
    layer that matches, with parameters or without.
    """
    nodes = [n for n in modules(model) if is_callable(n.module)]
    if select is None:
        chosen = [n for n in nodes if own_arrays(n.module)]
    else:
        selector = as_selector(select)
        # `Where` picks by position: a layer is picked if its first and last leaf are.
        first = selector.mask(model, _sites(model, nodes, 0))
        last = selector.mask(model, _sites(model, nodes, -1))
        picks = zip(nodes, first, last, strict=True)
        chosen = [n for n, a, b in picks if a and b]
    if not chosen:
        raise ValueError(_nothing(nodes, select))
    return [_tap_point(n, layouts) for n in chosen]


def parameter_layers(
    model: Any, layouts: Mapping[type, Layout] | None = None
) -> list[TapPoint]:
    """Every callable layer that holds parameters of its own, maybe none."""
    nodes = [n for n in modules(model) if is_callable(n.module)]
    return [_tap_point(n, layouts) for n in nodes if own_arrays(n.module)]


def _tap_point(node: Node, layouts: Mapping[type, Layout] | None) -> TapPoint:
    return TapPoint(spell(node.keys), node, _unit_axis(node.module, layouts))


def _nothing(nodes: list[Node], select: SelectorLike | None) -> str:
    if not nodes:
        return (
            "the model has no layers to look at: no `eqx.Module` in it can be called."
        )
    if select is None:
        return (
            f"none of the {len(nodes)} callable layers holds parameters of its own. "
            "Say which to look at, as in `select=MyLayer` or `select='blocks.*'`."
        )
    known = [f"{spell(n.keys) or '(model)'} {type(n.module).__name__}" for n in nodes]
    some = "\n  ".join(known[:8] + ["..."] * (len(known) > 8))
    return f"`select={select!r}` matches no layer. Layers of this model:\n  {some}"


def _unit_axis(layer: Any, layouts: Mapping[type, Layout] | None) -> int:
    """The axis of a layer's output that counts units: by its layout, else the last."""
    layout = layout_of(type(layer), layouts)
    if layout is not None:
        return layout.output_axis(layer)
    parametrize = parametrize_of(type(layer))
    kept = None if parametrize is None else parametrize(layer)
    if kept is None or kept.in_place:
        return -1
    # `WeightNorm(conv)` is a layer that holds another and returns what that returns.
    inner = kept.field.rpartition(".")[0]
    return _unit_axis(at(layer, inner), layouts) if inner else -1


def axis_within(axis: int, ndim: int) -> int:
    """That axis, or the last one where a layer returns fewer than it was said to."""
    return axis if -ndim <= axis < ndim else -1
