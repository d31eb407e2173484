"""What there is in a model, for a selector that matches nothing."""

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
    return nearest(glob, known) or f" There are {some}, ..."
