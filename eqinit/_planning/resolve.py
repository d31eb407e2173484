"""Rules against a model: rows, notes, and everything that is wrong."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from .._drawing.row import Row
from .._gc import no_collection
from .._inference.facts import Layouts
from .._models.read import Sites, read
from .claims import Claims, claims_of
from .notes import notes_of
from .parametrized import through_parametrizations, without_followers
from .part_problems import notes_of_parts, problems_of_parts
from .problems import Problem, paths_of, report
from .rows import rows_of, unclaimed
from .rule import Rule
from .rule_problems import problems_of_rules


class Resolved(NamedTuple):
    """What a plan shows (rows, notes), and the sites that it was made of."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    sites: Sites


@no_collection()
def resolve(
    model: Any,
    rules: Sequence[Rule],
    layouts: Layouts,
    *,
    strict: bool = False,
    allow_abstract: bool = False,
) -> Resolved:
    """One row per parameter, and what else a plan shows.

    `allow_abstract` is for a caller that has another source for unclaimed values.

    **Raises:** `ValueError` that lists every problem of the call.
    """
    sites = read(model, layouts)
    claims = claims_of(model, rules, sites)
    problems = [
        *_misfits(sites, rules, claims),
        *problems_of_rules(sites, rules, claims),
        *problems_of_parts(rules, claims),
    ]
    given = claims
    explained = paths_of(problems)
    claims, doubled = without_followers(rules, claims)
    rows, unserved = rows_of(sites, rules, claims)
    rows, outside = through_parametrizations(sites.parameters, rows)
    problems += [*doubled, *(p for p in unserved if explained.isdisjoint(p.paths))]
    problems += outside
    problems += unclaimed(rows, strict, allow_abstract, paths_of(problems))
    if problems:
        raise ValueError(report(problems))
    notes = (*notes_of(sites, rows, rules), *notes_of_parts(rules, rows, given))
    return Resolved(rows, notes, sites)


def _misfits(sites: Sites, rules: Sequence[Rule], claims: Claims) -> list[Problem]:
    """Layouts that do not fit, where no rule says the axes itself."""
    if not sites.problems:
        return []
    pairs = zip(claims.sites, claims.winner, strict=True)
    ruled = {s.path for s, n in pairs if n is not None and rules[n].says_axes(s.field)}
    return [
        Problem((path,), "", text)
        for path, text in sites.problems.items()
        if path not in ruled
    ]
