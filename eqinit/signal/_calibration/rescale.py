"""Set kernels and biases of layers: a factor and a shift for each unit."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._models.site import Site
from ..._models.write import replace_leaves
from .affine import AffineLayer, stack_of


def rescaled(
    model: Any,
    layers: Sequence[AffineLayer],
    scales: Sequence[Float[np.ndarray, "..."]],
    biases: Sequence[Float[np.ndarray, "..."]] | None,
    *,
    per_unit: bool,
) -> Any:
    """A model with every kernel scaled and, where `biases` are given, new biases.

    Both are of shape `(*stack, units)`, one for each layer.
    """
    values: dict[int, Any] = {}
    for i, layer in enumerate(layers):
        scale = scales[i] if per_unit else scales[i][..., :1]
        for site in layer.kernels:
            old = _value(site)
            factor = _along_units(scale, site).astype(old.dtype)
            values |= _updates(site, old * factor)
        if biases is not None and layer.bias is not None:
            wanted = biases[i].reshape(layer.bias.shape)
            values |= _updates(layer.bias, wanted)
    return replace_leaves(model, values)


def unit_dims(site: Site) -> set[int]:
    """The dimensions of a kernel along which its units are; one, nearly always."""
    factors = site.spec.known_axes.factors
    return {factor.dim for factor in factors if factor.name in ("out", "group")}


def _along_units(
    values: Float[np.ndarray, "*stack units"], site: Site
) -> Float[np.ndarray, "..."]:
    """As many axes as the parameter has: `(*stack, 1, units, 1)`."""
    stack = stack_of(site)
    shape = list(stack) + [1] * (len(site.shape) - len(stack))
    if values.shape[-1] > 1:
        (dim,) = unit_dims(site)
        shape[dim] = values.shape[-1]
    return values.reshape(shape)


def _value(site: Site) -> Array:
    return site.leaf if site.parametrization is None else site.parametrization.value()


def _updates(site: Site, value: Any) -> dict[int, Any]:
    value = jnp.asarray(value, site.dtype)
    if site.parametrization is None:
        return {site.position: value}
    return {i: new for i, (_, new) in site.parametrization.updates(value).items()}
