"""Rules on parameters that are kept in another form, and on what follows them."""

import dataclasses
from collections.abc import Sequence

from .._drawing.row import Row
from .._laws.support import support
from .._models.walk import Site
from .._tables import number
from .rule import Rule


def release_followers(
    sites: Sequence[Site], rules: Sequence[Rule], winner: list[int | None]
) -> list[str]:
    """Take what follows a claimed parameter out of the rules' hands.

    A rule that reaches `g` of a `WeightNorm` beside its weight means the weight; one
    that names `g` alone says something that the weight says already.
    """
    by_path = {site.path: i for i, site in enumerate(sites)}
    claims = [(i, number) for i, number in enumerate(winner) if number is not None]
    means_more = {n for i, n in claims if sites[i].follows is None}
    found: list[str] = []
    for i, claimed_by in claims:
        source = sites[i].follows
        if source is None or source not in by_path:
            continue
        if winner[by_path[source]] is None:
            if sites[i].in_place:
                found.append(_half(sites[i], rules[claimed_by], source))
                winner[i] = None
            continue
        # What shares its owner's field with the weight is reached by naming the weight.
        named = bool(rules[claimed_by].fields) and not sites[i].in_place
        if named or claimed_by not in means_more:
            found.append(_twice(sites[i], rules[claimed_by], source))
        winner[i] = None
    return found


def _half(site: Site, rule: Rule, source: str) -> str:
    return (
        f"{site.path}{_owner(site)} (rule {rule.label}): it is one half of a "
        f"parameter that is kept in two. Claim the other half, `{source}`, and both "
        "are set so that the effective value is what was drawn."
    )


def _twice(site: Site, rule: Rule, source: str) -> str:
    return (
        f"{site.path}{_owner(site)} (rule {rule.label}): it follows `{source}`, "
        "which is claimed as well: together they make the effective value. Leave this "
        "one out, or `Keep()` the other."
    )


def through_wrappers(
    sites: Sequence[Site], rows: Sequence[Row]
) -> tuple[tuple[Row, ...], list[str]]:
    """Rows with what parametrizations mean for them, and what is wrong with that."""
    drawn = {row.path: row for row in rows if row.init is not None}
    found: list[str] = []
    done: list[Row] = []
    for site, row in zip(sites, rows, strict=True):
        if site.parametrization is not None and row.init is not None:
            found += _complaints(site, row)
            row = dataclasses.replace(row, through=site.parametrization.name)
        elif site.follows in drawn:
            source = drawn[site.follows]
            row = dataclasses.replace(
                row, rule=source.rule, abstract=False, follows=source.path
            )
        done.append(row)
    return tuple(done), found


def _complaints(site: Site, row: Row) -> list[str]:
    assert site.parametrization is not None
    assert row.init is not None
    where = f"{site.path}{_owner(site)} (rule {row.rule})"
    kind = site.parametrization.kind
    if kind is None:
        return [f"{where}: {site.parametrization.why}"]
    try:
        bounds = support(row.init.law(row.spec))
    except (TypeError, ValueError):
        return []  # traced, or reported where the row was made
    if bounds is None or kind.domain.holds(*bounds):
        return []
    low, high = (number(bound) for bound in bounds)
    return [
        f"{where}: {type(row.init).__name__} draws from {low} to {high}, and "
        f"{site.parametrization.name} can stand for {kind.domain} only. Use a scheme "
        "that stays inside, such as `**hoedt()`, `LogNormal(...)`, `Uniform(a, b)` or "
        "`Abs(...)` around this one."
    ]


def _owner(site: Site) -> str:
    return "" if site.layer is None else f", of {type(site.layer).__name__}"
