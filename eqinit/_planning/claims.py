"""Claims: which rule wins which parameter."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._models.read import Sites
from .._models.site import Site
from .._parameters.spec import Override
from .._schemes.initializer import AbstractInitializer
from .keep import Keep
from .rule import Assigned, Rule, as_assigned


@dataclasses.dataclass(frozen=True)
class Claims:
    """Which rule wins each site, and what each rule selects, won or not.

    - `winner`: for each site the number of its rule; `None` where none claims it.
    - `selected`: for each rule the sites that its selector matches.
    - `declined`: for each rule those of which its function said `None`.
    - `answers`: by the number of a site what the winner's function gave it, or the
        error of asking.
    """

    sites: Sequence[Site]
    winner: tuple[int | None, ...]
    selected: tuple[tuple[Site, ...], ...]
    declined: tuple[tuple[Site, ...], ...]
    answers: Mapping[int, Assigned | Exception]

    def of(self, number: int) -> tuple[Site, ...]:
        """The sites that a rule wins."""
        pairs = zip(self.sites, self.winner, strict=True)
        return tuple(site for site, winner in pairs if winner == number)


class _Rule(NamedTuple):
    """A rule as it is read for many sites: attributes of a module are slow to reach."""

    init: Any
    fields: dict[str, Any]
    override: Override | None

    @staticmethod
    def of(rule: Rule) -> "_Rule":
        return _Rule(rule.init, dict(rule.fields), rule.override)

    def gives(self, field: str) -> bool:
        return self.init is not None or field in self.fields

    def assigned(self, sites: Sites, site: Site) -> Assigned | Exception | None:
        """What the rule gives to this site; functions are asked."""
        given = self.fields.get(site.field, self.init)
        if isinstance(given, AbstractInitializer | Keep):
            return given
        try:
            return _asked(given, site.with_spec(sites.overridden(site, self.override)))
        except (ValueError, TypeError) as error:
            return error


def _asked(function: Any, site: Site) -> Assigned | None:
    try:
        given = function(site)
    except Exception as error:
        raise ValueError(
            f"the rule's function raised {site.failure(error)} Let it return an "
            "initializer for every site, or `None` to leave it to the rules below."
        ) from error
    return None if given is None else as_assigned(given)


def claims_of(model: Any, rules: Sequence[Rule], sites: Sites) -> Claims:
    """The first rule that selects a site and gives it something wins it."""
    parameters = sites.parameters
    winner: list[int | None] = [None] * len(parameters)
    selected: list[tuple[Site, ...]] = []
    declined: list[tuple[Site, ...]] = []
    answers: dict[int, Assigned | Exception] = {}
    for number, rule in enumerate(rules):
        told = _Rule.of(rule)
        mask = rule.selector.mask(model, parameters)
        hits = [i for i, hit in enumerate(mask) if hit]
        left: list[Site] = []
        for i in hits:
            if winner[i] is not None or not told.gives(parameters[i].field):
                continue
            given = told.assigned(sites, parameters[i])
            if given is None:
                left.append(parameters[i])
            else:
                winner[i], answers[i] = number, given
        selected.append(tuple(parameters[i] for i in hits))
        declined.append(tuple(left))
    return Claims(parameters, tuple(winner), tuple(selected), tuple(declined), answers)
