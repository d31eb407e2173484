"""What a plan's reader should know beside its rows."""

from collections.abc import Sequence

from .._drawing.row import Row
from .._laws.transforms import TRANSFORMS
from .._models.parametrized import holds
from .._models.read import Sites
from .._models.selectors import AbstractSelector, And, Not, Or, Role
from .._schemes.combined.through import Through
from .rule import Rule


def notes_of(
    sites: Sites, rows: Sequence[Row], rules: Sequence[Rule]
) -> tuple[str, ...]:
    """One sentence per finding: aliases, masks, state that is not at hand."""
    return (
        *_aliases(sites),
        *_parametrized(sites, rows),
        *_through(sites, rows),
        *_unknown(rows, rules),
    )


def _unknown(rows: Sequence[Row], rules: Sequence[Rule]) -> list[str]:
    """Parameters that rules by role pass over, as nobody has said their layout."""
    if not any(_by_role(rule.selector) for rule in rules):
        return []
    left = [row for row in rows if row.status == "kept" and row.rule is None]
    silent = [row.path for row in left if row.spec.axes is None]
    if not silent:
        return []
    subject = "parameters are" if len(silent) > 1 else "parameter is"
    return [
        f"{len(silent)} {subject} kept for want of a layout: rules by role do not "
        f"reach {_listed(silent)}. `print(eqinit.suggest_layouts(model))` writes the "
        "lines that say it."
    ]


def _by_role(selector: AbstractSelector) -> bool:
    match selector:
        case And(left, right) | Or(left, right):
            return _by_role(left) or _by_role(right)
        case Not(inner):
            return _by_role(inner)
        case _:
            return isinstance(selector, Role)


def _aliases(sites: Sites) -> list[str]:
    said = [" and ".join(f"`{p}`" for p in paths) for paths in sites.aliases]
    return [
        f"{paths} hold one and the same array, and are two parameters all the same: "
        "they are drawn (and trained) apart. `eqx.nn.Shared` ties them."
        for paths in said
    ]


def _parametrized(sites: Sites, rows: Sequence[Row]) -> list[str]:
    claimed = {row.path for row in rows if row.init is not None}
    parametrized = [
        s.parametrization
        for s in sites.parameters
        if s.parametrization and s.path in claimed
    ]
    notes: dict[str, list[str]] = {}
    for bound in parametrized:
        if bound.kind is not None and bound.kind.note:
            notes.setdefault(bound.kind.note, []).append(bound.node.path)
        index = bound.index
        if index is not None and not any(holds(s, index) for _, s in sites.states):
            notes.setdefault(_STALE, []).append(bound.node.path)
    return [f"{_listed(paths)}: {note}." for note, paths in notes.items()]


def _through(sites: Sites, rows: Sequence[Row]) -> list[str]:
    """Parameters that a trace has seen to be used in another form than is set."""
    forms: dict[str, list[str]] = {}
    for site, row in zip(sites.parameters, rows, strict=True):
        seen = "" if site.traced is None else site.traced.function
        told = site.parametrization is not None or isinstance(row.init, Through)
        if seen and row.init is not None and not told:
            forms.setdefault(seen, []).append(site.path)
    return [
        f"the model uses {'a function' if seen == '?' else seen} of {_listed(paths)}, "
        f"and the law is that of what is stored.{_by_rule(seen)}"
        for seen, paths in forms.items()
    ]


def _by_rule(function: str) -> str:
    if function not in TRANSFORMS:
        return ""
    return f' `Rule(..., through="{function}")` gives it to the effective value.'


_STALE = (
    "its power-iteration vectors are in an `eqx.nn.State` that is not part of what was "
    "passed, and stay those of the old weight. Pass `(model, state)` to bring them "
    "into step"
)


def _listed(paths: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(f"`{path}`" if path else "the model" for path in paths[:most])
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return shown + more
