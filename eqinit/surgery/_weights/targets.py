"""What a model has room for, and under which names that may be stored."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx

from ..._models.read import Sites
from ..._models.site import Site
from ..._models.walk import model_of
from ..._parameters.paths import join, parent, split
from ..._typing import Shape
from .attention import attention_forms, attention_of
from .forms import Form, as_is, forms_of, of_a_batch
from .statistics import Statistics, holds, statistics


class Way(NamedTuple):
    """A form with the full names of its arrays."""

    names: tuple[str, ...]
    form: Form


@dataclasses.dataclass(frozen=True, eq=False)
class Target:
    """One parameter, or the statistics of one layer.

    - `path`: where it is.
    - `unit`: the layer that its arrays are stored with, as the model spells it.
    - `shapes`: what is to be loaded.
    - `ways`: how it may be stored, in the order in which that is tried.
    - `source`: the parameter, or the statistics.
    """

    path: str
    unit: str
    shapes: tuple[Shape, ...]
    ways: tuple[Way, ...]
    source: Site | Statistics


def targets_of(model: Any, sites: Sites) -> list[Target]:
    """In tree order, statistics behind the parameters of their layer."""
    inner = model_of(model)
    found = [
        _parameter(inner, site)
        for site in sites.parameters
        if site.follows is None and not _blind(site)
    ]
    units = {target.unit for target in found}
    late = [_state(inner, one) for one in statistics(model) if holds(model, one.node)]
    for target in late:
        last = [i for i, other in enumerate(found) if other.unit == target.unit]
        found.insert(last[-1] + 1 if target.unit in units else len(found), target)
    return found


def _blind(site: Site) -> bool:
    return site.parametrization is not None and site.parametrization.blind


def _parameter(model: Any, site: Site) -> Target:
    rest = site.path.removeprefix(site.layer_path).removeprefix(".")
    forms = list(forms_of(site))
    if rest != site.field and site.parametrization is None:
        # A tuple or a dict of arrays: each has its own name, and the layer's forms do
        # not tell them apart.
        forms = [as_is(rest), of_a_batch(rest, len(site.shape))]
    unit = _outside(model, site.layer_path)
    ways = [*_ways(model, site.layer_path, forms)]
    if (found := attention_of(site)) is not None:
        unit, attention, name = found
        ways += _ways(model, unit, attention_forms(attention, name, site))
    return Target(site.path, unit, (site.shape,), tuple(ways), site)


def _state(model: Any, one: Statistics) -> Target:
    ways = tuple(_ways(model, one.path, one.forms))
    return Target(f"{one.path} ({one.what})", one.path, one.shapes, ways, one)


def _ways(model: Any, path: str, forms: Any) -> Iterator[Way]:
    places = dict.fromkeys((path, torch_path(model, path)))
    for form in forms:
        for place in places:
            yield Way(tuple(join(place, name) for name in form.names), form)


_NORMS = (eqx.nn.WeightNorm, eqx.nn.SpectralNorm)


def _outside(model: Any, path: str) -> str:
    """The module that torch would have in the place of a layer under such a norm."""
    above = parent(path)
    around = (
        path and split(path)[-1] == "layer" and isinstance(at(model, above), _NORMS)
    )
    return above if around else path


def torch_path(model: Any, path: str) -> str:
    """A path without the segments that torch's modules do not have.

    `nn.Sequential` holds its layers itself, and the norms of weights are not modules.
    """
    kept: list[str] = []
    node = model
    for segment in split(path):
        sequence = segment == "layers" and isinstance(node, eqx.nn.Sequential)
        around = segment == "layer" and isinstance(node, _NORMS)
        kept += [] if sequence or around else [segment]
        node = at(node, segment)
    return ".".join(kept)


def at(node: Any, path: str) -> Any:
    """The node at a path, one segment at a time."""
    for segment in split(path):
        name = segment.replace("\\.", ".").replace("\\\\", "\\")
        if isinstance(node, dict):
            keys = {str(key): key for key in node}
            node = node[keys[name]]
        elif isinstance(node, (list, tuple)) and name.isdigit():
            node = node[int(name)]
        else:
            node = getattr(node, name)
    return node
