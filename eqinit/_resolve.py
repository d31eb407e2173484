"""Rules against a model: who claims what, and everything that is wrong with it."""

import dataclasses
import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx

from ._initializer import AbstractInitializer
from ._rules import Rule
from ._select import AbstractSelector, Layer, Path, Role
from ._sites import Site, Sites, find_sites
from ._spec import ParamSpec, make_spec
from ._typing import Shape
from .interop import as_initializer, is_site_function
from .layouts import Layout, layout_of
from .schemes.constant import Keep


class Row(eqx.Module):
    """One parameter of a plan.

    - `path`, `spec`: where it is and what it is.
    - `init`: the initializer that it gets, or `None` where it keeps its value.
    - `rule`: the selector of the rule that claimed it, or `None`.
    - `abstract`: whether there is no value yet.
    """

    path: str = eqx.field(static=True)
    spec: ParamSpec = eqx.field(static=True)
    init: AbstractInitializer | None
    rule: str | None = eqx.field(static=True)
    abstract: bool = eqx.field(static=True, default=False)

    @property
    def status(self) -> str:
        return "kept" if self.init is None else "set"

    @property
    def moments(self) -> tuple[float | None, float | None]:
        """Expected mean and std; `None` where unknown (or still being traced)."""
        if self.init is None:
            return None, None
        try:
            moments = self.init.moments(self.spec)
        except TypeError:
            # A traced gain has no value to show yet (jax's concretisation errors are
            # type errors).
            return None, None
        return (None, None) if moments is None else (moments.mean, moments.std)

    @property
    def mean(self) -> float | None:
        return self.moments[0]

    @property
    def std(self) -> float | None:
        return self.moments[1]


@dataclasses.dataclass
class Resolver:
    """State of one resolution; problems are collected, never raised one by one."""

    model: Any
    rules: Sequence[Rule]
    layouts: Mapping[type, Layout]
    problems: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        sites = find_sites(self.model)
        shapes: dict[tuple[str, str], list[Shape]] = defaultdict(list)
        for site in sites.parameters:
            shapes[site.layer_path, site.field].append(site.shape)
        self.shapes = shapes
        specced = tuple(
            dataclasses.replace(site, spec=self.natural_spec(site))
            for site in sites.parameters
        )
        self.sites = Sites(specced, sites.shared, sites.leaves)

    def layout(self, site: Site) -> Layout | None:
        return layout_of(type(site.layer), self.layouts)

    def natural_spec(self, site: Site) -> ParamSpec:
        """The spec by layout alone; a layout that does not fit is a problem."""
        layout = self.layout(site)
        if layout is None or site.field not in layout.fields:
            return make_spec(site.shape, site.dtype)
        try:
            return self.spec_by(layout, site)
        except ValueError as error:
            owner = type(site.layer).__name__
            self.problems.append(
                f"{site.path}: the layout of {owner} does not fit: {error} Say "
                f'`layouts={{{owner}: {{"{site.field}": "..."}}}}` for this call.'
            )
            return make_spec(site.shape, site.dtype)

    def spec_by(self, layout: Layout, site: Site) -> ParamSpec:
        def siblings(field: str) -> Sequence[Shape]:
            return self.shapes[site.layer_path, field]

        return layout.spec(site.layer, site.field, site.shape, site.dtype, siblings)

    def ruled_spec(self, site: Site, rule: Rule) -> ParamSpec:
        """The spec, with what the rule itself says of axes and fans."""
        spec = site.spec
        if rule.axes is not None:
            layout = self.layout(site) or Layout({})
            said = {site.field: rule.axes} if isinstance(rule.axes, str) else rule.axes
            layout = layout.extended(dict(said))
            if site.field in layout.fields:
                spec = self.spec_by(layout, site)
        fans = {"fan_in": rule.fan_in, "fan_out": rule.fan_out}
        given = {name: float(fan) for name, fan in fans.items() if fan is not None}
        if "fan_in" in given:
            given |= {"default_fan": given["fan_in"]}
        return dataclasses.replace(spec, **given)


