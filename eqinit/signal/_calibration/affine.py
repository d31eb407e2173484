"""Layers whose output is linear in their kernels: which they are, how to set them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._layouts.layout import Layout
from ..._models.read import Specs
from ..._models.selectors import SelectorLike
from ..._models.walk import Site
from ..._models.write import replace_leaves
from ..._typing import Shape
from .._taps.layers import TapPoint, parameter_layers, tap_points


# Axes of a kernel that a layer contracts or returns. Any other name (a gate, a head, an
# expert) says that something else is done with its slices before they come out.
_LINEAR = {"in", "out", "kernel", "group"}


@dataclasses.dataclass(frozen=True, eq=False)
class AffineLayer:
    """A layer that computes kernels times inputs plus bias, by its layout."""

    found: TapPoint
    kernels: tuple[Site, ...]
    bias: Site | None


def affine_layers(
    model: Any,
    select: SelectorLike | None,
    layouts: Mapping[type, Layout],
    *,
    need_bias: bool,
) -> list[AffineLayer]:
    """The selected layers that can be calibrated.

    **Raises:** `ValueError` where there are none, with what each lacks.
    """
    owned: dict[str, list[Site]] = {}
    for site in Specs(model, layouts).sites.parameters:
        owned.setdefault(site.layer_path, []).append(site)
    if select is None:
        chosen = parameter_layers(model, layouts)
    else:
        chosen = tap_points(model, select, layouts)
    layers: list[AffineLayer] = []
    lacks: list[str] = []
    for found in chosen:
        sites = owned.get(found.path, [])
        why = _unfit(sites, need_bias=need_bias)
        if why and sites:
            lacks.append(f"  {found.path} {type(found.node.module).__name__}: {why}")
        if not why:
            layers.append(_layer(found, sites))
    if not layers:
        listed = "\n".join(lacks) or "  (no selected layer holds parameters)"
        raise ValueError(
            "there is no layer to calibrate: it takes kernels with a layout of `in` "
            f"and `out` (and `bias`, to shift).\n{listed}\nSay what a layer's "
            'parameters are with `register_layout(Layer, weight="out in", bias="out")`.'
        )
    return layers


def _layer(found: TapPoint, sites: Sequence[Site]) -> AffineLayer:
    kernels = tuple(s for s in sites if s.spec.role == "kernel")
    biases = [s for s in sites if s.spec.role == "bias"]
    return AffineLayer(found, kernels, biases[0] if biases else None)


def _unfit(sites: Sequence[Site], *, need_bias: bool) -> str:
    """Why a layer with these parameters cannot be calibrated; empty if it can."""
    roles = [s.spec.role for s in sites if s.follows is None]
    if "kernel" not in roles:
        return "no kernel (or no layout that says so)"
    other = set(roles) - {"kernel", "bias"}
    if other or roles.count("bias") > 1:
        return f"not kernels and one bias, but {sorted(set(roles))}"
    for site in sites:
        axes = site.spec.axes
        names = set() if axes is None else {factor.name for factor in axes.factors}
        if names - _LINEAR:
            return f"`{site.field}` has axes {sorted(names - _LINEAR)}"
        if site.parametrization is not None and site.parametrization.kind is None:
            return site.parametrization.why
    if need_bias and "bias" not in roles:
        return "no bias to shift with"
    return ""


def stack_of(site: Site) -> Shape:
    """The stacked axes in front of a parameter's layout."""
    return () if site.spec.axes is None else site.spec.axes.stack


def _along_units(values: np.ndarray, site: Site) -> np.ndarray:
    """Give `(*stack, units)` the axes of a parameter."""
    stack = stack_of(site)
    axes = site.spec.known_axes
    dims = {factor.dim for factor in axes.factors if factor.name in ("out", "group")}
    shape = list(stack) + [1] * (len(site.shape) - len(stack))
    if values.shape[-1] > 1:
        (dim,) = dims
        shape[dim] = values.shape[-1]
    return values.reshape(shape)


def _value(site: Site) -> Array:
    return site.leaf if site.parametrization is None else site.parametrization.value()


def _updates(site: Site, value: Any) -> dict[int, Any]:
    value = jnp.asarray(value, site.dtype)
    if site.parametrization is None:
        return {site.position: value}
    return {i: new for i, (_, new) in site.parametrization.updates(value).items()}


def set_layers(
    model: Any,
    layers: Sequence[AffineLayer],
    scales: Sequence[Float[np.ndarray, "..."]],
    biases: Sequence[Float[np.ndarray, "..."]] | None,
    *,
    per_unit: bool,
) -> Any:
    """A model with every kernel scaled and, where `biases` are given, new biases.

    Both are of shape `(*stack, units)`, one a layer.
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


def unit_bias(layer: Any, field: str | None, units: int, dtype: Any) -> Array:
    """The bias of a layer as it is when called, one number a unit."""
    from ..._layouts.parametrizations import effective

    if field is None:
        return jnp.zeros(units, dtype)
    return effective(getattr(layer, field)).reshape(units).astype(dtype)
