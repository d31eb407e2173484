"""Put values into a model: one pass for all of them."""

from collections.abc import Callable, Mapping
from typing import Any

import jax.tree_util as jtu


def replace_leaves(model: Any, values: Mapping[int, Any]) -> Any:
    """A model with the leaves at these positions (of `tree_leaves`) replaced.

    One pass is linear in the number of leaves; an `eqx.tree_at` a leaf is quadratic.
    Nor could one `tree_at` go by position: its `where` is shown a tree in which every
    empty tuple counts as a leaf.
    """
    if not values:
        return model
    leaves, treedef = jtu.tree_flatten(model)
    for position, value in values.items():
        leaves[position] = value
    return jtu.tree_unflatten(treedef, leaves)


def rewrite(model: Any, changes: Mapping[tuple[Any, ...], Callable[[Any], Any]]) -> Any:
    """A model with some of its nodes replaced by what a function makes of each.

    Nodes go by jax's own paths, as one object may stand at several; what is inside of
    a node is rewritten first. Whatever holds nothing that changes is the same object.
    """
    prefixes = {keys[:i] for keys in changes for i in range(len(keys) + 1)}

    def visit(node: Any, keys: tuple[Any, ...]) -> Any:
        if keys not in prefixes:
            return node
        children, treedef = jtu.tree_flatten_with_path(
            node, is_leaf=lambda x: x is not node
        )
        new = [visit(child, (*keys, *key)) for key, child in children if key]
        if any(a is not b for a, (_, b) in zip(new, children, strict=False)):
            node = jtu.tree_unflatten(treedef, new)
        return changes[keys](node) if keys in changes else node

    return visit(model, ())
