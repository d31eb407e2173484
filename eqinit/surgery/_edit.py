"""Layers of a model by path, and many of them replaced in one pass."""

from collections.abc import Mapping
from typing import Any

import jax.tree_util as jtu

from .._articles import kind_of
from .._models.selectors import SelectorLike
from .._models.walk import model_of
from .._parameters.paths import spell
from ._fields import wanted
from ._selection import select
from ._swap import in_step, problems_of
from ._wrapped import check_plain


def layers(
    model: Any, selector: SelectorLike, kinds: tuple[type, ...], *, stacks: bool = False
) -> dict[str, Any]:
    """Path to layer, for the layers of these kinds that own a selected parameter.

    `stacks` allows layers with more axes in front, vmapped or to be scanned over.
    """
    sites = select(model, selector).sites
    if abstract := [site.path for site in sites if site.is_abstract]:
        raise ValueError(
            f"`{abstract[0]}` has a shape and no values, and surgery works on values. "
            "Make them first, with `eqinit.apply` or `eqinit.build`."
        )
    owners = {site.layer_path: site.layer for site in sites}
    chosen = {path: node for path, node in owners.items() if isinstance(node, kinds)}
    if not chosen:
        met = sorted({type(node).__name__ for node in owners.values()})
        raise TypeError(f"{selector!r} selects parameters of {_either(met, kinds)}")
    check_plain(model, chosen)
    for path, node in chosen.items():
        _check_stack(path, node, stacks)
    return chosen


def layer(model: Any, path: str, kinds: tuple[type, ...]) -> Any:
    """The one layer of these kinds at a path."""
    node = node_at(model, path)
    if not isinstance(node, kinds):
        raise TypeError(f"`{path}` is {_either([kind_of(node)], kinds)}")
    check_plain(model, [path])
    _check_stack(path, node, stacks=False)
    return node


def _check_stack(path: str, node: Any, stacks: bool) -> None:
    inner, weight = wanted(node).get("weight"), getattr(node, "weight", None)
    if stacks or inner is None or weight is None or weight.ndim <= len(inner):
        return
    raise ValueError(
        f"`{path}` is a stack of layers: its weight has the shape {list(weight.shape)},"
        f" and one of them has {list(inner)}. Unstack them first "
        "(`surgery.unstack_blocks`), or `jax.vmap` the operation over them."
    )


def _either(met: list[str], kinds: tuple[type, ...]) -> str:
    wanted = " or ".join(kind.__name__ for kind in kinds)
    return (
        f"{', '.join(met) or 'nothing'}; this operation takes {wanted}. Pass the path "
        "of one: `print(eqinit.inspect(model))` shows what there is."
    )


def node_at(model: Any, path: str) -> Any:
    """Whatever stands at a dotted path."""
    model = model_of(model)
    if not path:
        return model
    pairs, _ = jtu.tree_flatten_with_path(
        model,
        is_leaf=lambda entries, _: spell(entries) == path,
        is_leaf_takes_path=True,
    )
    for entries, node in pairs:
        if spell(entries) == path:
            return node
    raise ValueError(
        f"there is nothing at `{path}` in this {type(model).__name__}. Paths are those "
        "of `print(eqinit.inspect(model))`."
    )


def edit(model: Any, new: Mapping[str, Any]) -> Any:
    """A model with the nodes at these paths replaced, in one pass.

    Static fields of the layers above that repeat theirs are brought into step. Of a
    `(model, state)` tuple the state stays.
    """
    inner = model_of(model)
    if inner is not model:
        edited = edit(inner, new)
        return tuple(edited if part is inner else part for part in model)
    wrong = [f"`{p}`: {text}" for p, node in new.items() for text in problems_of(node)]
    assert not wrong, wrong
    if "" in new:
        return new[""]
    pairs, treedef = jtu.tree_flatten_with_path(
        model,
        is_leaf=lambda entries, _: spell(entries) in new,
        is_leaf_takes_path=True,
    )
    paths = [spell(entries) for entries, _ in pairs]
    assert set(new) <= set(paths), set(new) - set(paths)
    leaves = [new.get(p, leaf) for p, (_, leaf) in zip(paths, pairs, strict=True)]
    return in_step(jtu.tree_unflatten(treedef, leaves))
