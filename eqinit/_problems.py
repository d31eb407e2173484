"""What is wrong with rules on a model, said so that it can be put right."""

import difflib
from collections.abc import Sequence

import numpy as np

from ._initializer import AbstractInitializer
from ._row import Row
from ._rules import Rule
from ._select import AbstractSelector, Layer, Path, Role
from ._sites import Site
from ._spec import EXAMPLE_LAYOUT
from ._specs import Specs
from ._table import describe


def of_rule(
    specs: Specs, rule: Rule, selected: Sequence[Site], claimed: Sequence[Site]
) -> list[str]:
    """Problems of one rule as a whole: unused, misspelt, or reaching too far."""
    found = _unknown_fields(rule, selected)
    if not claimed and not rule.optional and not found:
        found.append(_unused(specs, rule, selected))
    return found + _stray_roles(specs, rule, claimed)


def owner_of(site: Site) -> str:
    return "" if site.layer is None else f", of {type(site.layer).__name__}"


def complaint_of(site: Site, complaint: str) -> str:
    """An initializer's complaint, with the layer and the field in its advice."""
    if site.layer is None or EXAMPLE_LAYOUT not in complaint:
        return complaint
    layer = f'register_layout({type(site.layer).__name__}, {site.field}="out in")'
    hint = " (`print(eqinit.suggest_layouts(model))` writes such lines.)"
    known = site.spec.axes is not None
    return complaint.replace(EXAMPLE_LAYOUT, layer) + ("" if known else hint)


def _unknown_fields(rule: Rule, selected: Sequence[Site]) -> list[str]:
    if not selected or not rule.fields:
        return []
    present = sorted({site.field for site in selected})
    owners = {type(site.layer) for site in selected if site.layer is not None}
    # A field that holds None everywhere (`use_bias=False`) is known, and absent.
    known = set(present).union(*(getattr(c, "__dataclass_fields__", ()) for c in owners))
    return [
        f"rule {rule.label}: nothing that it selects has a field `{name}`; the fields "
        f"with parameters are {present}.{_nearest(name, known)}"
        for name in rule.fields
        if name not in known
    ]


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
            f"rule {rule.label}: it sets {sorted(rule.fields)}, and what it selects has "
            f"only {fields}. Name one of these, or pass `optional=True`."
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
    close = difflib.get_close_matches(said, sorted(known), n=3, cutoff=0.4)
    if close:
        return f" Did you mean {' or '.join(f'`{name}`' for name in close)}?"
    return f" There are {', '.join(f'`{name}`' for name in sorted(known)[:5])}, ..."


def _stray_roles(specs: Specs, rule: Rule, claimed: Sequence[Site]) -> list[str]:
    """A scheme made for one role must not reach others by a positional rule."""
    if rule.fields or not isinstance(rule.init, AbstractInitializer):
        return []
    made_for = rule.init.roles
    roles = {site.path: _role(specs, rule, site) for site in claimed}
    strays = [s for s in claimed if roles[s.path] not in (*made_for, "other")]
    if not made_for or not strays or len(set(roles.values())) == 1:
        return []
    site = strays[0]
    name = type(rule.init).__name__
    siblings = [s for s in claimed if s.layer_path == site.layer_path]
    right = [s.field for s in siblings if roles[s.path] in made_for] or ["weight"]
    return [
        f"rule {rule.label}: {name} is made for a {' or '.join(made_for)} and would "
        f"also reach `{site.path}`, a {roles[site.path]}. Say which field gets what: "
        f"`Rule(..., {right[0]}={name}(), {site.field}=Zeros())`."
    ]


def _role(specs: Specs, rule: Rule, site: Site) -> str:
    try:
        return specs.ruled(site, rule).role
    except ValueError:
        return site.spec.role  # reported where the row is made


def of_unclaimed(
    rows: Sequence[Row], strict: bool, allow_abstract: bool, found: Sequence[str]
) -> list[str]:
    """Abstract parameters that stay so, and under `strict` every unclaimed one."""
    # A broken rule's parameters are reported already.
    broken = {problem.split(" ")[0].rstrip(",") for problem in found}
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
