"""What is wrong with rules on a model, said so that it can be put right."""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .._drawing.row import Row
from .._models.read import Specs
from .._models.selectors import AbstractSelector, Layer, Path, Role
from .._models.walk import Site
from .._nearest import nearest
from .._parameters.paths import first_below
from .._parameters.spec import EXAMPLE_LAYOUT, describe
from .._schemes.initializer import AbstractInitializer
from .rule import Rule


class OfRule(NamedTuple):
    """Problems of a rule as a whole, and the paths of which they say all there is."""

    problems: list[str]
    explained: frozenset[str]


def of_rule(
    specs: Specs, rule: Rule, selected: Sequence[Site], claimed: Sequence[Site]
) -> OfRule:
    """Unused, misspelt, or reaching too far."""
    found = _unknown_fields(rule, selected)
    if not claimed and not rule.optional and not found:
        found.append(_unused(specs, rule, selected))
    strays = _strays(specs, rule, claimed)
    return OfRule(found + strays.problems, strays.explained)


def owner_of(site: Site) -> str:
    return "" if site.layer is None else f", of {type(site.layer).__name__}"


class Complaints:
    """What initializers say of parameters: each complaint once, with all its paths."""

    def __init__(self) -> None:
        self._paths: dict[tuple[str, str, str], list[str]] = {}

    def add(self, site: Site, label: str, complaint: str) -> None:
        said = (owner_of(site), label, _with_advice(site, complaint))
        self._paths.setdefault(said, []).append(site.path)

    @property
    def paths(self) -> set[str]:
        return {path for paths in self._paths.values() for path in paths}

    def __iter__(self) -> Iterator[str]:
        for (owner, label, complaint), paths in self._paths.items():
            rest = f", and {len(paths) - 1} more up to {paths[-1]}"
            more = rest if paths[1:] else ""
            yield f"{paths[0]}{owner}{more} (rule {label}): {complaint}"


def _with_advice(site: Site, complaint: str) -> str:
    """An initializer's complaint, with the layer and the field in its advice."""
    if site.layer is None or EXAMPLE_LAYOUT not in complaint:
        return complaint
    layer = f'register_layout({type(site.layer).__name__}, {site.field}="out in")'
    hint = " (`print(eqinit.suggest_layouts(model))` writes such lines.)"
    known = site.spec.axes is not None
    return complaint.replace(EXAMPLE_LAYOUT, layer) + ("" if known else hint)


def _unknown_fields(rule: Rule, selected: Sequence[Site]) -> list[str]:
    axes = [] if isinstance(rule.axes, str) else [name for name, _ in rule.axes or ()]
    if not selected or not (rule.fields or axes):
        return []
    present = sorted({site.field for site in selected})
    owners = {type(site.layer) for site in selected if site.layer is not None}
    # A field that holds None everywhere (`use_bias=False`) is known, and absent.
    fields = [getattr(cls, "__dataclass_fields__", ()) for cls in owners]
    known = set(present).union(*fields)
    return [
        f"rule {rule.label}: nothing that it selects has a field `{name}`; the fields "
        f"with parameters are {present}."
        + (_module_field(name, selected) or _nearest(name, known))
        for name in dict.fromkeys([*rule.fields, *axes])
        if name not in known
    ]


def _module_field(name: str, selected: Sequence[Site]) -> str:
    """What to say of a name that is a field, with modules in it and no array."""
    for site in selected:
        for above, under in pairwise(site.ancestors):
            if first_below(under.path, above.path) == name:
                outer, inner = type(above.node).__name__, type(under.node).__name__
                reach = f" `{name}` of {outer} holds {inner}, a module: "
                reach += f"`Rule({inner}, {site.field}=...)` reaches its arrays."
                if site.spec.axes is not None:
                    return reach
                return (
                    f"{reach} If {inner} stands for an array, say so with "
                    f'`register_parametrization({inner}, field="{site.field}")` and '
                    f'`register_layout({outer}, {name}="...")`.'
                )
    return ""


def _unused(specs: Specs, rule: Rule, selected: Sequence[Site]) -> str:
    if any(rule.initializer(site.field) is not None for site in selected):
        return (
            f"rule {rule.label}: all {len(selected)} parameters that it selects are "
            "taken by earlier rules (the first rule that claims a parameter wins). "
            "Move it up, or pass `optional=True`."
        )
    if selected:
        fields = sorted({site.field for site in selected})
        return (
            f"rule {rule.label}: it sets {sorted(rule.fields)}, and what it selects "
            f"has only {fields}. Name one of these, or pass `optional=True`."
        )
    return f"rule {rule.label} matches nothing.{no_match(specs, rule.selector)}"


def no_match(specs: Specs, selector: AbstractSelector) -> str:
    """What there is instead, when a selector matches nothing."""
    sites = specs.sites.parameters
    if isinstance(selector, Path):
        return _no_path(specs, selector)
    if isinstance(selector, Layer):
        types = sorted({type(s.layer).__name__ for s in sites if s.layer is not None})
        return f" The layers with parameters here are {types}."
    if isinstance(selector, Role):
        roles = sorted({site.spec.role for site in sites})
        return f" The roles here are {roles}."
    return " `print(eqinit.plan(model, []))` lists what there is."


