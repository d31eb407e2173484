"""One line of a plan."""

import dataclasses

from .._parameters.spec import ParamSpec
from .._schemes.initializer import AbstractInitializer
from .._trees import tree_node


@tree_node(["init"], ["path", "spec", "rule", "abstract", "through", "follows"])
@dataclasses.dataclass(frozen=True)
class Row:
    """One parameter of a plan.

    - `path`, `spec`: where it is and what it is.
    - `init`: the initializer that it gets, or `None` where it keeps its value.
    - `rule`: the selector of the rule that claimed it, or `None`.
    - `abstract`: whether there is no value yet.
    - `through`: class of the module that keeps it in another form: the spec and the law
        are those of the effective value.
    - `follows`: path of the parameter that this one is brought into step with.
    """

    path: str
    spec: ParamSpec
    init: AbstractInitializer | None
    rule: str | None
    abstract: bool = False
    through: str = ""
    follows: str | None = None

    @property
    def status(self) -> str:
        """`set`, `follows` (what another parameter's value asks for) or `kept`."""
        if self.follows is not None:
            return "follows"
        return "kept" if self.init is None else "set"

    @property
    def moments(self) -> tuple[float | None, float | None]:
        """Expected mean and std; `None` where unknown (or still being traced)."""
        if self.init is None:
            return None, None
        try:
            moments = self.init.moments(self.spec)
        except TypeError:
            # A traced gain has no value to show yet (jax's concretisation errors are
            # type errors).
            return None, None
        return (None, None) if moments is None else (moments.mean, moments.std)

    @property
    def mean(self) -> float | None:
        """Expected mean."""
        return self.moments[0]

    @property
    def std(self) -> float | None:
        """Expected standard deviation."""
        return self.moments[1]
