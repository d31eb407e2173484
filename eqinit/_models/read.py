"""A model, read: what its parameters are, and what else is worth knowing of it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, TypeAlias

import jax
from jax.core import Tracer

from .._inference.facts import Layouts
from .._memo import Memo
from .._parameters.spec import Override, ParamSpec
from .place import Node
from .site import Site
from .specs import Specs
from .walk import Walk, model_of


# Every `eqx.nn.State` of a model, with the position of its first leaf.
States: TypeAlias = tuple[tuple[int, Any], ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Sites:
    """What there is in a model.

    - `parameters`, `nodes`: its parameters and its modules, in tree order.
    - `shared`: paths of slots that `eqx.nn.Shared` fills; `sources`: from where, for
        those that are filled with a leaf as it is.
    - `states`: every `eqx.nn.State`.
    """

    parameters: tuple[Site, ...]
    nodes: tuple[Node, ...]
    shared: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]
    states: States
    specs: Specs

    @property
    def problems(self) -> Mapping[str, str]:
        """By path: layouts that do not fit, of which a rule may say better."""
        for site in self.parameters:
            _ = site.spec  # which is worked out when it is first asked for
        return self.specs.problems

    def overridden(self, site: Site, said: Override | None) -> ParamSpec:
        """The spec of a site, with what a rule says of its axes and fans instead."""
        return self.specs.overridden(site, said)

    @functools.cached_property
    def aliases(self) -> tuple[tuple[str, ...], ...]:
        """Groups of paths at which one array object stands: it is copied, not tied."""
        groups = Memo[list[str]]()
        for site in self.parameters:
            if not isinstance(site.leaf, (jax.ShapeDtypeStruct, Tracer)):
                groups.once((site.leaf,), list).append(site.path)
        return tuple(tuple(paths) for paths in groups.values() if len(paths) > 1)


def read(model: Any, layouts: Layouts | None = None) -> Sites:
    """Everything in `model`, in the order of `jax.tree_util.tree_leaves`.

    `layouts` are those of one call: they say where an array belongs, and so what stands
    in its place.
    """
    if isinstance(model, type):
        name = model.__name__
        raise TypeError(
            f"got the class {name} for a model. Make one, `{name}(...)`, or let "
            f"`eqinit.build(lambda key: {name}(..., key=key), key, rules)` make it."
        )
    specs = Specs({} if layouts is None else layouts)
    walk = Walk(specs.layouts, specs)
    for part in [model] if model_of(model) is model else model:
        walk.visit(part)
    _check_paths([site.path for site in walk.parameters])
    for site in walk.parameters:
        specs.note(site)
    return Sites(
        tuple(walk.parameters),
        tuple(walk.nodes),
        tuple(walk.shared),
        tuple(walk.sources),
        tuple(walk.states),
        specs,
    )


def _check_paths(paths: list[str]) -> None:
    if len(set(paths)) == len(paths):
        return
    twice = sorted({path for path in paths if paths.count(path) > 1})
    raise ValueError(
        f"{len(twice)} paths stand for two parameters each, such as `{twice[0]}`: "
        "a container has keys that print alike. Give its keys different names."
    )
