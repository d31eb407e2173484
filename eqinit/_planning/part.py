"""Parts: what the rules of a recipe are for, so that it can say what it lacks."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence

from .._models.site import Site


@dataclasses.dataclass(frozen=True)
class Part:
    """What a rule of a recipe is for.

    - `name`: in words, such as `norms`.
    - `lacking`: what to do where nothing of it is in a model, if the recipe makes no
        sense without; empty otherwise.
    - `wrong`: from what its rule selects to what is wrong with that, if anything is.
    - `recipe`: whose rule it is, and `whole`: whether that has a rule for everything.
    """

    name: str
    lacking: str = ""
    wrong: Callable[[Sequence[Site]], str | None] | None = None
    recipe: str = ""
    whole: bool = False


def matrices(sites: Iterable[Site]) -> int:
    """How many matrices there are, those of stacks each counted."""
    return sum(math.prod(site.stack) for site in sites)
