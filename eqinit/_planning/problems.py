"""Problems: what is wrong with rules on a model, and how all of it is told at once."""

import dataclasses
from collections.abc import Iterable, Sequence

from .._models.site import Site


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    - `paths`: the parameters that have it; none where it is one of a rule as a whole.
    - `rule`: label of the rule; empty where no rule has to do with it.
    - `text`: what is wrong, and the call that puts it right.
    - `owner`: class of the layer that the parameters are of.
    """

    paths: tuple[str, ...]
    rule: str
    text: str
    owner: str = ""

    def __str__(self) -> str:
        if not self.paths:
            return f"rule {self.rule}: {self.text}" if self.rule else self.text
        first, *others = self.paths
        owner = f", of {self.owner}" if self.owner else ""
        more = f", and {len(others)} more up to {others[-1]}" if others else ""
        rule = f" (rule {self.rule})" if self.rule else ""
        return f"{first}{owner}{more}{rule}: {self.text}"


def problem_of(site: Site, rule: str, text: str) -> Problem:
    """A problem of one parameter."""
    owner = "" if site.layer is None else type(site.layer).__name__
    return Problem((site.path,), rule, text, owner)


def paths_of(problems: Iterable[Problem]) -> set[str]:
    """The parameters that have problems."""
    return {path for problem in problems for path in problem.paths}


def joined(problems: Iterable[Problem]) -> list[Problem]:
    """The same problem of many parameters is one, with all their paths."""
    paths: dict[Problem, list[str]] = {}
    for problem in problems:
        same = dataclasses.replace(problem, paths=())
        paths.setdefault(same, []).extend(problem.paths)
    return [dataclasses.replace(p, paths=tuple(them)) for p, them in paths.items()]


def report(problems: Sequence[Problem], most: int = 30) -> str:
    """All problems in one text."""
    texts = [str(problem) for problem in joined(problems)]
    if len(texts) == 1:
        return texts[0]
    shown = [f"- {text}" for text in texts[:most]]
    more = [f"- ... and {len(texts) - most} more"] if len(texts) > most else []
    return "\n".join([f"{len(texts)} problems, and nothing was drawn:", *shown, *more])
