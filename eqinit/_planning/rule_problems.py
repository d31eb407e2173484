"""What is wrong with a rule as a whole: unused, misspelt, or reaching too far."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from .._articles import with_article
from .._models.alternatives import no_match
from .._models.read import Sites
from .._models.site import Site
from .._nearest import nearest
from .._parameters.paths import first_below
from .._schemes.initializer import AbstractInitializer
from .claims import Claims
from .problems import Problem
from .rule import Rule


def problems_of_rules(
    sites: Sites, rules: Sequence[Rule], claims: Claims
) -> list[Problem]:
    """The problems of all rules, in their order."""
    return [
        problem
        for number, rule in enumerate(rules)
        for problem in _of_rule(sites, rule, number, claims)
    ]


def _of_rule(sites: Sites, rule: Rule, number: int, claims: Claims) -> list[Problem]:
    selected, claimed = claims.selected[number], claims.of(number)
    misspelt = _unknown_fields(rule, selected)
    unused = not claimed and not rule.optional and not misspelt
    declined = len(claims.declined[number])
    texts = misspelt + ([_unused(sites, rule, selected, declined)] if unused else [])
    problems = [Problem((), rule.label, text) for text in texts]
    return problems + _strays(sites, rule, claimed)


def _unknown_fields(rule: Rule, selected: Sequence[Site]) -> list[str]:
    """Fields that nothing has to which the rule could give something, or axes."""
    if not selected:
        return []
    present = sorted({site.field for site in selected})
    owners = {type(site.layer) for site in selected if site.layer is not None}
    # A field that holds None everywhere (`use_bias=False`) is known, and absent.
    fields = [getattr(cls, "__dataclass_fields__", ()) for cls in owners]
    known = set(present).union(*fields)
    some = ", ".join(f"`{name}`" for name in sorted(known)[:5])
    return [
        f"nothing that it selects has a field `{name}`; the fields with parameters are "
        f"{present}."
        + (
            _module_field(name, selected)
            or nearest(name, known)
            or f" There are {some}, ..."
        )
        for name in dict.fromkeys([*rule.fields, *_axes_by_field(rule)])
        # An optional rule may be for layers that are not there, but not for `wieght`.
        if name not in known
        and (not rule.optional or any(_slip(name, other) for other in known))
    ]


def _slip(name: str, other: str) -> bool:
    """Whether letters are swapped, or one is too many or missing in a longer name."""
    if sorted(name) == sorted(other):
        return True
    shorter, longer = sorted((name, other), key=len)
    drops = (longer[:i] + longer[i + 1 :] for i in range(len(longer)))
    return len(shorter) > 3 and shorter in drops


def _axes_by_field(rule: Rule) -> Iterable[str]:
    return () if isinstance(rule.axes, str) else dict(rule.axes or ())


def _module_field(name: str, selected: Sequence[Site]) -> str:
    """What to say of a name that is a field, with modules in it and no array."""
    for site in selected:
        for above, under in pairwise(site.ancestors):
            if first_below(under.path, above.path) == name:
                outer, inner = type(above.module).__name__, type(under.module).__name__
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


def _unused(sites: Sites, rule: Rule, selected: Sequence[Site], declined: int) -> str:
    if declined:
        return (
            f"its function returned None for each of the {declined} parameters that "
            "are left to it: it claims nothing. Let it return an initializer for one "
            "of them, `Keep()` to keep a value, or pass `optional=True`."
        )
    if any(rule.initializer(site.field) is not None for site in selected):
        return (
            f"all {len(selected)} parameters that it selects are taken by earlier "
            "rules (the first rule that claims a parameter wins). Move it up, or pass "
            "`optional=True`."
        )
    if selected:
        fields = sorted({site.field for site in selected})
        return (
            f"it sets {sorted(rule.fields)}, and what it selects has only {fields}. "
            "Name one of these, or pass `optional=True`."
        )
    return f"it matches nothing.{no_match(sites, rule.selector)}"


def _strays(sites: Sites, rule: Rule, claimed: Sequence[Site]) -> list[Problem]:
    """A scheme made for one role must not reach others by a positional rule."""
    if rule.fields or not isinstance(rule.init, AbstractInitializer):
        return []
    made_for = rule.init.roles
    roles = {site.path: _role(sites, rule, site) for site in claimed}
    strays = [s for s in claimed if roles[s.path] not in (*made_for, "other")]
    if not made_for or not strays or len(set(roles.values())) == 1:
        return []
    name = type(rule.init).__name__
    reached = dict.fromkeys(with_article(roles[site.path]) for site in strays)
    this = "this is" if len(strays) == 1 else "each is"
    wanted = " or ".join(map(with_article, made_for))
    text = (
        f"{name} is made for {wanted}, and {this} "
        f"{' or '.join(reached)}. Say which field gets what: "
        f"{_by_field(name, made_for, roles, claimed)}."
    )
    return [Problem(tuple(site.path for site in strays), rule.label, text)]


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


def _role(sites: Sites, rule: Rule, site: Site) -> str:
    try:
        return sites.overridden(site, rule.override).role
    except ValueError:
        return site.spec.role  # reported where the row is made
