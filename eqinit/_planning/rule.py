"""Rules: a selector and the initializers it assigns."""

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import equinox as eqx
import jax
import numpy as np

from .._checks import check_fields, passes, positive
from .._models.selectors import AbstractSelector, SelectorLike, as_selector
from .._parameters.axes import parse
from .._parameters.spec import Override
from .._schemes.combined.through import Through
from .._schemes.constant import Constant
from .._schemes.foreign import as_initializer, is_site_function
from .._schemes.initializer import AbstractInitializer
from .._tables import html_table
from .._typing import Array, Number
from .keep import Keep
from .no_rule import PLAIN_DATA, is_config, no_rule
from .part import Part
from .spelling import spelled


if TYPE_CHECKING:
    # What a rule may be given for a parameter: a scheme, a function of jax, flax or
    # klax, a function of the site, a constant, or word that nothing is to happen.
    InitializerLike: TypeAlias = (
        AbstractInitializer | Keep | Callable[..., Any] | Number | Array | np.ndarray
    )
else:  # `as_assigned` looks, and says more
    InitializerLike = Any
# What comes of it for one parameter.
Assigned: TypeAlias = AbstractInitializer | Keep


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
    - `through`: the function that the model applies to what it stores before it uses
        it, such as `"softplus"`: the *effective* value follows the initializer, which
        becomes [`Through(init, through)`][eqinit.Through].
    - `optional`: do not raise if nothing is left for this rule; for a field that is
        misspelt all the same.
    - `**fields`: initializers by the owner's field names. An initializer is an eqinit
        scheme, one of `jax.nn.initializers` or flax or klax, a number or an array
        (`weight=0.0` is `weight=Constant(0.0)`), or a function from the site to one of
        these, or to `None` where it claims nothing. [`Keep()`][eqinit.Keep] leaves a
        parameter as it is.

    **Raises:** `TypeError` for something that is none of these, `ValueError` for a fan
    that is no number of connections.
    """

    selector: AbstractSelector = eqx.field(static=True)
    init: Any
    fields: dict[str, Any]
    axes: tuple[tuple[str, str], ...] | str | None = eqx.field(static=True)
    fan_in: Number | None = eqx.field(static=True)
    fan_out: Number | None = eqx.field(static=True)
    optional: bool = eqx.field(static=True)
    part: Part | None = eqx.field(static=True)

    def __init__(
        self,
        selector: SelectorLike,
        init: InitializerLike | None = None,
        /,
        *,
        axes: str | Mapping[str, str] | None = None,
        fan_in: Number | None = None,
        fan_out: Number | None = None,
        through: Any = None,
        optional: bool = False,
        **fields: InitializerLike,
    ) -> None:
        self.selector = as_selector(selector)
        if (init is None) == (not fields):
            raise TypeError(
                f"Rule({self.selector!r}) takes one initializer for everything it "
                "selects, `Rule(selector, Zeros())`, or one per field, "
                "`Rule(selector, weight=HeNormal(), bias=Zeros())`."
            )
        if not isinstance(axes, str | Mapping | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"Rule({self.selector!r}) got axes={axes!r}; a notation is a text, "
                'such as `"out in"`. By field it is a dict of such.'
            )
        if isinstance(axes, str) and len(fields) > 1:
            raise TypeError(
                f"Rule({self.selector!r}) sets {sorted(fields)} and got one `axes` for "
                f'all. Say them by field: `axes={{"{min(fields)}": {axes!r}, ...}}`.'
            )
        for name, fan in {"fan_in": fan_in, "fan_out": fan_out}.items():
            if fan is not None and not passes(positive, fan):
                raise ValueError(
                    f"Rule({self.selector!r}) got {name}={fan}; a fan is a number of "
                    "connections, finite and > 0."
                )
        if through is not None and len(fields) > 1:
            raise TypeError(
                f"Rule({self.selector!r}) sets {sorted(fields)} and got one `through` "
                f"for all. Say it where it holds: `{min(fields)}=Through(init, "
                f"{through!r})`."
            )
        self.init = None if init is None else _accept(init, through)
        self.fields = {name: _accept(given, through) for name, given in fields.items()}
        self.axes = tuple(axes.items()) if isinstance(axes, Mapping) else axes
        # As floats: a numpy number is no static field.
        self.fan_in = None if fan_in is None else float(fan_in)
        self.fan_out = None if fan_out is None else float(fan_out)
        self.optional = optional
        self.part = None
        check_fields(self)
        for notation in _notations(self.axes):
            if not isinstance(notation, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(
                    f"Rule({self.selector!r}) got axes={axes!r}; a notation is a text, "
                    'such as `"out in"`.'
                )
            parse(notation)

    def for_part(self, part: Part) -> "Rule":
        """This rule, as one of a recipe, which says what it is for."""
        rule = object.__new__(Rule)
        fields = {**vars(self), "part": part}
        for name, value in fields.items():
            object.__setattr__(rule, name, value)
        return rule

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

    def __repr__(self) -> str:
        """As it is written, without what was not said."""
        given = [f"{name}={spelled(init)}" for name, init in self.fields.items()]
        axes = dict(self.axes) if isinstance(self.axes, tuple) else self.axes
        said = {"axes": axes, "fan_in": self.fan_in, "fan_out": self.fan_out}
        given += [f"{name}={value!r}" for name, value in said.items() if value]
        given += ["optional=True"] if self.optional else []
        init = [] if self.init is None else [spelled(self.init)]
        return f"Rule({', '.join([self.label, *init, *given])})"

    def _repr_html_(self) -> str:
        given = self.fields or {"everything selected": self.init}
        cells = [[name, spelled(init)] for name, init in given.items()]
        return html_table(["field", "initializer"], cells, repr(self))


def _notations(axes: tuple[tuple[str, str], ...] | str | None) -> list[str]:
    if isinstance(axes, tuple):
        return [notation for _, notation in axes]
    return [] if axes is None else [axes]


def _accept(given: Any, through: Any) -> Any:
    """What a rule was given, as an initializer, a function of the site or `Keep()`."""
    if is_site_function(given):
        if through is not None:
            raise TypeError(
                "got `through` with a function of the site: let that return "
                f"`Through(init, {through!r})`."
            )
        return given
    accepted = as_assigned(given)
    if through is None or isinstance(accepted, Keep):
        return accepted
    return Through(accepted, through)


_NUMBERS: tuple[type, ...] = (int, float, complex, np.number, np.ndarray, jax.Array)


def as_assigned(given: Any) -> Assigned:
    """An initializer of any library, a number or an array, or `Keep()`."""
    if given is Keep:
        raise TypeError("got the class Keep; a rule takes an instance: `Keep()`.")
    if isinstance(given, Keep):
        return given
    if isinstance(given, bool | np.bool_):
        raise TypeError(
            f"got {given} for an initializer. A constant is a number or an array, such "
            "as `Ones()` or `0.5`; `Keep()` leaves a parameter as it is."
        )
    if isinstance(given, _NUMBERS):
        return Constant(given)
    return as_initializer(given)


_ByField: TypeAlias = Mapping[str, InitializerLike]
RuleLike: TypeAlias = Rule | tuple[SelectorLike, InitializerLike | _ByField]
if TYPE_CHECKING:
    RulesLike: TypeAlias = (
        RuleLike | Mapping[Any, InitializerLike | _ByField] | Sequence["RulesLike"]
    )
else:  # no run-time checker knows a type that holds itself: `as_rules` looks
    RulesLike = Any


def as_rules(given: Any) -> tuple[Rule, ...]:
    """Rules from rules, `(selector, initializer)` pairs, dicts, and lists of these.

    In a pair or a dict, a dict stands for initializers by field.
    """
    if isinstance(given, Rule):
        return (given,)
    if isinstance(given, Mapping):
        if is_config(given):
            raise TypeError(PLAIN_DATA)
        return tuple(_of_pair(selector, init) for selector, init in given.items())
    if _is_pair(given):
        return (_of_pair(*given),)
    if isinstance(given, tuple) and given and _selects(given[0]):
        raise TypeError(
            f"a pair is `(selector, initializer)`; got {len(given)} things, {given!r}."
        )
    if isinstance(given, Iterable) and not isinstance(given, _NO_LISTS):
        return tuple(rule for part in given for rule in as_rules(part))
    raise TypeError(no_rule(given))


def _of_pair(selector: Any, given: Any) -> Rule:
    """`(selector, initializer)`, or `(selector, hoedt())`: initializers by field."""
    if isinstance(given, Mapping):
        return Rule(selector, **given)
    return Rule(selector, given)


_NO_LISTS = (str, np.ndarray, jax.Array)


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and _selects(given[0])


def _selects(given: Any) -> bool:
    if isinstance(given, tuple):
        return bool(given) and all(isinstance(cls, type) for cls in given)
    kinds = (AbstractSelector, str, types.UnionType)
    selects = isinstance(given, kinds) or callable(given)
    return selects and not isinstance(given, AbstractInitializer)
