"""Parametrizations: how modules keep arrays in another form than the one used."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._typing import Number, checked
from .libraries import library_of


@dataclasses.dataclass(frozen=True)
class Domain:
    """The values that a parametrization can stand for: from `low` to `high`."""

    low: float = -math.inf
    high: float = math.inf
    closed: bool = True

    def holds(self, low: float, high: float) -> bool:
        """Whether everything from `low` to `high` is inside."""
        if self.closed:
            return self.low <= low and high <= self.high
        # A law's own bounds are met with probability zero, a constant's are not.
        touches = low == high and (low == self.low or high == self.high)
        return self.low <= low and high <= self.high and not touches

    @property
    def everything(self) -> bool:
        return self == Domain()

    def __str__(self) -> str:
        low = "[" if self.closed and math.isfinite(self.low) else "("
        high = "]" if self.closed and math.isfinite(self.high) else ")"
        return f"{low}{self.low:g}, {self.high:g}{high}"


def _same(value: Any) -> Any:
    return value


@dataclasses.dataclass(frozen=True)
class Parametrization:
    """How one module keeps an array: what it stands for, and how to make it so.

    - `field`: dotted path from the module to the array that holds the value.
    - `get`: from the module to the effective value.
    - `set`: from the module and a value to a module with that effective value. It
        reads no other value of the module (which may be abstract).
    - `in_place`: it stands where its owner expects an array. Otherwise it is a layer
        that transforms one of the parameters below it when called.
    - `transparent`: it does not change what it holds, be that an array or a module.
    - `domain`: the values that it can stand for.
    - `follows`: parameters, by dotted path, that `set` brings into step.
    - `project`: from a draw to the nearest value that it can stand for.
    - `free`: the entries of an effective value that are drawn independently.
    - `index`: from the module to the index of what follows in an `eqx.nn.State`, or
        `None` where it still follows inside of the module.
    - `carry`: from a value and what was under that index to what belongs there.
    - `note`: what a plan says of it.
    """

    field: str
    get: Callable[[Any], Any]
    set: Callable[[Any, Any], Any]
    in_place: bool = True
    transparent: bool = False
    domain: Domain = Domain()
    follows: tuple[str, ...] = ()
    project: Callable[[Any], Any] = _same
    free: Callable[[np.ndarray], np.ndarray] = _same
    index: Callable[[Any], eqx.nn.StateIndex[Any] | None] = lambda node: None
    carry: Callable[[Any, Any], Any] = lambda value, old: old
    note: str = ""


# From a module to how it keeps its array; None where nobody can tell for this one.
Parametrize: TypeAlias = Callable[[Any], Parametrization | None]
_REGISTERED: dict[type, Parametrize] = {}


def is_array(node: Any) -> bool:
    return isinstance(node, (jax.Array, np.ndarray, jax.ShapeDtypeStruct))


def parametrize_of(cls: type) -> Parametrize | None:
    """What is known of `cls` or its nearest ancestor, by class and never by shape."""
    for base in cls.__mro__:
        if base in _REGISTERED:
            return _REGISTERED[base]
        library = library_of(base)
        if library is not None and base.__name__ in library.PARAMETRIZATIONS:
            return library.PARAMETRIZATIONS[base.__name__]
    return None


def looks_parametrized(cls: type) -> bool:
    """Whether this class says of itself that it stands for an array."""
    # The bases of paramax, klax and quax.
    known = {"AbstractUnwrappable", "Unwrappable", "ArrayValue"}
    names = {base.__name__ for base in cls.__mro__}
    return bool(known & names) or hasattr(cls, "__jax_array__")


def at(node: Any, path: str) -> Any:
    """The node at a dotted path such as `args.1`."""
    for part in path.split("."):
        node = node[int(part)] if part.isdigit() else getattr(node, part)
    return node


def put(node: Any, path: str, value: Any) -> Any:
    return eqx.tree_at(lambda tree: at(tree, path), node, value)


def effective(node: Any) -> Any:
    """The value that a node stands for, through any number of parametrizations."""
    if is_array(node):
        return node
    return _known(node).get(node)


def set_effective(node: Any, value: Any) -> Any:
    """The node with `value` for its effective value."""
    if is_array(node):
        return jnp.asarray(value).astype(node.dtype)
    return _known(node).set(node, value)


def primary(node: Any) -> str:
    """Dotted path from a parametrization to the array that holds its value."""
    field = _known(node).field
    inner = at(node, field)
    return field if is_array(inner) else f"{field}.{primary(inner)}"


def _known(node: Any) -> Parametrization:
    parametrize = parametrize_of(type(node))
    parametrization = None if parametrize is None else parametrize(node)
    if parametrization is None:
        raise ValueError(unknown(node))
    return parametrization


def unknown(node: Any) -> str:
    """Why a value cannot be set, and the call that changes that."""
    name = type(node).__name__
    fields = [f for f in getattr(type(node), "__dataclass_fields__", {})]
    field = fields[0] if fields else "raw"
    fn = getattr(node, "fn", None)
    if callable(fn) and "args" in fields:
        return (
            f"{name} applies `{getattr(fn, '__qualname__', fn)}`, whose inverse is not "
            "known. Say it with `register_inverse(fn, inverse)`, or leave this "
            "parameter as it is with `Keep()`."
        )
    return (
        f"it is kept in a {name}, and nobody has said what that stands for. Say it "
        f'with `register_parametrization({name}, field="{field}", forward=..., '
        "inverse=...)` (without these two functions if it holds the value as it is), "
        "or leave this parameter as it is with `Keep()`."
    )


def elementwise(
    field: str,
    forward: Callable[[Any], Any] = _same,
    inverse: Callable[[Any], Any] = _same,
    *,
    in_place: bool = True,
    transparent: bool = False,
    domain: Domain = Domain(),
) -> Parametrization:
    """A parametrization that applies `forward` to what it holds in `field`."""

    def get(node: Any) -> Any:
        return forward(effective(at(node, field)))

    def set_(node: Any, value: Any) -> Any:
        raw = value if inverse is _same else inverse(_wide(value))
        return put(node, field, set_effective(at(node, field), raw))

    return Parametrization(
        field, get, set_, in_place=in_place, transparent=transparent, domain=domain
    )


def _wide(value: Any) -> Any:
    # An inverse such as log(expm1(x)) has few digits left in half precision.
    value = jnp.asarray(value)
    return value.astype(jnp.float32) if value.dtype.itemsize < 4 else value


@checked
def register_parametrization(
    cls: type,
    /,
    *,
    field: str,
    forward: Callable[[Any], Any] = _same,
    inverse: Callable[[Any], Any] = _same,
    domain: tuple[Number, Number] = (-math.inf, math.inf),
    closed: bool = False,
    layer: bool = False,
) -> None:
    """Say once how a class keeps a parameter in another form than the one it uses.

    ```python
    register_parametrization(
        Positive, field="raw", forward=jax.nn.softplus, inverse=my_inverse,
        domain=(0, math.inf),
    )
    ```

    From then on a rule says what the *effective* value is, `forward(raw)`, and
    `inverse` of the draw is what is stored.

    **Arguments:**

    - `cls`: the class; its subclasses share what is said.
    - `field`: the field that holds the raw array.
    - `forward`: from the raw array to the effective value.
    - `inverse`: from an effective value to a raw array.
    - `domain`: the least and the largest effective value.
    - `closed`: whether these two can be reached.
    - `layer`: whether `cls` is itself a layer that passes its own `field` through
        `forward` when called. By default it is an object that stands where its owner
        expects an array.
    """
    parametrization = elementwise(
        field,
        forward,
        inverse,
        in_place=not layer,
        domain=Domain(*map(float, domain), closed=closed),
    )
    register_parametrize(cls, lambda node: parametrization)


def register_parametrize(cls: type, parametrize: Parametrize) -> None:
    _REGISTERED[cls] = parametrize
