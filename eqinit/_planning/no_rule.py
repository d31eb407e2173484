"""What to say of things that stand where rules are wanted."""

from collections.abc import Mapping
from typing import Any

from .._models.selectors import AbstractSelector
from .._schemes.initializer import AbstractInitializer
from .keep import Keep


def is_config(given: Mapping[Any, Any]) -> bool:
    """Whether this is a rule as a TOML file has it, or what holds a list of such."""
    inside = [
        item for part in given.values() if isinstance(part, list) for item in part[:1]
    ]
    return isinstance(given.get("selector"), str | Mapping) or any(
        isinstance(item, Mapping) and "selector" in item for item in inside
    )


PLAIN_DATA = (
    "got rules as plain data, and `eqinit.from_config` reads these: "
    '`from_config(config["rules"])`, where each says `type = "Rule"`, its `selector`, '
    "and `init` or `fields`."
)


def no_rule(given: Any) -> str:
    """The text of the error."""
    if isinstance(given, AbstractInitializer | Keep):
        name = f"{type(given).__name__}()"
        return (
            f"got the initializer {given!r} where rules are wanted: say what it is "
            f'for, as in `[Rule(eqx.nn.Linear, weight={name})]` or `[("**", {name})]`.'
        )
    if isinstance(given, str | type | AbstractSelector):
        shown = given.__name__ if isinstance(given, type) else repr(given)
        return (
            f"got {shown} where rules are wanted: that says which parameters. Say "
            f"what they get as well, as in `[({shown}, Zeros())]`."
        )
    if callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        return f"got the function {name} where rules are wanted: call it, `{name}()`."
    return (
        "rules are a list of `Rule(selector, ...)`s, of pairs `(selector, "
        f"initializer)` and of such lists; got {given!r}."
    )
