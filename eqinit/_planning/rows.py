"""Rows: what each claimed parameter gets, and whether that can serve it."""

import functools
from collections.abc import Sequence, Set

from .._drawing.row import Row
from .._memo import Memo
from .._models.read import Sites
from .._models.site import Site
from .._parameters.spec import EXAMPLE_LAYOUT, ParamSpec, describe
from .._schemes.initializer import AbstractInitializer
from .claims import Claims
from .keep import Keep
from .problems import Problem, problem_of
from .rule import Assigned, Rule


def rows_of(
    sites: Sites, rules: Sequence[Rule], claims: Claims
) -> tuple[tuple[Row, ...], list[Problem]]:
    """A row for each site; one check for all that share initializer and spec."""
    rows: list[Row] = []
    problems: list[Problem] = []
    verdicts: Memo[str | None] = Memo()
    # Read once for each rule: attributes of a module are slow to reach.
    told = [(rule.label, rule.override) for rule in rules]
    for i, (site, number) in enumerate(zip(claims.sites, claims.winner, strict=True)):
        if number is None:
            rows.append(Row(site.path, site.spec, None, None, site.is_abstract))
            continue
        label, override = told[number]
        try:
            spec, init = sites.overridden(site, override), _given(claims.answers[i])
        except (ValueError, TypeError) as error:
            problems.append(problem_of(site, label, _with_advice(site, error)))
            rows.append(Row(site.path, site.spec, None, label))
            continue
        if isinstance(init, Keep):
            rows.append(Row(site.path, spec, None, label, site.is_abstract))
            continue
        rows.append(Row(site.path, spec, init, label, site.is_abstract))
        verdict = functools.partial(_verdict, init, spec)
        complaint = verdicts.once((init, spec), verdict)
        if complaint is not None:
            problems.append(problem_of(site, label, _with_advice(site, complaint)))
    return tuple(rows), problems


def _given(answer: Assigned | Exception) -> Assigned:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _with_advice(site: Site, complaint: object) -> str:
    """A complaint of an initializer, with the layer and the field in its advice."""
    text = str(complaint)
    if site.layer is None or EXAMPLE_LAYOUT not in text:
        return text
    layer = f'register_layout({type(site.layer).__name__}, {site.field}="out in")'
    hint = " (`print(eqinit.suggest_layouts(model))` writes such lines.)"
    known = site.spec.axes is not None
    return text.replace(EXAMPLE_LAYOUT, layer) + ("" if known else hint)


def _verdict(init: AbstractInitializer, spec: ParamSpec) -> str | None:
    """Why an initializer cannot serve a parameter, or `None`."""
    try:
        init.check(spec)
    except (ValueError, TypeError) as error:
        return str(error)
    except Exception as error:  # of a user's own initializer
        return f"its `check` raised {type(error).__name__}: {error}"
    return None


def unclaimed(
    rows: Sequence[Row], strict: bool, allow_abstract: bool, broken: Set[str]
) -> list[Problem]:
    """Abstract parameters that stay so, and under `strict` every unclaimed one.

    Parameters at `broken` paths are reported already.
    """
    missing = [r for r in rows if r.init is None and r.path not in broken]
    abstract = [r for r in missing if r.abstract and not allow_abstract]
    known = [r for r in missing if allow_abstract or not r.abstract]
    kept = [r for r in known if r.rule is None]
    texts: list[str] = []
    if abstract:
        texts.append(
            f"{_count(abstract)} abstract and no rule gives them a value:\n"
            f"{_lines(abstract)}\n  Add a rule for them, such as "
            '`Rule(Role("bias"), Zeros())`, or build them with `eqinit.build`.'
        )
    if strict and kept:
        texts.append(
            f"{_count(kept)} claimed by no rule, and `strict=True`:\n{_lines(kept)}\n"
            "  Add a rule for them; `Keep()` says that a value is meant to stay."
        )
    return [Problem((), "", text) for text in texts]


def _count(rows: Sequence[Row]) -> str:
    many = len(rows) > 1
    return f"{len(rows)} parameters are" if many else "1 parameter is"


def _lines(rows: Sequence[Row], most: int = 12) -> str:
    shown = [f"    {row.path}   {describe(row.spec)}" for row in rows[:most]]
    more = len(rows) - most
    return "\n".join(shown + ([f"    ... and {more} more"] if more > 0 else []))
