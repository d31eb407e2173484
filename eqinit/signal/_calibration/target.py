"""What the traced pass needs to know of each layer, checked against what it returns."""

import dataclasses
import math
from collections.abc import Sequence

from ..._typing import Shape
from .._taps.dry_run import CalledLayer
from .._taps.tap import KeyPath
from .affine import AffineLayer
from .calibration import SkippedLayer
from .rescale import unit_dims


@dataclasses.dataclass(frozen=True)
class Target:
    """One layer to measure and to correct.

    - `units`, `axis`: how many units its output has, and along which axis.
    - `bias`: the field that holds its bias, if it has one.
    """

    path: str
    keys: KeyPath
    kind: str
    stack: Shape
    units: int
    axis: int
    bias: str | None


def find_targets(
    layers: Sequence[AffineLayer], called: Sequence[CalledLayer], *, per_unit: bool
) -> tuple[tuple[Target, ...], list[SkippedLayer]]:
    """The called layers whose output can be measured, in call order, and the others.

    **Raises:** `ValueError` where a layout contradicts what a layer returns.
    """
    by_path = {layer.point.path: layer for layer in layers}
    skipped = [SkippedLayer(c.path, c.kind, why) for c in called if (why := _unfit(c))]
    fit = [layer for layer in called if not _unfit(layer)]
    contradictions = [
        f"  `{c.path}`: {text}"
        for c in fit
        for text in _contradictions(by_path[c.path], c, per_unit=per_unit)
    ]
    if contradictions:
        listed = "\n".join(contradictions)
        raise ValueError(
            f"layouts do not fit what layers return:\n{listed}\nCorrect them, as in "
            '`register_layout(MyConv, weight="out in *kernel", unit_axis=0)`, or '
            "leave these layers out with `select=`."
        )
    return tuple(_target(by_path[c.path], c) for c in fit), skipped


def _unfit(called: CalledLayer) -> str:
    """Why the output of a layer cannot be measured; empty if it can."""
    if len(called.outputs) != 1:
        return f"returns {len(called.outputs)} arrays, not one pre-activation"
    if called.outputs[0].complex:
        return "returns complex numbers"
    if called.outputs[0].units == 0:
        return "returns another number of units from call to call"
    return ""


def _contradictions(
    layer: AffineLayer, called: CalledLayer, *, per_unit: bool
) -> list[str]:
    output = called.outputs[0]
    texts: list[str] = []
    if layer.stacks != {called.stack}:
        texts.append(
            f"it is called with arrays that have lost axes {called.stack}, and its "
            f"layout says {sorted(layer.stacks)} are in front of its kernels"
        )
    returned = f"its output has {output.units} units along axis {output.axis}"
    if layer.bias is not None:
        entries = math.prod(layer.bias.shape[len(called.stack) :])
        if entries != output.units:
            texts.append(f"{returned}, and its bias {entries} entries")
    for site in layer.kernels if per_unit else ():
        dims = sorted(unit_dims(site))
        sizes = [site.shape[dim] for dim in dims]
        if sizes != [output.units]:
            texts.append(f"{returned}, and `{site.field}` units along {sizes}")
    return texts


def _target(layer: AffineLayer, called: CalledLayer) -> Target:
    output = called.outputs[0]
    return Target(
        called.path,
        called.keys,
        called.kind,
        called.stack,
        output.units,
        output.axis,
        None if layer.bias is None else layer.bias.field,
    )
