"""Which layers of a model are meant: selectors, asked about layers."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.tree_util as jtu

from ..._models.selectors import SelectorLike, as_selector
from ..._models.walk import Site, Step
from .tap import KeyPath, Node, is_callable, modules, own_arrays


class Found(NamedTuple):
    """A layer that a selector chose."""

    path: str
    node: Node


def dotted(keys: KeyPath) -> str:
    """The path of a node, spelled as paths of parameters are."""
    names = (jtu.keystr((key,), simple=True) for key in keys)
    return ".".join(n.replace("\\", "\\\\").replace(".", "\\.") for n in names)


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
        path = dotted(node.keys)
        owner = (Step(path, node.module),)
        field = path.rpartition(".")[2]
        sites.append(Site(path, None, where[node.keys], owner, field))
    return sites


def find_layers(model: Any, select: SelectorLike | None) -> list[Found]:
    """The layers that can be called and are selected, in tree order.

    Without a selector: every layer that holds parameters of its own. With one: every
    layer that matches, with parameters or without.
    """
    nodes = [n for n in modules(model) if is_callable(n.module)]
    if select is None:
        chosen = [found.node for found in parameter_layers(model)]
    else:
        selector = as_selector(select)
        # `Where` picks by position: a layer is picked if its first and last leaf are.
        first = selector.mask(model, _sites(model, nodes, 0))
        last = selector.mask(model, _sites(model, nodes, -1))
        picks = zip(nodes, first, last, strict=True)
        chosen = [n for n, a, b in picks if a and b]
    if not chosen:
        raise ValueError(_nothing(nodes, select))
    return [Found(dotted(n.keys), n) for n in chosen]


def parameter_layers(model: Any) -> list[Found]:
    """Every callable layer that holds parameters of its own, maybe none."""
    nodes = [n for n in modules(model) if is_callable(n.module)]
    return [Found(dotted(n.keys), n) for n in nodes if own_arrays(n.module)]


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
    known = [f"{dotted(n.keys) or '(model)'} {type(n.module).__name__}" for n in nodes]
    some = "\n  ".join(known[:8] + ["..."] * (len(known) > 8))
    return f"`select={select!r}` matches no layer. Layers of this model:\n  {some}"


def channel_axis(layer: eqx.Module) -> int:
    """The axis of one call's output that counts units (features, channels).

    Equinox's convolutions, pools and the norms made for them put channels first;
    everything else ends in its features.
    """
    first = (
        eqx.nn.Conv,
        eqx.nn.ConvTranspose,
        eqx.nn.Pool,
        eqx.nn.AdaptivePool,
        eqx.nn.BatchNorm,
        eqx.nn.GroupNorm,
    )
    return 0 if isinstance(layer, first) else -1
