"""Rules on parameters that are kept in another form, and on what follows them."""

import dataclasses
from collections.abc import Sequence

from .._drawing.row import Row
from .._models.site import Site
from .._tables import number
from .claims import Claims
from .keep import Keep
from .problems import Problem, problem_of
from .rule import Rule


def without_followers(
    rules: Sequence[Rule], claims: Claims
) -> tuple[Claims, list[Problem]]:
    """The claims without those on what follows a claimed parameter, and their problems.

    `g` of a `WeightNorm` follows its weight: it is brought into step when that is set.
    """
    place = {site.path: i for i, site in enumerate(claims.sites)}
    pairs = list(zip(claims.sites, claims.winner, strict=True))
    # Rules that win something that follows nothing.
    means_more = {n for site, n in pairs if n is not None and site.follows is None}
    winner: list[int | None] = []
    problems: list[Problem] = []
    for site, rule in pairs:
        winner.append(rule)
        if rule is None or site.follows is None or site.follows not in place:
            continue
        source_is_claimed = _is_set(claims, place[site.follows])
        if not source_is_claimed and not site.in_place:
            continue  # a field of its own, which may be set alone
        winner[-1] = None
        label = rules[rule].label
        # What shares its owner's field with its source is reached by naming that one.
        together = site.in_place or not rules[rule].fields
        by_the_way = rule in means_more and together
        if not source_is_claimed:
            problems.append(problem_of(site, label, _half(site.follows)))
        elif not by_the_way:
            problems.append(problem_of(site, label, _twice(site.follows)))
    return dataclasses.replace(claims, winner=tuple(winner)), problems


def _is_set(claims: Claims, i: int) -> bool:
    """Whether a rule claims this site, and not in order to `Keep()` it."""
    return i in claims.answers and not isinstance(claims.answers[i], Keep)


def _half(source: str) -> str:
    return (
        "it is one half of a parameter that is kept in two. Claim the other half, "
        f"`{source}`, and both are set so that the effective value is what was drawn."
    )


def _twice(source: str) -> str:
    return (
        f"it follows `{source}`, which is claimed as well: together they make the "
        "effective value. Leave this one out, or `Keep()` the other."
    )


def through_parametrizations(
    sites: Sequence[Site], rows: Sequence[Row]
) -> tuple[tuple[Row, ...], list[Problem]]:
    """Rows with what parametrizations mean for them, and what is wrong with that."""
    drawn = {row.path: row for row in rows if row.init is not None}
    pairs = list(zip(sites, rows, strict=True))
    problems = [p for site, row in pairs for p in _domain_problems(site, row)]
    return tuple(_in_step(site, row, drawn) for site, row in pairs), problems


def _in_step(site: Site, row: Row, drawn: dict[str, Row]) -> Row:
    if site.parametrization is not None and row.init is not None:
        return dataclasses.replace(row, through=site.parametrization.name)
    source = None if site.follows is None else drawn.get(site.follows)
    if source is None:
        return row
    follows = source.path
    return dataclasses.replace(row, rule=source.rule, abstract=False, follows=follows)


def _domain_problems(site: Site, row: Row) -> list[Problem]:
    """Values that no parametrization of this kind can stand for."""
    bound, init = site.parametrization, row.init
    if bound is None or init is None:
        return []
    if bound.kind is None:
        return [problem_of(site, row.rule or "", bound.why)]
    try:
        law = init.law(row.spec)
        values = None if law is None else law.support()
    except (TypeError, ValueError):
        return []  # traced, or reported where the row was made
    if values is None or bound.kind.domain.holds(*values):
        return []
    low, high = (number(end) for end in values)
    text = (
        f"{type(init).__name__} draws from {low} to {high}, and {bound.name} can stand "
        f"for {bound.kind.domain} only. Use a scheme that stays inside, such as "
        "`**hoedt()`, `LogNormal(...)`, `Uniform(a, b)` or `Abs(...)` around this one."
    )
    return [problem_of(site, row.rule or "", text)]