def _no_path(specs: Specs, selector: Path) -> str:
    probes = [Site(path, np.zeros(()), 0, (), "") for path in specs.sites.shared]
    shared = [probe.path for probe in probes if selector.matches(probe)]
    if shared:
        return (
            f" `{shared[0]}` is the shared copy of an `eqx.nn.Shared`; set its source "
            "instead."
        )
    sites = specs.sites.parameters
    nodes = {step.path for site in sites for step in site.ancestors if step.path}
    return _nearest(selector.glob, nodes | {site.path for site in sites})


def _nearest(said: str, known: set[str]) -> str:
    if not known:
        return " There is no parameter here at all."
    some = ", ".join(f"`{name}`" for name in sorted(known)[:5])
    return nearest(said, known) or f" There are {some}, ..."


def _strays(specs: Specs, rule: Rule, claimed: Sequence[Site]) -> OfRule:
    """A scheme made for one role must not reach others by a positional rule."""
    if rule.fields or not isinstance(rule.init, AbstractInitializer):
        return OfRule([], frozenset())
    made_for = rule.init.roles
    roles = {site.path: _role(specs, rule, site) for site in claimed}
    strays = [s for s in claimed if roles[s.path] not in (*made_for, "other")]
    if not made_for or not strays or len(set(roles.values())) == 1:
        return OfRule([], frozenset())
    site, name = strays[0], type(rule.init).__name__
    more = f" (and {len(strays) - 1} more)" if strays[1:] else ""
    problem = (
        f"rule {rule.label}: {name} is made for {' or '.join(_a(r) for r in made_for)} "
        f"and would also reach `{site.path}`, {_a(roles[site.path])}{more}. Say which "
        f"field gets what: {_by_field(name, made_for, roles, claimed)}."
    )
    return OfRule([problem], frozenset(s.path for s in strays))


def _a(role: str) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


# What to suggest for a role that a scheme is not made for.
_INSTEAD = {
    "kernel": "HeNormal()",
    "bias": "Zeros()",
    "scale": "Ones()",
    "embedding": "Normal(0.02)",
}


def _by_field(
    name: str,
    made_for: Sequence[str],
    roles: Mapping[str, str],
    claimed: Sequence[Site],
    most: int = 3,
) -> str:
    """The keyword form for each type of layer."""
    layers: dict[str, dict[str, str]] = {}
    for site in claimed:
        role = roles[site.path]
        init = f"{name}()" if role in (*made_for, "other") else _INSTEAD[role]
        layers.setdefault(type(site.layer).__name__, {})[site.field] = init
    said = [
        f"`Rule(..., {', '.join(f'{k}={v}' for k, v in fields.items())})` for {owner}"
        for owner, fields in layers.items()
    ]
    return ", ".join(said[:most]) + (" and so on" if said[most:] else "")


def _role(specs: Specs, rule: Rule, site: Site) -> str:
    try:
        return specs.overridden(site, rule.override).role
    except ValueError:
        return site.spec.role  # reported where the row is made


def of_unclaimed(
    rows: Sequence[Row], strict: bool, allow_abstract: bool, broken: Set[str]
) -> list[str]:
    """Abstract parameters that stay so, and under `strict` every unclaimed one.

    Parameters at `broken` paths are reported already.
    """
    missing = [r for r in rows if r.init is None and r.path not in broken]
    abstract = [r for r in missing if r.abstract and not allow_abstract]
    known = [r for r in missing if allow_abstract or not r.abstract]
    kept = [r for r in known if r.rule is None]
    said: list[str] = []
    if abstract:
        said.append(
            f"{_count(abstract)} abstract and no rule gives them a value:\n"
            f"{_lines(abstract)}\n  Add a rule for them, such as "
            '`Rule(Role("bias"), Zeros())`, or build them with `eqinit.build`.'
        )
    if strict and kept:
        said.append(
            f"{_count(kept)} claimed by no rule, and `strict=True`:\n{_lines(kept)}\n"
            "  Add a rule for them; `Keep()` says that a value is meant to stay."
        )
    return said


def _count(rows: Sequence[Row]) -> str:
    many = len(rows) > 1
    return f"{len(rows)} parameters are" if many else "1 parameter is"


def _lines(rows: Sequence[Row], most: int = 12) -> str:
    shown = [f"    {row.path}   {describe(row.spec)}" for row in rows[:most]]
    more = len(rows) - most
    return "\n".join(shown + ([f"    ... and {more} more"] if more > 0 else []))


def report(found: Sequence[str], most: int = 30) -> str:
    """All problems in one text."""
    if len(found) == 1:
        return found[0]
    shown = [f"- {problem}" for problem in found[:most]]
    more = [f"- ... and {len(found) - most} more"] if len(found) > most else []
    return "\n".join([f"{len(found)} problems, and nothing was drawn:", *shown, *more])
