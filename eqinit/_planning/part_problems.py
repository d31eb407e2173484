"""What recipes lack in a model, and what they leave as it is."""

from collections.abc import Iterable, Sequence

from .._drawing.row import Row
from .._models.site import Site
from .claims import Claims
from .problems import Problem
from .rule import Rule


def problems_of_parts(rules: Sequence[Rule], claims: Claims) -> list[Problem]:
    """Recipes that find nothing at all, and needed parts that are not there."""
    problems: list[Problem] = []
    for recipe, numbers in _recipes(rules).items():
        # Where a rule has to match, that is a problem already.
        silent = all(rules[n].optional for n in numbers)
        if silent and not any(claims.selected[n] for n in numbers):
            names = _names(rules[n] for n in numbers)
            text = (
                f"recipes.{recipe} speaks of {names}, and there is none of these that "
                "has a layout. Say one with `register_layout(...)`, or pass "
                "`layouts=eqinit.trace_layouts(model, call, x)`."
            )
            problems.append(Problem((), "", text))
            continue
        texts = (_lacking(rules[n], claims.selected[n]) for n in numbers)
        problems += [Problem((), "", text) for text in texts if text]
    return problems


def _lacking(rule: Rule, selected: Sequence[Site]) -> str | None:
    part = rule.part
    assert part is not None
    if not selected and part.lacking:
        return f"recipes.{part.recipe} found no {part.name}. {part.lacking}"
    wrong = part.wrong(selected) if part.wrong is not None and selected else None
    return None if wrong is None else f"recipes.{part.recipe}: {wrong}"


def notes_of_parts(
    rules: Sequence[Rule], rows: Sequence[Row], claims: Claims
) -> list[str]:
    """What recipes for a whole model did not find, and what they leave as it is."""
    notes: list[str] = []
    left = [row.path for row in rows if row.status == "kept" and row.rule is None]
    for recipe, numbers in _recipes(rules).items():
        parts = {
            name: any(claims.selected[n] for n in numbers if _name(rules[n]) == name)
            for name in map(_name, (rules[n] for n in numbers))
        }
        absent = [name for name, present in parts.items() if name and not present]
        texts = [f"found no {' and no '.join(absent)}"] if absent else []
        whole = any(p.whole for n in numbers if (p := rules[n].part))
        texts += [f"leaves as they are {_listed(left)}"] if left and whole else []
        if texts:
            notes.append(f"recipes.{recipe} {', and '.join(texts)}.")
    return notes


def _recipes(rules: Sequence[Rule]) -> dict[str, list[int]]:
    """The numbers of the rules of every recipe."""
    numbers: dict[str, list[int]] = {}
    for n, rule in enumerate(rules):
        if rule.part is not None:
            numbers.setdefault(rule.part.recipe, []).append(n)
    return numbers


def _name(rule: Rule) -> str:
    return rule.part.name if rule.part is not None else ""


def _names(rules: Iterable[Rule]) -> str:
    return ", ".join(dict.fromkeys(filter(None, map(_name, rules))))


def _listed(paths: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(f"`{path}`" for path in paths[:most])
    return shown + (f" and {len(paths) - most} more" if len(paths) > most else "")
