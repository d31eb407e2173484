"""Layers whose output is linear in their kernels: which they are."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..._layouts.layout import Layout
from ..._models.read import read
from ..._models.selectors import SelectorLike
from ..._models.site import Site
from ..._typing import Shape
from .._taps.layers import TapPoint, parameter_layers, tap_points
from .calibration import SkippedLayer


# Axes of a kernel that a layer contracts or returns. Any other name (a gate, a head, an
# expert) says that something else is done with its slices before they come out.
_LINEAR = {"in", "out", "kernel", "group"}


@dataclasses.dataclass(frozen=True, eq=False)
class AffineLayer:
    """A layer that computes kernels times inputs plus bias, by its layout."""

    point: TapPoint
    kernels: tuple[Site, ...]
    bias: Site | None

    @property
    def kind(self) -> str:
        return type(self.point.node.module).__name__

    @property
    def stacks(self) -> set[Shape]:
        """The stacks in front of its kernels: one, or a mistake in its layout."""
        return {stack_of(site) for site in self.kernels}


def affine_layers(
    model: Any,
    select: SelectorLike | None,
    layouts: Mapping[type, Layout],
    *,
    need_bias: bool,
) -> tuple[list[AffineLayer], list[SkippedLayer]]:
    """The selected layers that can be calibrated, and those that cannot."""
    owned: dict[str, list[Site]] = {}
    for site in read(model, layouts).parameters:
        owned.setdefault(site.layer_path, []).append(site)
    if select is None:
        points = parameter_layers(model, layouts)
    else:
        points = tap_points(model, select, layouts)
    layers: list[AffineLayer] = []
    skipped: list[SkippedLayer] = []
    # A block that only holds layers is no layer to calibrate, and nothing to report.
    for point in (p for p in points if p.path in owned):
        sites = owned[point.path]
        why = _unfit(sites, need_bias=need_bias)
        if why:
            skipped.append(
                SkippedLayer(point.path, type(point.node.module).__name__, why)
            )
        else:
            layers.append(_layer(point, sites))
    return layers, skipped


def _layer(point: TapPoint, sites: Sequence[Site]) -> AffineLayer:
    kernels = tuple(s for s in sites if s.spec.role == "kernel")
    biases = [s for s in sites if s.spec.role == "bias"]
    return AffineLayer(point, kernels, biases[0] if biases else None)


def _unfit(sites: Sequence[Site], *, need_bias: bool) -> str:
    """Why a layer with these parameters cannot be calibrated; empty if it can."""
    roles = [s.spec.role for s in sites if s.follows is None]
    if "kernel" not in roles:
        return "no kernel (or no layout that says so)"
    other = set(roles) - {"kernel", "bias"}
    if other:
        return f"holds {sorted(other)} beside kernels"
    if roles.count("bias") > 1:
        return f"has {roles.count('bias')} biases"
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
