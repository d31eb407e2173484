"""What each parameter of a model is: layouts, and what a rule says instead of them."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from .._inference.facts import Layouts, contradiction, spec_of
from .._inference.row import TracedRow
from .._inference.rows import TracedLayouts
from .._layouts.layout import Layout
from .._layouts.registry import layout_of
from .._parameters.spec import Override, ParamSpec, make_spec
from .._typing import Shape
from .walk import Site, find_sites


class Specs:
    """The sites of one model with their specs, and the problems met on the way.

    Equal parameters of equal layers share one spec object: a model of a thousand equal
    blocks works out a handful.
    """

    def __init__(self, model: Any, layouts: Layouts) -> None:
        self._traced: dict[str, TracedRow] = {}
        self._gates = False
        if isinstance(layouts, TracedLayouts):
            self._traced = {row.path: row for row in layouts}
            self._gates, layouts = layouts.gates, {}
        self.layouts: Mapping[type, Layout] = layouts
        # By path: layouts that do not fit, of which a rule may say better.
        self.problems: dict[str, str] = {}
        found = find_sites(model, layouts)
        self._shapes: dict[tuple[str, str], list[Shape]] = defaultdict(list)
        for site in found.parameters:
            bound = site.parametrization
            if site.follows is None and not (bound is not None and bound.blind):
                self._shapes[site.layer_path, site.field].append(site.shape)
        self._layouts: dict[type, Layout | None] = {}
        self._known: dict[Hashable, ParamSpec] = {}
        self._interned: dict[ParamSpec, ParamSpec] = {}
        self._anew: dict[Hashable, Layout] = {}
        specced = [self._read(site) for site in found.parameters]
        self.sites = found._replace(parameters=tuple(specced))

    def layout(self, site: Site) -> Layout | None:
        cls = type(site.layer)
        if cls not in self._layouts:
            self._layouts[cls] = layout_of(cls, self.layouts)
        return self._layouts[cls]

    def _read(self, site: Site) -> Site:
        """The site with its spec: by its layout, and by a trace for what that lacks."""
        spec, row = self._natural(site), self._traced.get(site.path)
        if row is None or row.shape != site.shape or site.follows is not None:
            return site.with_spec(spec)
        if row.status == "certain":
            same = ("traced", id(spec), id(row))
            spec = self._once(same, lambda: self._more(spec, row))
        return site.with_spec(spec, row)

    def _more(self, spec: ParamSpec, row: TracedRow) -> ParamSpec:
        """What a trace adds to a layout; where they contradict, that is a problem."""
        wrong = contradiction(spec, row)
        if wrong:
            self.problems[row.path] = wrong
        gated = self._gates and row.gated and spec.role == row.role
        if spec.axes is None or (gated and not wrong):
            return spec_of(row, spec.shape, spec.dtype)
        lacks = spec.fan_in is None and spec.role == row.role
        fans = (row.fan_in, row.fan_out) if lacks else (spec.fan_in, spec.fan_out)
        known = dict(zip(("fan_in", "fan_out"), fans, strict=True))
        return dataclasses.replace(spec, **known, activation=row.activation)

    def _natural(self, site: Site) -> ParamSpec:
        """The spec by layout alone; a layout that does not fit is a problem."""
        layout = self.layout(site)
        in_step = site.follows is not None and site.in_place
        # The layout is that of a value which nobody knows: reported if it is claimed.
        blind = site.parametrization is not None and site.parametrization.blind
        if layout is None or site.field not in layout.fields or in_step or blind:
            return self._bare(site)
        try:
            return self.by_layout(layout, site)
        except ValueError as error:
            owner = type(site.layer).__name__
            self.problems[site.path] = (
                f"the layout of {owner} does not fit: {error} Say "
                f'`layouts={{{owner}: {{"{site.field}": "..."}}}}` for this call, or '
                f'`Rule("{site.path}", ..., axes="...")` for this one.'
            )
            return self._bare(site)

    def _bare(self, site: Site) -> ParamSpec:
        """A spec that says shape and dtype and no more."""
        same = (site.shape, site.drawn_dtype)
        return self._once(same, lambda: make_spec(*same))

    def by_layout(self, layout: Layout, site: Site) -> ParamSpec:
        """The spec that this layout gives, computed once for equal layers."""

        def siblings(field: str) -> Sequence[Shape]:
            return self._shapes.get((site.layer_path, field), ())

        layer, said = site.layer, (site.field, site.shape, site.drawn_dtype)
        kernels = tuple(tuple(siblings(name)) for name in layout.kernels())
        # Layouts are not hashable and live as long as this object.
        same = (id(layout), *said, kernels, layout.facts(layer))
        return self._once(same, lambda: layout.spec(layer, *said, siblings))

    def _extended(self, site: Site, said: Mapping[str, str]) -> Layout:
        """The layout with what a rule says: kept, since specs are known by its id."""
        same = (type(site.layer), *sorted(said.items()))
        if same not in self._anew:
            layout = self.layout(site) or Layout({})
            self._anew[same] = layout.extended(said)
        return self._anew[same]

    def overridden(self, site: Site, said: Override | None) -> ParamSpec:
        """The spec, with what a rule says of axes and fans instead of the layout."""
        if said is None:
            return site.spec
        spec = site.spec
        if said.axes is not None:
            axes = {site.field: said.axes} if isinstance(said.axes, str) else said.axes
            layout = self._extended(site, _own(site.layer, dict(axes)))
            if site.field in layout.fields:
                spec = self.by_layout(layout, site)
            wrong = "" if site.traced is None else contradiction(spec, site.traced)
            if wrong:
                raise ValueError(wrong)
        fans = {"fan_in": said.fan_in, "fan_out": said.fan_out}
        given = {name: float(fan) for name, fan in fans.items() if fan is not None}
        if "fan_in" in given:
            given |= {"default_fan": given["fan_in"]}
        same = (id(spec), *given.items())
        return self._once(same, lambda: dataclasses.replace(spec, **given))

    def _once(self, same: Hashable, make: Callable[[], ParamSpec]) -> ParamSpec:
        """One spec for all that `same` says, and one object for all that are equal."""
        if same not in self._known:
            spec = make()
            self._known[same] = self._interned.setdefault(spec, spec)
        return self._known[same]


def _own(layer: Any, axes: Mapping[str, str]) -> dict[str, str]:
    """Of the axes that a rule says, those of fields that this layer has.

    A kernel that it has not would take the fans from its bias.
    """
    names = getattr(type(layer), "__dataclass_fields__", axes)
    return {field: text for field, text in axes.items() if field in names}
