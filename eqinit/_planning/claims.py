"""Claims: which rule wins which parameter."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from .._models.site import Site
from .rule import Rule


@dataclasses.dataclass(frozen=True)
class Claims:
    """Which rule wins each site, and what each rule selects, won or not.

    - `winner`: for each site the number of its rule; `None` where none claims it.
    - `selected`: for each rule the sites that its selector matches.
    """

    sites: Sequence[Site]
    winner: tuple[int | None, ...]
    selected: tuple[tuple[Site, ...], ...]

    def of(self, number: int) -> tuple[Site, ...]:
        """The sites that a rule wins."""
        pairs = zip(self.sites, self.winner, strict=True)
        return tuple(site for site, winner in pairs if winner == number)


def claims_of(model: Any, rules: Sequence[Rule], sites: Sequence[Site]) -> Claims:
    """The first rule that selects a site and sets its field wins it."""
    winner: list[int | None] = [None] * len(sites)
    selected: list[tuple[Site, ...]] = []
    for number, rule in enumerate(rules):
        # Read once for each rule: attribute access on a module is slow.
        everything, fields = rule.init is not None, frozenset(rule.fields)
        hits = [i for i, hit in enumerate(rule.selector.mask(model, sites)) if hit]
        for i in hits:
            if winner[i] is None and (everything or sites[i].field in fields):
                winner[i] = number
        selected.append(tuple(sites[i] for i in hits))
    return Claims(sites, tuple(winner), tuple(selected))
