"""What each parameter is: layouts, and what a rule says instead of them."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .._inference.facts import Layouts, contradiction, spec_of
from .._inference.row import TracedRow
from .._inference.rows import TracedLayouts
from .._layouts.layout import Layout
from .._layouts.registry import layout_of
from .._memo import Memo
from .._parameters.spec import Override, ParamSpec, make_spec
from .._typing import Shape
from .blocks import Blocks
from .site import AbstractSpecs, Site


# A path in a field, empty where the field is the array itself, and the shape there.
_Within: TypeAlias = tuple[str, Shape]


class Specs(AbstractSpecs):
    """The specs of one model's parameters, and the problems met on the way.

    Equal parameters of equal layers share one spec object: a model of a thousand equal
    blocks works out a handful.

    - `layouts`: by class, those of one call; none where it was a trace that was passed.
    - `problems`: by path, layouts that do not fit, of which a rule may say better.
    """

    def __init__(self, layouts: Layouts) -> None:
        self.problems: dict[str, str] = {}
        self._traced: dict[str, TracedRow] = {}
        self._gates = False
        if isinstance(layouts, TracedLayouts):
            self._traced = {row.path: row for row in layouts}
            self._gates, layouts = layouts.gates, {}
        self.layouts: Mapping[type, Layout] = layouts
        # Of the owner and field, with the path in that field: that of a bias asks for
        # the kernels beside it.
        self._shapes: dict[tuple[str, str], list[_Within]] = defaultdict(list)
        self._layouts = Memo[Layout | None]()
        self._sites: list[Site] = []
        self._blocks: Blocks | None = None
        self._specs = Memo[ParamSpec]()

    def note(self, site: Site) -> None:
        """Take note of a parameter, before any spec is asked for."""
        self._sites.append(site)
        if site.follows is None and not _blind(site):
            beside = self._shapes[site.layer_path, site.field]
            beside.append((_within(site), site.shape))

    def of(self, site: Site) -> ParamSpec:
        spec, row = self._natural(site), self.traced(site)
        if row is None or row.status != "certain":
            return spec
        return self._specs.once((spec, row), lambda: self._more(spec, row))

    def traced(self, site: Site) -> TracedRow | None:
        row = self._traced.get(site.path)
        fits = row is not None and row.shape == site.shape and site.follows is None
        return row if fits else None

    def block(self, site: Site) -> tuple[int, int] | None:
        if self._blocks is None:
            self._blocks = Blocks(self._sites)
        return self._blocks.of(site)

    @property
    def branches(self) -> int | None:
        counts = (row.residual_count for row in self._traced.values())
        return next((count for count in counts if count is not None), None)

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
        layout = self._layout(site)
        follows = site.follows is not None and site.in_place
        # The layout is that of a value which nobody knows: reported if it is claimed.
        unknown = layout is None or site.field not in layout.fields
        if layout is None or unknown or follows or _blind(site):
            return self._bare(site)
        try:
            return self._by_layout(layout, site)
        except ValueError as error:
            self.problems[site.path] = _misfit(site, str(error))
            return self._bare(site)

    def overridden(self, site: Site, said: Override | None) -> ParamSpec:
        """The spec, with what a rule says of axes and fans instead of the layout."""
        if said is None:
            return site.spec
        spec = site.spec
        if said.axes is not None:
            axes = {site.field: said.axes} if isinstance(said.axes, str) else said.axes
            layout = self._extended(site, _own(site.layer, dict(axes)))
            if site.field in layout.fields:
                spec = self._by_layout(layout, site)
                _check_stacks(site.spec, spec)
            wrong = "" if site.traced is None else contradiction(spec, site.traced)
            if wrong:
                raise ValueError(wrong)
        fans = {"fan_in": said.fan_in, "fan_out": said.fan_out}
        given = {name: float(fan) for name, fan in fans.items() if fan is not None}
        if "fan_in" in given:
            given |= {"default_fan": given["fan_in"]}
        return self._specs.once(
            (spec,),
            lambda: dataclasses.replace(spec, **given),  # pyright: ignore
            equal=tuple(given.items()),
        )

    def _layout(self, site: Site) -> Layout | None:
        cls = type(site.layer)
        return self._layouts.once((cls,), lambda: layout_of(cls, self.layouts))

    def _extended(self, site: Site, axes: Mapping[str, str]) -> Layout:
        """The layout with what a rule says: one object, by which specs are known."""

        def extended() -> Layout:
            return (self._layout(site) or Layout()).extended(axes)

        same = tuple(sorted(axes.items()))
        layout = self._layouts.once((type(site.layer),), extended, equal=same)
        assert layout is not None
        return layout

    def _bare(self, site: Site) -> ParamSpec:
        """A spec that says shape and dtype and no more."""
        same = (site.shape, site.drawn_dtype)
        return self._specs.once((), lambda: make_spec(*same), equal=same)

    def _by_layout(self, layout: Layout, site: Site) -> ParamSpec:
        """The spec that this layout gives, computed once for equal layers."""
        own = _within(site)

        def siblings(field: str) -> Sequence[Shape]:
            known = self._shapes.get((site.layer_path, field), ())
            # In a layer that holds lists of arrays, the i-th bias is the i-th kernel's.
            same = [s for at, s in known if own and f"{at}.".startswith(f"{own}.")]
            return same or [shape for _, shape in known]

        layer, told = site.layer, (site.field, site.shape, site.drawn_dtype)
        kernels = tuple(tuple(siblings(name)) for name in layout.kernels)
        return self._specs.once(
            (layout,),
            lambda: layout.spec(layer, *told, siblings),
            equal=(*told, kernels, layout.facts(layer)),
        )


def _check_stacks(known: ParamSpec, said: ParamSpec) -> None:
    """A rule's notation must not make stacks of what the layout knows to be no stack.

    `out in` for a convolution's kernel would be a stack of matrices, one for each pair
    of channels.
    """
    if known.axes is None or said.axes is None:
        return
    kernel = ("in", "out", "kernel", "pair")
    taken = {axis.dim for axis in known.axes.factors if axis.name in kernel}
    lost = taken.intersection(range(len(said.axes.stack)))
    if lost:
        raise ValueError(
            f"the rule's axes `{said.axes.text}` leave {len(said.axes.stack)} axes of "
            f"shape {known.shape} over, as stacks; by the layout, "
            f"`{known.axes.text}`, they are none. Name every axis, as the layout does."
        )


def _within(site: Site) -> str:
    """The path in the field: `0` for `ws.0` of a layer that holds a list `ws`."""
    head = f"{site.layer_path}.{site.field}" if site.layer_path else site.field
    return site.path[len(head) + 1 :] if site.path.startswith(f"{head}.") else ""


def _blind(site: Site) -> bool:
    return site.parametrization is not None and site.parametrization.blind


def _misfit(site: Site, why: str) -> str:
    owner = type(site.layer).__name__
    return (
        f"the layout of {owner} does not fit: {why} Say "
        f'`layouts={{{owner}: {{"{site.field}": "..."}}}}` for this call, or '
        f'`Rule("{site.path}", ..., axes="...")` for this one.'
    )


def _own(layer: Any, axes: Mapping[str, str]) -> dict[str, str]:
    """Of the axes that a rule says, those of fields that this layer has.

    A kernel that it has not would take the fans from its bias.
    """
    names = getattr(type(layer), "__dataclass_fields__", axes)
    return {field: text for field, text in axes.items() if field in names}
