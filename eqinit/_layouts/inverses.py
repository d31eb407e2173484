"""Functions that parametrizations apply, and their inverses."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._typing import Number, checked
from .parametrizations import (
    Domain,
    Parametrization,
    at,
    effective,
    elementwise,
    put,
    set_effective,
)


def inverse_softplus(value: Any) -> Any:
    """x with softplus(x) = value."""
    return value + jnp.log(-jnp.expm1(-value))


def _logit(value: Any) -> Any:
    return jnp.log(value) - jnp.log1p(-value)


def _same(value: Any) -> Any:
    return value


_POSITIVE = Domain(0.0, math.inf, closed=False)
_NON_NEGATIVE = Domain(0.0, math.inf)

# By identity: `jax.nn.softplus` is one object, whoever imports it.
_INVERSES: dict[int, tuple[Any, Callable[[Any], Any], Domain]] = {}


def _known(fn: Any, inverse: Callable[[Any], Any], domain: Domain) -> None:
    _INVERSES[id(fn)] = (fn, inverse, domain)  # holding `fn` keeps its id taken


_known(jnp.exp, jnp.log, _POSITIVE)
_known(jax.nn.softplus, inverse_softplus, _POSITIVE)
_known(jax.nn.sigmoid, _logit, Domain(0.0, 1.0, closed=False))
_known(jnp.tanh, jnp.arctanh, Domain(-1.0, 1.0, closed=False))
_known(jnp.square, jnp.sqrt, _NON_NEGATIVE)
_known(jnp.abs, _same, _NON_NEGATIVE)
_known(jax.nn.relu, _same, _NON_NEGATIVE)


@checked
def register_inverse(
    fn: Callable[..., Any],
    inverse: Callable[[Any], Any],
    *,
    domain: tuple[Number, Number] = (-math.inf, math.inf),
    closed: bool = False,
) -> None:
    """Say once what undoes a function that klax's or paramax's `Parameterize` applies.

    `exp`, `softplus`, `sigmoid`, `tanh`, `square`, `abs`, `relu` and masks
    (`Parameterize(jnp.where, mask, array, 0)`) are known.

    **Arguments:**

    - `fn`: the function, by identity.
    - `inverse`: from an effective value to the argument of `fn`.
    - `domain`, `closed`: the values of `fn`, as in
        [`eqinit.register_parametrization`][].
    """
    _known(fn, inverse, Domain(*map(float, domain), closed=closed))


def parameterize(node: Any) -> Parametrization | None:
    """klax's and paramax's `Parameterize(fn, *args, **kwargs)`."""
    fn, args = node.fn, node.args
    if fn is jnp.where and len(args) == 3 and not node.kwargs:
        return _masked(node)
    known = _INVERSES.get(id(fn))
    if known is None or len(args) != 1 or node.kwargs:
        return None
    return elementwise("args.0", fn, known[1], domain=known[2])


def _masked(node: Any) -> Parametrization | None:
    """`where(mask, array, 0)`: what the mask lets through follows the law."""
    if not isinstance(node.args[2], int | float) or node.args[2] != 0:
        return None
    # The array and not its masked value: the law is that of the entries let through,
    # and a mask that is itself traced or abstract says nothing about which these are.
    return Parametrization(
        "args.1",
        functools.partial(_get_field, "args.1"),
        functools.partial(_set_field, "args.1"),
        note="masked: where the mask lets it through",
    )


def _get_field(field: str, node: Any) -> Any:
    return effective(at(node, field))


def _set_field(field: str, node: Any, value: Any) -> Any:
    return put(node, field, set_effective(at(node, field), value))
