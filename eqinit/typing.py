"""Aliases for the annotations of code that uses eqinit.

`SelectorLike`: what chooses parameters. `InitializerLike`: what a rule gives them.
`RuleLike`, `RulesLike`: one rule, or rules in any nesting. `LayoutsLike`: what
`layouts=` takes. `Key`: a PRNG key.
"""

from ._inference.facts import LayoutsLike as LayoutsLike
from ._models.selectors import SelectorLike as SelectorLike
from ._planning.rule import (
    InitializerLike as InitializerLike,
    RuleLike as RuleLike,
    RulesLike as RulesLike,
)
from ._typing import Key as Key
