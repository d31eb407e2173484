"""What is inside of a module, by dotted path."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._parameters.paths import split


def is_array(node: Any) -> bool:
    return isinstance(node, (jax.Array, np.ndarray, jax.ShapeDtypeStruct))


def at(node: Any, path: str) -> Any:
    """The node at a dotted path such as `args.1`."""
    for part in split(path):
        node = node[int(part)] if part.isdigit() else getattr(node, part)
    return node


def put(node: Any, path: str, value: Any) -> Any:
    return eqx.tree_at(lambda tree: at(tree, path), node, value)