def resolve(
    model: Any,
    rules: Sequence[Rule],
    layouts: Mapping[type, Layout],
    *,
    strict: bool = False,
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """One row a parameter, and the paths of shared slots.

    **Raises:** `ValueError` that lists every problem of the call.
    """
    state = Resolver(model, rules, layouts)
    sites = state.sites.parameters
    masks = [rule.selector.mask(model, sites) for rule in rules]
    claims = [_claim(site, i, rules, masks) for i, site in enumerate(sites)]
    for number, (rule, mask) in enumerate(zip(rules, masks, strict=True)):
        _check_rule(state, rule, mask, [c == number for c in claims])
    rows = tuple(
        _row(state, site, None if claim is None else rules[claim], strict)
        for site, claim in zip(sites, claims, strict=True)
    )
    _check_kept(state, rows, strict)
    if state.problems:
        raise ValueError(_report(state.problems))
    return rows, state.sites.shared


def _claim(
    site: Site, i: int, rules: Sequence[Rule], masks: Sequence[list[bool]]
) -> int | None:
    """The first rule that selects this parameter and has an initializer for it."""
    for number, rule in enumerate(rules):
        if masks[number][i] and rule.initializer(site.field) is not None:
            return number
    return None


def _row(state: Resolver, site: Site, rule: Rule | None, strict: bool) -> Row:
    del strict
    if rule is None:
        return Row(site.path, site.spec, None, None, site.is_abstract)
    try:
        spec = state.ruled_spec(site, rule)
        init = _initializer(rule, dataclasses.replace(site, spec=spec))
        if isinstance(init, Keep):
            return Row(site.path, spec, None, rule.label, site.is_abstract)
        init.check(spec)
    except (ValueError, TypeError) as error:
        state.problems.append(f"{site.path} (rule {rule.label}): {error}")
        return Row(site.path, site.spec, None, rule.label)
    return Row(site.path, spec, init, rule.label, site.is_abstract)


def _initializer(rule: Rule, site: Site) -> AbstractInitializer:
    said = rule.initializer(site.field)
    if is_site_function(said):
        said = said(site)
        said = Keep() if said is None else said
    return as_initializer(said)


def _check_rule(
    state: Resolver, rule: Rule, mask: list[bool], claimed: list[bool]
) -> None:
    sites = [s for s, hit in zip(state.sites.parameters, mask, strict=True) if hit]
    own = [s for s, hit in zip(state.sites.parameters, claimed, strict=True) if hit]
    state.problems.extend(_unknown_fields(rule, sites))
    if not own and not rule.optional:
        state.problems.append(_unused(state, rule, sites))
    _check_roles(state, rule, own)


def _unknown_fields(rule: Rule, sites: Sequence[Site]) -> list[str]:
    if not sites:
        return []
    known = {site.field for site in sites}
    owners = {type(site.layer) for site in sites if site.layer is not None}
    known |= {
        name for cls in owners for name in getattr(cls, "__dataclass_fields__", {})
    }
    present = sorted({site.field for site in sites})
    return [
        f"rule {rule.label}: nothing that it selects has a field `{name}`; the fields "
        f"with parameters are {present}.{_nearest(name, known)}"
        for name in rule.fields
        if name not in known
    ]


def _unused(state: Resolver, rule: Rule, sites: Sequence[Site]) -> str:
    if any(rule.initializer(site.field) is not None for site in sites):
        return (
            f"rule {rule.label}: all {len(sites)} parameters that it selects are taken "
            "by earlier rules (the first rule that claims a parameter wins). Move it "
            "up, or pass `optional=True`."
        )
    if sites:
        fields = sorted({site.field for site in sites})
        return (
            f"rule {rule.label}: it sets {sorted(rule.fields)}, and what it selects has "
            f"only {fields}. Name one of these, or pass `optional=True`."
        )
    return f"rule {rule.label} matches nothing.{no_match(state, rule.selector)}"


def no_match(state: Resolver, selector: AbstractSelector) -> str:
    """What there is instead, when a selector matches nothing."""
    sites = state.sites.parameters
    if isinstance(selector, Path):
        shared = [path for path in state.sites.shared if _covers(selector, path)]
        if shared:
            return (
                f" `{shared[0]}` is the shared copy of an `eqx.nn.Shared`; set its "
                "source instead."
            )
        return _nearest(selector.glob, _all_paths(sites))
    if isinstance(selector, Layer):
        types = sorted({type(s.layer).__name__ for s in sites if s.layer is not None})
        return f" The layers with parameters here are {types}."
    if isinstance(selector, Role):
        roles = sorted({site.spec.role for site in sites})
        return f" The roles here are {roles}."
    return " `print(eqinit.plan(model, []))` lists what there is."


def _covers(selector: Path, path: str) -> bool:
    import numpy as np

    return selector.matches(Site(path, np.zeros(()), 0, (), ""))


def _all_paths(sites: Sequence[Site]) -> set[str]:
    nodes = {site.path for site in sites}
    return nodes | {step.path for site in sites for step in site.ancestors if step.path}


def _nearest(said: str, known: set[str]) -> str:
    close = difflib.get_close_matches(said, sorted(known), n=3, cutoff=0.4)
    if close:
        return f" Did you mean {' or '.join(f'`{name}`' for name in close)}?"
    return f" There are {', '.join(f'`{name}`' for name in sorted(known)[:5])}, ..."


def _check_roles(state: Resolver, rule: Rule, own: Sequence[Site]) -> None:
    """A scheme made for one role must not reach others by a positional rule."""
    if rule.fields or not isinstance(rule.init, AbstractInitializer):
        return
    made_for = rule.init.roles
    roles = {state_role(state, rule, site) for site in own}
    stray = sorted(roles - set(made_for) - {"other"})
    if not made_for or not stray or len(roles) == 1:
        return
    site = next(s for s in own if state_role(state, rule, s) == stray[0])
    name = type(rule.init).__name__
    fields = {s.field: state_role(state, rule, s) for s in own}
    right = next((f for f, role in fields.items() if role in made_for), "weight")
    state.problems.append(
        f"rule {rule.label}: {name} is made for a {' or '.join(made_for)} and would "
        f"also reach `{site.path}`, a {stray[0]}. Say which field gets what: "
        f"`Rule(..., {right}={name}(), {site.field}=Zeros())`."
    )


def state_role(state: Resolver, rule: Rule, site: Site) -> str:
    try:
        return state.ruled_spec(site, rule).role
    except ValueError:
        return site.spec.role  # reported where the row is made


def _check_kept(state: Resolver, rows: Sequence[Row], strict: bool) -> None:
    abstract = [row for row in rows if row.init is None and row.abstract]
    kept = [row for row in rows if row.rule is None and not row.abstract]
    reported = {problem.split(" ")[0] for problem in state.problems}
    abstract = [row for row in abstract if row.path not in reported]
    if abstract:
        state.problems.append(
            f"{_count(abstract)} abstract and no rule gives them a value:\n"
            f"{_lines(abstract)}\n  Add a rule for them, such as "
            '`Rule(Role("bias"), Zeros())`, or build them with `eqinit.build`.'
        )
    if strict and kept:
        state.problems.append(
            f"{_count(kept)} claimed by no rule, and `strict=True`:\n{_lines(kept)}\n"
            "  Add a rule for them; `Keep()` says that a value is meant to stay."
        )


def _count(rows: Sequence[Row]) -> str:
    return (
        f"{len(rows)} parameter is" if len(rows) == 1 else f"{len(rows)} parameters are"
    )


def _lines(rows: Sequence[Row], most: int = 12) -> str:
    from ._table import describe

    shown = [f"    {row.path}   {describe(row.spec)}" for row in rows[:most]]
    more = len(rows) - most
    return "\n".join(shown + ([f"    ... and {more} more"] if more > 0 else []))


def _report(problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    body = "\n".join(f"- {problem}" for problem in problems)
    return f"{len(problems)} problems, and nothing was drawn:\n{body}"
