"""Parametrizations: how modules keep arrays in another form than the one used."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._articles import with_article
from .._laws.transforms import (
    EVERYTHING,
    AbstractTransform,
    Domain,
    Transform,
    same,
    transform_of,
)
from .._nearest import nearest
from .._registry import Registry
from .._typing import Number, checked
from .libraries import library_of
from .nodes import at, is_array, put
from .said import fields_of


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
    domain: Domain = EVERYTHING
    follows: tuple[str, ...] = ()
    project: Callable[[Any], Any] = same
    free: Callable[[np.ndarray], np.ndarray] = same
    index: Callable[[Any], eqx.nn.StateIndex[Any] | None] = lambda node: None
    carry: Callable[[Any, Any], Any] = lambda value, old: old
    note: str = ""


# From a module to how it keeps its array; None where nobody can tell for this one.
Parametrize: TypeAlias = Callable[[Any], Parametrization | None]


def _of_its_library(cls: type) -> "Parametrize | None":
    library = library_of(cls)
    return None if library is None else library.PARAMETRIZATIONS.get(cls.__name__)


_PARAMETRIZATIONS: Registry[type, "Parametrize"] = Registry(_of_its_library)


def parametrize_of(cls: type) -> Parametrize | None:
    """What is known of `cls` or its nearest ancestor, by class and never by shape."""
    known = map(_PARAMETRIZATIONS.get, cls.__mro__)
    return next(filter(None, known), None)


def looks_parametrized(cls: type) -> bool:
    """Whether this class says of itself that it stands for an array."""
    # The bases of paramax, klax and quax.
    known = {"AbstractUnwrappable", "Unwrappable", "ArrayValue"}
    names = {base.__name__ for base in cls.__mro__}
    return bool(known & names) or hasattr(cls, "__jax_array__")


def effective(node: Any) -> Any:
    """The value that a node stands for, through any number of parametrizations."""
    if is_array(node):
        return node
    return _known(node).get(node)


def set_effective(node: Any, value: Any) -> Any:
    """The node with `value` for its effective value."""
    if is_array(node):
        return jnp.asarray(value).astype(node.dtype)
    known, name = _known(node), type(node).__name__
    return known.set(node, inside(value, known.domain, f"a value in {name}", name))


def inside(value: Any, domain: Domain, what: str, name: str) -> Any:
    """The value, or an error where it is outside of a domain."""
    if domain == EVERYTHING or not value.size:
        return value
    real = jnp.abs(value) if jnp.iscomplexobj(value) else value
    low, high = jnp.min(real), jnp.max(real)
    holds = domain.holds(low, high)
    text = (
        f"{what} is outside of {domain}, all that {name} can stand for. Use a scheme "
        "that stays inside."
    )
    if isinstance(holds, Tracer):
        return eqx.error_if(value, ~holds, text)
    if not holds:
        raise ValueError(f"{text} (It got {float(low):.4g} to {float(high):.4g}.)")
    return value


def domain_of(node: Any) -> Domain:
    """The values that a node can stand for."""
    return EVERYTHING if is_array(node) else _known(node).domain


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
            "known. Declare it with `register_inverse(fn, inverse)`, or leave this "
            "parameter as it is with `Keep()`."
        )
    return (
        f"it is kept in {with_article(name)}, and nobody said what that stands for. "
        f'Say it with `register_parametrization({name}, field="{field}", forward=..., '
        "inverse=...)` (without these two functions if it holds the value as it is), "
        "or leave this parameter as it is with `Keep()`."
    )


IDENTITY = Transform(same, same)


def elementwise(
    field: str,
    transform: AbstractTransform = IDENTITY,
    *,
    in_place: bool = True,
    transparent: bool = False,
) -> Parametrization:
    """What is in `field`, transformed entry by entry."""

    def get(node: Any) -> Any:
        return transform.forward(effective(at(node, field)))

    def set_(node: Any, value: Any) -> Any:
        raw = value if transform is IDENTITY else transform.stored(_wide(value))
        return put(node, field, set_effective(at(node, field), raw))

    return Parametrization(
        field,
        get,
        set_,
        in_place=in_place,
        transparent=transparent,
        domain=transform.domain,
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
    forward: Callable[[Any], Any] | None = None,
    inverse: Callable[[Any], Any] | None = None,
    domain: tuple[Number, Number] | None = None,
    closed: bool = False,
    layer: bool = False,
    override: bool = False,
) -> None:
    """Say once how a class keeps a parameter in another form than the one it uses.

    ```python
    register_parametrization(Positive, field="raw", forward=jax.nn.softplus)
    register_parametrization(Mine, field="raw", forward=f, inverse=g, domain=(0, 2))
    ```

    From then on a rule says what the *effective* value is, `forward(raw)`, and
    `inverse` of the draw is what is stored.

    **Arguments:**

    - `cls`: the class; its subclasses share what is said.
    - `field`: the field that holds the raw array.
    - `forward`: from the raw array to the effective value; by default they are one.
    - `inverse`: from an effective value to a raw array; by default what is known of
        `forward`, as of [`eqinit.transforms.register_inverse`][].
    - `domain`: the least and the largest effective value.
    - `closed`: whether these two can be reached.
    - `layer`: whether `cls` is itself a layer that passes its own `field` through
        `forward` when called. By default it is an object that stands where its owner
        expects an array.
    - `override`: replace what somebody else has said of this class.

    **Raises:** `ValueError` for a `forward` whose inverse nobody has said, for a field
    that the class does not have, and where something else is known of the class.
    """
    transform = _transform(cls, forward, inverse)
    if domain is not None:
        values = Domain(*domain, closed=closed)
        transform = Transform(transform.forward_fn, transform.inverse_fn, values)
    if field not in fields_of(cls):
        near = nearest(field, fields_of(cls)) or f" There are {sorted(fields_of(cls))}."
        raise ValueError(
            f"register_parametrization: {cls.__name__} has no field `{field}`.{near}"
        )
    said = _Elementwise(field, transform, not layer)
    _PARAMETRIZATIONS.add(
        cls,
        said,
        call=f"register_parametrization({cls.__name__})",
        override=override,
        differs=said.difference,
    )


@dataclasses.dataclass(frozen=True)
class _Elementwise:
    """What one call of `register_parametrization` says."""

    field: str
    transform: Transform
    in_place: bool

    def __call__(self, node: Any) -> Parametrization:
        del node
        return elementwise(self.field, self.transform, in_place=self.in_place)

    def difference(self, other: Parametrize) -> str:
        if not isinstance(other, _Elementwise):
            return "how it keeps its array is known"
        if self.field != other.field:
            return f"`field` is `{self.field}` and was `{other.field}`"
        if self.in_place != other.in_place:
            return f"`layer` is {not self.in_place} and was {not other.in_place}"
        return self.transform.difference(other.transform)


def _transform(
    cls: type,
    forward: Callable[[Any], Any] | None,
    inverse: Callable[[Any], Any] | None,
) -> Transform:
    if forward is None and inverse is None:
        return IDENTITY
    if forward is not None and inverse is not None:
        return Transform(forward, inverse)
    known = None if forward is None else transform_of(forward)
    if known is None:
        fn = getattr(forward, "__qualname__", forward)
        raise ValueError(
            f"register_parametrization({cls.__name__}) got forward={fn} without an "
            "inverse that is known. Pass both, `forward=fn, inverse=gn`, or say "
            "`register_inverse(fn, gn)` once."
        )
    return known
