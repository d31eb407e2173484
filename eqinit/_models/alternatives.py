"""What there is in a model, for a selector that matches nothing."""

import re
from collections.abc import Sequence

from .._nearest import nearest
from .._parameters.paths import matches
from .read import Sites
from .selectors import AbstractSelector, Layer, Path, Role


def no_match(sites: Sites, selector: AbstractSelector) -> str:
    """What there is instead: a sentence, with a space in front."""
    parameters = sites.parameters
    if isinstance(selector, Path):
        return _no_path(sites, selector.glob)
    if isinstance(selector, Layer):
        types = {type(s.layer).__name__ for s in parameters if s.layer is not None}
        return f" The layers with parameters here are {sorted(types)}."
    if isinstance(selector, Role):
        roles = sorted({site.spec.role for site in parameters})
        return f" The roles here are {roles}."
    return " `print(eqinit.plan(model, []))` lists what there is."


def _no_path(sites: Sites, glob: str) -> str:
    shared = [path for path in sites.shared if matches(glob, path)]
    if shared:
        return (
            f" `{shared[0]}` is the shared copy of an `eqx.nn.Shared`; set its source "
            "instead."
        )
    steps = {s.path for site in sites.parameters for s in site.ancestors if s.path}
    known = sorted(steps | {site.path for site in sites.parameters})
    if not known:
        return " There is no parameter here at all."
    some = ", ".join(f"`{name}`" for name in known[:5])
    names = sorted({f"**.{path.rpartition('.')[2]}" for path in known})
    near = nearest(glob, known) or nearest(f"**.{glob}", names)
    return _wider(glob, known) or near or f" There are {some}, ..."


def _wider(glob: str, known: Sequence[str]) -> str:
    """A pattern that was meant for any depth, and does not say so."""
    # `**` stands for whole steps: `**weight` is one step, which ends with "weight".
    apart = re.sub(r"\*\*(?=[^.*])", "**.", re.sub(r"(?<=[^.*])\*\*", ".**", glob))
    for meant in (apart, f"**.{glob}"):
        if meant != glob and any(matches(meant, path) for path in known):
            return (
                f" Did you mean `{meant}`? `**` stands for any number of steps, and "
                "`*` stays within one."
            )
    return ""
