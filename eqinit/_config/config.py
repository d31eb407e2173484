"""Plain config: initializers, selectors and rules as dicts for TOML and JSON."""

from collections.abc import Mapping
from typing import Any

from .._models.selectors import Layer, SelectorLike
from .._planning.keep import Keep
from .._planning.rule import Rule
from .._schemes.initializer import AbstractInitializer
from .._typing import Number, checked
from .decode import ROOT, Decoder
from .encode import Encoder
from .names import configurable, layer_name, layer_of
from .wanted import TOP


@checked
def to_config(value: Any) -> Any:
    """Write initializers, bases, selectors or rules down as plain data.

    ```python
    to_config(HeNormal(gain=0.5))
    # {'type': 'HeNormal', 'gain': 0.5, 'negative_slope': 0.0, 'mode': 'fan_in', ...}
    json.dumps({"rules": to_config(rules)})
    ```

    The result is made of dicts with string keys, lists, strings, bools and finite
    numbers: it survives JSON and TOML. Arguments are all written out, so that a config
    still means the same when a default changes; only those that are `None` are left
    out, for which TOML has no word.

    **Arguments:**

    - `value`: an initializer, a base distribution, a selector or a rule, or a list,
        tuple or dict of these.

    **Returns:** plain data; [`eqinit.from_config`][] reads it.

    **Raises:** `ValueError` for what has no name: functions (in `Where`, `Filter`, or
    instead of an initializer) and traced arrays.
    """
    return Encoder().encode(value, "config")


@checked
def from_config(config: Any) -> Any:
    """Read what [`eqinit.to_config`][] wrote, or what was written by hand.

    ```python
    from_config({"type": "HeNormal", "gain": 0.5})
    from_config("he_normal")  # a name alone, where an initializer is wanted
    from_config(["he_normal", {"type": "Zeros"}])
    ```

    Arguments that are not written have their defaults. Names are looked up among the
    classes that are loaded: nothing is imported and nothing evaluated, so a config from
    a stranger can at worst describe a bad initialisation. It has at most a million
    values, is at most 50 deep, and its whole numbers have at most 64 bits, of which one
    is the sign.

    **Arguments:**

    - `config`: plain data, such as `{"type": "HeNormal", "gain": 0.5}`, or a list or
        dict of such. Containers of other libraries (OmegaConf's) are read as the
        mappings and sequences that they are.

    **Returns:** the initializer, base, selector or rule, or a list or dict of these.

    **Raises:** `ValueError` that lists every unknown name, with the nearest ones, and
    every argument that does not fit.
    """
    decoder = Decoder()
    value = decoder.read(config, ROOT, TOP)
    if decoder.problems:
        raise ValueError("\n".join(decoder.problems))
    return value


def _layer_fields(selector: Layer) -> dict[str, Any]:
    names = [layer_name(cls) for cls in selector.classes]
    return {"cls": names if names[1:] else names[0]}


def _read_layer(cls: str | tuple[str, ...]) -> Layer:
    names = (cls,) if isinstance(cls, str) else cls
    return Layer(tuple(map(layer_of, names)))


configurable(fields=_layer_fields, build=_read_layer)(Layer)


def _rule_fields(rule: Rule) -> dict[str, Any]:
    axes = dict(rule.axes) if isinstance(rule.axes, tuple) else rule.axes
    optional = {"optional": True} if rule.optional else {}
    given = {"init": rule.init, "fields": rule.fields or None, "axes": axes}
    fans = {"fan_in": rule.fan_in, "fan_out": rule.fan_out}
    return {"selector": rule.selector, **given, **fans, **optional}


def _read_rule(
    selector: SelectorLike,
    init: AbstractInitializer | Keep | Number | None = None,
    fields: Mapping[str, AbstractInitializer | Keep | Number] | None = None,
    axes: str | Mapping[str, str] | None = None,
    fan_in: Number | None = None,
    fan_out: Number | None = None,
    optional: bool = False,
) -> Rule:
    return Rule(
        selector,
        init,
        axes=axes,
        fan_in=fan_in,
        fan_out=fan_out,
        optional=optional,
        **(fields or {}),
    )


configurable(fields=_rule_fields, build=_read_rule)(Rule)
configurable(Keep)


__all__ = ["configurable", "from_config", "to_config"]
