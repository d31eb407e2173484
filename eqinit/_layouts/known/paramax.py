"""paramax 0.0.5: arrays, parametrized (`paramax.unwrap` makes a model callable)."""

from typing import Any

import jax.numpy as jnp

from ..inverses import parameterize
from ..parametrizations import (
    Parametrization,
    Parametrize,
    effective,
    elementwise,
    put,
    set_effective,
)


def _transparent(node: Any) -> Parametrization:
    del node
    return elementwise("tree", transparent=True)


def _row_norm(weight: Any) -> Any:
    return jnp.sqrt(jnp.sum(jnp.square(weight), axis=-1, keepdims=True))


def _get_weight_norm(node: Any) -> Any:
    weight = effective(node.weight)
    return effective(node.scale) * weight / _row_norm(weight)


def _set_weight_norm(node: Any, value: Any) -> Any:
    node = put(node, "weight", set_effective(node.weight, value))
    return put(node, "scale", set_effective(node.scale, _row_norm(value)))


def _weight_norm(node: Any) -> Parametrization:
    del node
    return Parametrization("weight", _get_weight_norm, _set_weight_norm)


LAYOUTS: dict[str, dict[str, Any]] = {}
PARAMETRIZATIONS: dict[str, Parametrize] = {
    "Parameterize": parameterize,
    "NonTrainable": _transparent,
    "WeightNormalization": _weight_norm,
}
