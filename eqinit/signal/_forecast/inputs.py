"""What is known of the arrays that a call starts from, before anything is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._drawing.row import Row
from ..._models.site import Site
from ..._schemes.orthogonal import Orthogonal
from .atoms import Atom
from .moments import independent, measured
from .values import Known, Random, Unknown, Value, random


def parameter(site: Site, row: Row) -> Value:
    """A parameter, by the law that the plan gives it."""
    shape, init = tuple(site.leaf.shape), row.init
    if init is None:
        return _kept(site.leaf)
    if site.parametrization is not None:
        name = site.parametrization.name
        return Unknown(shape, f"`{site.path}` is kept in another form ({name})")
    if row.spec.is_complex:
        return Unknown(shape, "complex numbers")
    law, moments = init.law(row.spec), init.moments(row.spec)
    if law is not None and law.constant is not None:
        constant = np.asarray(law.constant, np.float64)
        return Known(np.broadcast_to(constant, shape))
    # Entries of a matrix that has no preferred direction are uncorrelated; no other
    # scheme without a law is taken to be so.
    if moments is None or not (law or isinstance(init, Orthogonal)):
        return Unknown(shape, f"the entries of {init!r} are no independent draws")
    return random(independent(shape, moments.mean, moments.std), drawn=True)


def _kept(leaf: Any) -> Value:
    shape = tuple(leaf.shape)
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return Unknown(shape, "a parameter that no rule claims, and that has no value")
    value = argument(leaf)
    if not isinstance(value, Random):
        return value
    array = np.asarray(leaf, np.float64)
    if (array == array.flat[0]).all():
        return Known(array)
    return random(value.moments, drawn=True)


def argument(leaf: Any) -> Value:
    """Data: its own moments where it has values, standard normal where it has none."""
    shape, abstract = tuple(leaf.shape), isinstance(leaf, jax.ShapeDtypeStruct)
    if jnp.issubdtype(leaf.dtype, jax.dtypes.extended):
        return Unknown(shape, "a PRNG key")
    if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
        return Unknown(shape, "complex numbers")
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        if abstract:
            return Unknown(shape, "whole numbers of unknown values")
        return Known(np.asarray(leaf))
    if abstract:
        return random(independent(shape, 0.0, 1.0))
    array = np.asarray(leaf, np.float64)
    if not np.isfinite(array).all():
        return Unknown(shape, "data that is not finite")
    return random(measured(array))


def gradient(shape: Any) -> Value:
    """The gradient that an output starts with: drawn from N(0, 1), as a probe's."""
    return Random(Atom(independent(tuple(shape), 0.0, 1.0), gradient=True))


def inputs(
    sites: Sequence[Site],
    rows: Mapping[str, Row],
    leaves: Sequence[Any],
    positions: Sequence[int],
    of_model: int,
) -> list[Value]:
    """A value for every array that the call is traced with."""
    by_position = {site.position: site for site in sites}
    values: list[Value] = []
    for leaf, position in zip(leaves, positions, strict=True):
        site = by_position.get(position)
        if site is not None and site.path in rows:
            values.append(parameter(site, rows[site.path]))
        elif position < of_model:
            values.append(_kept(leaf))
        else:
            values.append(argument(leaf))
    return values
