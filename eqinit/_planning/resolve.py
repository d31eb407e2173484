"""Rules against a model: who claims what, and everything that is wrong with it."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._drawing.row import Row
from .._gc import no_collection
from .._layouts.layout import Layout
from .._memo import Memo
from .._models.read import Specs
from .._models.walk import Site, Sites
from .._parameters.spec import ParamSpec
from .._schemes.constant import Keep
from .._schemes.foreign import as_initializer
from .._schemes.initializer import AbstractInitializer
from . import problems
from .notes import notes_of
from .rule import Rule
from .wrapped_rows import release_followers, through_wrappers


class Resolved(NamedTuple):
    """What a plan shows (rows, notes), and the sites that it was made of."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    sites: Sites


@no_collection()
def resolve(
    model: Any,
    rules: Sequence[Rule],
    layouts: Mapping[type, Layout],
    *,
    strict: bool = False,
    allow_abstract: bool = False,
) -> Resolved:
    """One row a parameter, and what else a plan shows.

    `allow_abstract` is for a caller that has another source for unclaimed values.

    **Raises:** `ValueError` that lists every problem of the call.
    """
    specs = Specs(model, layouts)
    sites = specs.sites.parameters
    claims = _claims(model, rules, sites)
    found = _misfits(specs, rules, claims.winner)
    explained: set[str] = set()
    for rule, (selected, claimed) in zip(rules, claims.by_rule, strict=True):
        of_rule = problems.of_rule(specs, rule, selected, claimed)
        found += of_rule.problems
        explained |= of_rule.explained
    found += release_followers(sites, rules, claims.winner)
    rows, complaints = _rows(specs, rules, claims.winner, explained)
    rows, blocked = through_wrappers(sites, rows)
    found += [*complaints, *blocked]
    # Other problems of one parameter start with its path.
    broken = complaints.paths | {p.split(" ")[0].rstrip(",") for p in found}
    found += problems.of_unclaimed(rows, strict, allow_abstract, broken)
    if found:
        raise ValueError(problems.report(found))
    return Resolved(rows, notes_of(specs.sites, rows, rules), specs.sites)


def _misfits(
    specs: Specs, rules: Sequence[Rule], winner: Sequence[int | None]
) -> list[str]:
    """Layouts that do not fit, where no rule says the axes itself."""
    if not specs.problems:
        return []
    pairs = zip(specs.sites.parameters, winner, strict=True)
    said = {s.path for s, n in pairs if n is not None and rules[n].says_axes(s.field)}
    return [text for path, text in specs.problems.items() if path not in said]


@dataclasses.dataclass(frozen=True)
class _Claims:
    """Which rule wins each site; and for each rule what it selects and what it wins."""

    winner: list[int | None]
    by_rule: list[tuple[list[Site], list[Site]]]


def _claims(model: Any, rules: Sequence[Rule], sites: Sequence[Site]) -> _Claims:
    winner: list[int | None] = [None] * len(sites)
    by_rule: list[tuple[list[Site], list[Site]]] = []
    for number, rule in enumerate(rules):
        # Read once a rule: attribute access on a module is slow.
        everything, fields = rule.init is not None, frozenset(rule.fields)
        selected: list[Site] = []
        claimed: list[Site] = []
        for i, hit in enumerate(rule.selector.mask(model, sites)):
            if not hit:
                continue
            selected.append(sites[i])
            if winner[i] is None and (everything or sites[i].field in fields):
                winner[i] = number
                claimed.append(sites[i])
        by_rule.append((selected, claimed))
    return _Claims(winner, by_rule)


def _rows(
    specs: Specs,
    rules: Sequence[Rule],
    winner: Sequence[int | None],
    explained: set[str],
) -> tuple[tuple[Row, ...], problems.Complaints]:
    """A row a site. One check an (initializer, spec), however many share it.

    What is wrong with the paths in `explained` has been said.
    """
    rows: list[Row] = []
    complaints = problems.Complaints()
    verdicts: Memo[str | None] = Memo()
    # Read once a rule: attributes and methods of a module are slow to reach.
    said = [(r.label, r.init, dict(r.fields), r.override) for r in rules]
    for site, number in zip(specs.sites.parameters, winner, strict=True):
        if number is None:
            rows.append(Row(site.path, site.spec, None, None, site.is_abstract))
            continue
        label, everything, fields, override = said[number]
        try:
            spec = specs.overridden(site, override)
            init = _initializer(fields.get(site.field, everything), site, spec)
        except (ValueError, TypeError) as error:
            complaints.add(site, label, str(error))
            rows.append(Row(site.path, site.spec, None, label))
            continue
        kept = None if isinstance(init, Keep) else init
        rows.append(Row(site.path, spec, kept, label, site.is_abstract))
        complaint = verdicts.once(
            (init, spec), functools.partial(_complaint, init, spec)
        )
        if complaint is not None and site.path not in explained:
            complaints.add(site, label, complaint)
    return tuple(rows), complaints


def _initializer(said: Any, site: Site, spec: ParamSpec) -> AbstractInitializer:
    if isinstance(said, AbstractInitializer):
        return said
    try:
        said = said(dataclasses.replace(site, spec=spec))
    except Exception as error:
        raise ValueError(
            f"the rule's function raised {type(error).__name__}: {error}. Let it "
            "return an initializer for every site, or `None` to keep the value."
        ) from error
    return Keep() if said is None else as_initializer(said)


def _complaint(init: AbstractInitializer, spec: ParamSpec) -> str | None:
    try:
        init.check(spec)
    except (ValueError, TypeError) as error:
        return str(error)
    except Exception as error:  # of a user's own initializer
        return f"its `check` raised {type(error).__name__}: {error}"
    return None
