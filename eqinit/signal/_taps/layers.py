"""Which layers of a model are meant: selectors, asked about layers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._layouts.layout import Layout
from ..._layouts.nodes import at
from ..._layouts.parametrizations import parametrize_of
from ..._layouts.registry import layout_of
from ..._models.place import Node
from ..._models.selectors import SelectorLike, as_selector
from ..._models.walk import nodes_of
from .tap import is_callable, own_arrays


class TapPoint(NamedTuple):
    """A layer that can be listened to.

    - `unit_axis`: the axis of its output that counts units (features, channels).
    """

    path: str
    node: Node
    unit_axis: int


def tap_points(
    model: Any,
    select: SelectorLike | None,
    layouts: Mapping[type, Layout] | None = None,
) -> list[TapPoint]:
    """The layers that can be called and are selected, in tree order.

    Without a selector: every layer that holds parameters of its own. With one: every
    layer that matches, with parameters or without.
    """
    nodes = [n for n in nodes_of(model) if is_callable(n.module)]
    if select is None:
        chosen = [n for n in nodes if own_arrays(n.module)]
    else:
        mask = as_selector(select).mask(model, nodes)
        chosen = [node for node, hit in zip(nodes, mask, strict=True) if hit]
    if not chosen:
        raise ValueError(_nothing(nodes, select))
    return [_tap_point(n, layouts) for n in chosen]


def parameter_layers(
    model: Any, layouts: Mapping[type, Layout] | None = None
) -> list[TapPoint]:
    """Every callable layer that holds parameters of its own, maybe none."""
    nodes = [n for n in nodes_of(model) if is_callable(n.module)]
    return [_tap_point(n, layouts) for n in nodes if own_arrays(n.module)]


def _tap_point(node: Node, layouts: Mapping[type, Layout] | None) -> TapPoint:
    return TapPoint(node.path, node, _unit_axis(node.module, layouts))


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
    known = [f"{n.path or '(model)'} {type(n.module).__name__}" for n in nodes]
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
