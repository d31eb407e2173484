"""Residual branches: where they end, and how deep they are."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from .._models.selectors import AbstractSelector, Path, SelectorLike
from .._models.site import Site
from .._planning.part import matrices
from .._planning.rule import Rule
from .._schemes.combined.per_slice import PerSlice
from .._schemes.constant import Zeros
from .._schemes.initializer import AbstractInitializer
from ._parts import for_part
from ._selectors import Ends


def either(*globs: str) -> AbstractSelector:
    """What any of these globs matches."""
    first, *rest = [Path(glob) for glob in globs]
    chosen: AbstractSelector = first
    for path in rest:
        chosen = chosen | path
    return chosen


# The last layer of each residual branch, as it is called in well-known models.
_ATTENTION = ("output_proj", "out_proj", "o_proj", "attn.proj", "attention.proj")
_DENSE = ("attention.dense", "output.dense", "dense_4h_to_h")
_MLP = ("c_proj", "proj_down", "down_proj", "mlp.fc2", "feed_forward.w2", "wo")
NAMES = (*_ATTENTION, *_DENSE, *_MLP)
RESIDUAL = either(*(f"**.{name}" for name in NAMES))

_TRACE = "`layouts=eqinit.trace_layouts(model, call, x)`"
_WAYS = f"Pass {_TRACE}, which sees them, or say which they are: `residual=...`."


def ends(
    residual: SelectorLike | None, weight: Any, num_layers: int | None = None
) -> list[Rule]:
    """A rule for the last layers of residual branches.

    As the caller says; otherwise by the trace, or by name where there is none.
    `num_layers` is the number of blocks, of two branches each, where it is known.
    """
    if residual is not None:
        return [Rule(residual, weight=weight, bias=Zeros())]

    def wrong(selected: Sequence[Site]) -> str | None:
        if selected[0].traced is not None:
            return None
        return _too_few(selected, num_layers)

    rule = Rule(Ends(RESIDUAL), weight, optional=True)
    what = f"By name these are {', '.join(f'`{name}`' for name in NAMES)}. {_WAYS}"
    return for_part("ends of residual branches", [rule], lacking=what, wrong=wrong)


def _too_few(selected: Sequence[Site], num_layers: int | None) -> str | None:
    """A block that is a transformer's has two branches, and each has an end."""
    count = matrices(selected)
    by_block = Counter(site.block for site in selected if site.block is not None)
    wanted = 2 * num_layers if num_layers is not None else 2 * len(by_block)
    if count >= wanted:
        return None
    some = ", ".join(f"`{site.path}`" for site in selected[:2])
    return (
        f"{wanted // 2} blocks have {wanted} residual branches, and by name the ends "
        f"of {count} are found, such as {some}. {_WAYS}"
    )


def block_of(site: Site, recipe: str) -> int:
    """How many blocks come before the one that a parameter is in."""
    if site.block is not None:
        return site.block[0]
    if site.traced is not None and site.traced.residual is not None:
        return (site.traced.residual - 1) // 2  # of two branches each
    raise ValueError(
        f"`{site.path}` is in no sequence of blocks, so that {recipe} does not "
        f"know its depth. Pass selectors for layers inside of one, or {_TRACE}."
    )


def by_depth(
    recipe: str,
    scheme: Callable[[float], AbstractInitializer],
    factor: Callable[[int], float],
) -> Callable[[Site], AbstractInitializer]:
    """A scheme with a gain for every block, also where blocks are stacked."""

    def of(site: Site) -> AbstractInitializer:
        if not site.stack:
            return scheme(factor(block_of(site, recipe)))
        if site.block is not None or len(site.stack) > 1:
            raise ValueError(
                f"`{site.path}` is a stack of blocks inside of another sequence, so "
                f"that {recipe} does not know its depth. `PerSlice` says the factors."
            )
        count = math.prod(site.stack)
        return PerSlice(scheme(1.0), [factor(i) for i in range(count)])

    return of


def branches_of(site: Site, recipe: str) -> int:
    """How many residual branches a model has, as a trace has counted them."""
    if site.specs.branches is not None:
        return site.specs.branches
    raise ValueError(
        f"{recipe} was not told how many blocks there are: pass `num_layers=...`, or "
        f"{_TRACE}, which counts the branches."
    )
