"""Rules: a selector and the initializers it assigns."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import equinox as eqx

from .._models.selectors import AbstractSelector, SelectorLike, as_selector
from .._parameters.spec import Override
from .._schemes.foreign import as_initializer, is_site_function
from .._typing import Number


class Rule(eqx.Module):
    """Which parameters get which initializer.

    ```python
    Rule(eqx.nn.Linear, weight=HeNormal(), bias=Zeros())   # by field of the layer
    Rule("blocks.*.norm", Ones())                          # everything selected
    Rule(Role("bias"), Zeros())
    Rule("blocks", weight=lambda site: Normal(0.02 / (site.index + 1)))
    ```

    A rule is a PyTree: gains inside it may be traced, vmapped or differentiated.

    **Arguments:**

    - `selector`: a path glob, a layer type, a function of the model, or a selector.
    - `init`: one initializer for every parameter selected.
    - `axes`: what the axes mean, where no layout says it: a notation for the one field
        that the rule sets, or a mapping from field to notation.
    - `fan_in`, `fan_out`: connections, instead of those of the layout.
    - `optional`: do not raise if nothing is left for this rule.
    - `**fields`: initializers by the owner's field names. An initializer is an eqinit
        scheme, one of `jax.nn.initializers` or flax or klax, or a function from the
        site to one of these.

    **Raises:** `TypeError` for something that is neither.
    """

    selector: AbstractSelector = eqx.field(static=True)
    init: Any
    fields: dict[str, Any]
    axes: tuple[tuple[str, str], ...] | str | None = eqx.field(static=True)
    fan_in: Number | None = eqx.field(static=True)
    fan_out: Number | None = eqx.field(static=True)
    optional: bool = eqx.field(static=True)

    def __init__(
        self,
        selector: SelectorLike,
        init: Any = None,
        /,
        *,
        axes: str | Mapping[str, str] | None = None,
        fan_in: Number | None = None,
        fan_out: Number | None = None,
        optional: bool = False,
        **fields: Any,
    ) -> None:
        self.selector = as_selector(selector)
        if (init is None) == (not fields):
            raise TypeError(
                f"Rule({self.selector!r}) takes one initializer for everything it "
                "selects, `Rule(selector, Zeros())`, or one a field, "
                "`Rule(selector, weight=HeNormal(), bias=Zeros())`."
            )
        if isinstance(axes, str) and len(fields) > 1:
            raise TypeError(
                f"Rule({self.selector!r}) sets {sorted(fields)} and got one `axes` for "
                f'all. Say them by field: `axes={{"{min(fields)}": {axes!r}, ...}}`.'
            )
        self.init = None if init is None else _accept(init)
        self.fields = {name: _accept(value) for name, value in fields.items()}
        self.axes = tuple(axes.items()) if isinstance(axes, Mapping) else axes
        # As floats: a numpy number is no static field.
        self.fan_in = None if fan_in is None else float(fan_in)
        self.fan_out = None if fan_out is None else float(fan_out)
        self.optional = optional

    def initializer(self, field: str) -> Any:
        """What this rule gives a field: an initializer, a site function, or None."""
        return self.fields.get(field) if self.fields else self.init

    def says_axes(self, field: str) -> bool:
        """Whether this rule says what the axes of a field are."""
        return isinstance(self.axes, str) or field in dict(self.axes or ())

    @property
    def override(self) -> Override | None:
        """What it says of axes and fans itself, if it says anything."""
        said = Override(self.axes, self.fan_in, self.fan_out)
        return None if said == Override() else said

    @property
    def label(self) -> str:
        return repr(self.selector)


def _accept(said: Any) -> Any:
    return said if is_site_function(said) else as_initializer(said)


RuleLike: TypeAlias = Rule | tuple[Any, Any]
RulesLike: TypeAlias = Sequence[RuleLike] | RuleLike | Mapping[Any, Any]


def as_rules(said: Any) -> tuple[Rule, ...]:
    """Rules from a list of rules and `(selector, initializer)` pairs."""
    if isinstance(said, Mapping):
        said = list(said.items())
    if isinstance(said, Rule) or _is_pair(said):
        said = [said]
    return tuple(_as_rule(rule) for rule in said)


def _is_pair(said: Any) -> bool:
    pair = isinstance(said, tuple) and len(said) == 2
    return pair and not isinstance(said[0], Rule) and not _is_pair(said[0])


def _as_rule(said: Any) -> Rule:
    if isinstance(said, Rule):
        return said
    if _is_pair(said):
        return Rule(said[0], said[1])
    raise TypeError(
        f"a rule is `Rule(selector, ...)` or a pair `(selector, initializer)`; got "
        f"{said!r}."
    )
