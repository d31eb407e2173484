"""Who owns a parameter, and how its owner keeps it."""

from collections.abc import Sequence
from typing import NamedTuple

from .._layouts.parametrizations import primary, unknown
from .._parameters.paths import below, first_below, join
from .parametrized import BoundParametrization, bound
from .place import Node


class Home(NamedTuple):
    """What the modules above a parameter mean for it.

    - `owner`: the innermost one that is no stand-in for an array.
    - `field`: its field that holds the parameter.
    - `parametrization`: how it is kept in another form, if it is.
    - `follows`: path of the parameter that it is brought into step with, if it is.
    """

    owner: Node | None
    field: str
    parametrization: BoundParametrization | None = None
    follows: str | None = None


def home_of(path: str, above: Sequence[Node], slot: str) -> Home:
    """Nearly always the innermost module, which keeps it as it is, in its `slot`."""
    if not above or above[-1].plain:
        return Home(above[-1] if above else None, slot)
    layers, stand_ins = _split(above)
    owner, field = layers[-1] if layers else None, slot
    if stand_ins and stand_ins[0].path:
        field = first_below(stand_ins[0].path, owner.path if owner else "")
    home = Home(owner, field)
    opaque = [node for node in layers if node.opaque]
    if opaque:
        why = _enclosed(opaque[0])
        return home._replace(parametrization=BoundParametrization(opaque[0], None, why))
    if stand_ins:
        return _in_place(home, path, stand_ins)
    return _in_layers(home, path, layers)


def _split(above: Sequence[Node]) -> tuple[Sequence[Node], Sequence[Node]]:
    """Layers, the last of which is the owner; and what stands for its array."""
    count = len(above)
    while count and above[count - 1].in_place:
        count -= 1
    return above[:count], above[count:]


def _enclosed(node: Node) -> str:
    name = type(node.module).__name__
    return (
        f"it is inside of `{node.path}`, a {name}, which transforms all that it holds "
        "when the model is used. Leave it as it is with `Keep()`, or initialise the "
        "layer before it is put there."
    )


def _in_place(home: Home, path: str, stand_ins: Sequence[Node]) -> Home:
    """A parameter in one or several modules that stand where an array is expected."""
    top = stand_ins[0]
    blind = [node for node in stand_ins if node.parametrization is None]
    if blind:
        why = unknown(blind[0].module)
        return home._replace(parametrization=BoundParametrization(top, None, why))
    try:
        inner = primary(top.module)
    except ValueError as error:  # half of it is kept in a way that nobody has said
        kept = BoundParametrization(top, None, str(error))
        return home._replace(parametrization=kept)
    if below(path, top.path) != inner:
        return home._replace(follows=join(top.path, inner))
    if all(not node.opaque for node in stand_ins):
        return home
    return home._replace(parametrization=bound(top))


def _in_layers(home: Home, path: str, layers: Sequence[Node]) -> Home:
    """A layer above may transform one of the parameters in it, such as WeightNorm."""
    for node in layers:
        kept = node.parametrization
        if kept is None or node.in_place:
            continue
        rest = below(path, node.path)
        if rest == kept.field:
            return home._replace(parametrization=bound(node))
        if rest in kept.follows:
            return home._replace(follows=join(node.path, kept.field))
    return home
