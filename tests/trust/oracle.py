"""What the laws on random models are asked with: how many, and what a call says."""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

import eqinit as ei


CASES = int(os.environ.get("EQINIT_CASES", "100"))


def cases(share: float) -> settings:
    """So many of the cases; a fixed choice of them, unless asked for another."""
    return settings(
        max_examples=max(int(CASES * share), 1),
        deadline=None,
        derandomize="EQINIT_RESEED" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )


def outcome(call: Any) -> tuple[Any, str]:
    """What a call returns and "", or None and what it complains of.

    Anything but a `ValueError` with one text is a defect: it passes through.
    """
    try:
        return call(), ""
    except ValueError as error:
        (text,) = error.args
        assert isinstance(text, str)
        assert text
        return None, text


def sites(model: Any) -> dict[str, Any]:
    """Path to site, as a selector sees them."""
    seen: dict[str, Any] = {}

    def note(site: ei.Site) -> bool:
        seen[site.path] = site
        return True

    ei.select(model, ei.Filter(note), optional=True)
    return seen


def claims(model: Any, rule: ei.Rule) -> dict[str, Any]:
    """Path to initializer: what this rule would claim if it were alone.

    What a rule's function is called with is what its rule claims.
    """
    seen: dict[str, Any] = {}

    def note(site: ei.Site) -> None:
        seen[site.path] = rule.initializer(site.field)

    alone = ei.Rule(
        rule.selector,
        None if rule.fields else note,
        optional=True,
        **dict.fromkeys(rule.fields, note),
    )
    # It gives nothing, so that whatever has no value yet is a problem: no matter.
    outcome(lambda: ei.plan(model, [alone]))
    return seen
