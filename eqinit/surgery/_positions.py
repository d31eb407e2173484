"""Other sequence lengths and image sizes: tables of learned positions, interpolated."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from .._articles import kind_of, with_article
from .._models.selectors import SelectorLike
from .._models.site import Site
from .._typing import Array, Count, Natural, Shape, checked
from ._edit import edit
from ._fields import replace_fields
from ._origins import fresh
from ._record import make_record, returned
from ._selection import select


@checked
def interpolate_positions(
    model: Any,
    selector: SelectorLike,
    size: Natural | Sequence[int],
    *,
    grid: Sequence[int] | None = None,
    prefix: Count = 0,
    method: Literal["nearest", "linear", "cubic", "lanczos3"] = "linear",
    record: bool = False,
) -> Any:
    """Stretch learned positions over a longer sequence or a larger image.

    Position $i$ of $n$ stands for the interval $[i, i + 1] / n$, as pixels do, and the
    table is read at the middle of the new intervals; where it shrinks, neighbours are
    averaged.

    ```python
    model = surgery.interpolate_positions(vit, "pos_embed", (24, 24), prefix=1)
    ```

    **Arguments:**

    - `model`: any model.
    - `selector`: arrays of shape `(*, positions, width)`, or `eqx.nn.Embedding`s.
    - `size`: the new number of positions, or the new grid, rows first.
    - `grid`: the old grid; by default a square where `size` is a pair.
    - `prefix`: how many positions in front are no places (a class token) and stay.
    - `method`: as in `jax.image.resize`.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model.

    **Raises:** `ValueError` where positions are not those of the grid, or for the
    kernel, bias or gain of a layer.
    """
    sites = select(model, selector).sites
    _check_tables(sites)
    target = (size,) if isinstance(size, int) else tuple(size)
    source = None if grid is None else tuple(grid)
    grids = {site.path: _grid(site, target, source, prefix) for site in sites}
    new: dict[str, Any] = {}
    for site in sites:
        table = _stretched(site.leaf, grids[site.path], target, prefix, method)
        if isinstance(site.layer, eqx.nn.Embedding):
            count = {"num_embeddings": table.shape[-2]}
            new[site.layer_path] = replace_fields(site.layer, weight=table, **count)
        else:
            new[site.path] = table
    changed = edit(model, new)
    whats = {p: f"positions {_by(g)} -> {_by(target)}" for p, g in grids.items()}
    origins = {path: fresh(what) for path, what in whats.items()}
    made = make_record("interpolate_positions", model, changed, origins)
    return returned(changed, made, record)


def _check_tables(sites: Sequence[Site]) -> None:
    """The axes of what a layer multiplies or adds are counted in its fields."""
    if wrong := [s for s in sites if s.spec.role in ("kernel", "bias", "scale")]:
        listed = ", ".join(
            f"`{s.path}`, {with_article(s.spec.role)} of {kind_of(s.layer)}"
            for s in wrong[:4]
        )
        more = ", ..." if len(wrong) > 4 else ""
        raise ValueError(
            f"interpolate_positions got {listed}{more}: no table of positions. Select "
            "arrays of shape `(positions, width)`, or `eqx.nn.Embedding`s, such as "
            '"pos_embed".'
        )


def _by(grid: Shape) -> str:
    return " x ".join(str(n) for n in grid)


def _grid(site: Site, target: Shape, said: Shape | None, prefix: Count) -> Shape:
    """The grid that a table's positions are on."""
    shape = site.shape
    count = shape[-2] - prefix if len(shape) > 1 else 0
    square = (math.isqrt(max(count, 0)),) * 2
    grid = said or ((count,) if len(target) == 1 else square)
    fits = len(grid) == len(target) and math.prod(grid) == count > 0
    if not fits or min(target) < 1:
        raise ValueError(
            f"`{site.path}` of shape {list(shape)} has {count} positions behind "
            f"{prefix} others, which are not those of the grid {_by(grid)} that is to "
            f"become {_by(target)}. Pass `grid=` and `prefix=`; positions are the last "
            "axis but one."
        )
    return grid


def _stretched(
    table: Array, grid: Shape, target: Shape, prefix: Count, method: str
) -> Array:
    stack, width = table.shape[:-2], table.shape[-1]
    places = table[..., prefix:, :].reshape(*stack, *grid, width)
    wide = jnp.asarray(places, jnp.promote_types(table.dtype, jnp.float32))
    resized = jax.image.resize(wide, (*stack, *target, width), method)
    flat = resized.reshape(*stack, math.prod(target), width).astype(table.dtype)
    return jnp.concatenate([table[..., :prefix, :], flat], axis=-2)
