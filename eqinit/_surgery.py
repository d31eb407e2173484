"""Put values into a model: one `eqx.tree_at` for all of them."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.tree_util as jtu


def replace_leaves(model: Any, values: Mapping[int, Any]) -> Any:
    """A model with the leaves at these positions (of `tree_leaves`) replaced.

    One `tree_at` is linear in the number of leaves; one a leaf is quadratic.
    """
    if not values:
        return model
    positions = sorted(values)

    def where(tree: Any) -> list[Any]:
        # By position, so that the choice depends on the structure alone.
        leaves = jtu.tree_leaves(tree)
        return [leaves[i] for i in positions]

    return eqx.tree_at(where, model, [values[i] for i in positions])
