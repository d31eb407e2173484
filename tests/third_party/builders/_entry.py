"""What a builder says of one model."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from eqinit import LecunNormal, Normal, Ones, Role, Rule, Zeros


# By role, so that they serve every model. What has no role keeps its value.
RULES = (
    Rule(Role("kernel"), LecunNormal(), optional=True),
    Rule(Role("bias"), Zeros(), optional=True),
    Rule(Role("scale"), Ones(), optional=True),
    Rule(Role("embedding"), Normal(0.02), optional=True),
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One model of one library.

    - `make`: from a key to a model, or to `(model, state)`.
    - `call`: from what `make` returned, a key and the inputs to an output; `None` where
        the library's own forward pass fails.
    - `inputs`: a function that makes these inputs.
    - `rules`: tried before those by role.
    """

    make: Callable[[Any], Any]
    call: Callable[..., Any] | None
    inputs: Callable[[], tuple[Any, ...]] = tuple
    rules: tuple[Rule, ...] = ()

    @property
    def all_rules(self) -> list[Rule]:
        return [*self.rules, *RULES]


def image(*shape: int) -> Callable[[], tuple[Any, ...]]:
    """One input, from -1 to 1."""
    return lambda: (jnp.linspace(-1, 1, math.prod(shape)).reshape(shape),)
