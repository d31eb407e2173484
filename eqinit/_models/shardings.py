"""Where a drawn value goes: the leaf's own place, or the one that the caller says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.sharding import Sharding

from .._articles import kind_of
from .._typing import Array
from .parametrized import state_updates
from .read import States
from .site import Site


def wanted_shardings(
    model: Any, sites: Mapping[str, Site], sharding: Any
) -> dict[str, Sharding | None]:
    """Path to sharding, from one sharding, a function of the site or a tree prefix.

    `None`, as a whole or for a parameter, leaves it where its leaf is.
    """
    said: dict[str, Any]
    if sharding is None or isinstance(sharding, Sharding):
        said = dict.fromkeys(sites, sharding)
    elif callable(sharding) and jax.tree_util.all_leaves([sharding]):
        # A leaf: a model with shardings at its leaves may be callable as well.
        said = {path: _asked(sharding, site) for path, site in sites.items()}
    else:
        said = _by_prefix(model, sites, sharding)
    wrong = [
        p for p, s in said.items() if s is not None and not isinstance(s, Sharding)
    ]
    if wrong:
        raise ValueError(
            f"`sharding` gives `{wrong[0]}` {kind_of(said[wrong[0]])}; it "
            "takes one `jax.sharding.Sharding`, a function from the site to one, or a "
            "tree prefix of the model with them at its leaves."
        )
    return {path: s or _own_sharding(sites[path].leaf) for path, s in said.items()}


def _asked(sharding: Callable[[Site], Any], site: Site) -> Any:
    try:
        return sharding(site)
    except Exception as error:
        raise ValueError(
            f"the function `sharding` raised {site.failure(error)} Let it return a "
            "`jax.sharding.Sharding` for every site, or `None` to leave it in place."
        ) from error


def _by_prefix(model: Any, sites: Mapping[str, Site], prefix: Any) -> dict[str, Any]:
    def is_leaf(x: Any) -> bool:
        return x is None or isinstance(x, Sharding)

    try:
        full = jax.tree.broadcast(prefix, model, is_leaf=is_leaf)
    except ValueError as error:
        raise ValueError(
            f"`sharding` is no tree prefix of the model: {error} Pass one sharding, or "
            "a function from the site to one."
        ) from error
    leaves = jax.tree.leaves(full, is_leaf=is_leaf)
    return {path: leaves[site.position] for path, site in sites.items()}


def _own_sharding(leaf: Any) -> Sharding | None:
    if isinstance(leaf, (Tracer, np.ndarray)):
        return None
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf.sharding
    # An uncommitted array follows its computation; placing it would commit it.
    return leaf.sharding if getattr(leaf, "committed", True) else None


def as_leaf(value: Array | np.ndarray, leaf: Any) -> Any:
    """A numpy leaf stays numpy, in its own dtype."""
    if isinstance(leaf, np.ndarray) and not isinstance(value, Tracer):
        return np.asarray(value).astype(leaf.dtype)
    return value


def new_leaves(
    drawn: Sequence[tuple[Site, Array | np.ndarray]], states: States
) -> dict[int, Any]:
    """The leaves of a model that change, by position, when parameters get values.

    Of a parametrized one: those that together make the effective value, and the state
    that is kept in step with it.
    """
    values: dict[int, Any] = {}
    moved: dict[int, tuple[Any, Any]] = {}
    bound = [
        (site.parametrization, value)
        for site, value in drawn
        if site.parametrization is not None
    ]
    for site, value in drawn:
        if site.parametrization is None:
            values[site.position] = as_leaf(value, site.leaf)
            continue
        changes = site.parametrization.updates(value)
        # It is where the caller wants it; what follows stays where it was.
        old, new = changes.pop(site.position, (site.leaf, site.leaf))
        values[site.position] = as_leaf(new, old)
        moved |= changes
    moved |= state_updates(states, bound)
    return values | {at: _in_place_of(old, new) for at, (old, new) in moved.items()}


def _in_place_of(old: Any, new: Any) -> Any:
    sharding = None if isinstance(new, Tracer) else _own_sharding(old)
    return as_leaf(new if sharding is None else jax.device_put(new, sharding), old)
