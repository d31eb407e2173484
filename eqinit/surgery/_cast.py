"""Another precision, and what has to stay wide."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import jax.tree_util as jtu

from .._models.selectors import Role, SelectorLike
from .._models.site import Site
from .._models.write import replace_leaves
from .._typing import DTypeLike, checked
from ._origins import moved
from ._record import make_record, returned
from ._selection import select


@checked
def cast(
    model: Any,
    selector: SelectorLike,
    dtype: DTypeLike,
    *,
    keep: SelectorLike | None = Role("scale") | Role("bias"),
    record: bool = False,
) -> Any:
    """Give parameters another dtype, and leave the small ones that sums depend on.

    ```python
    model = surgery.cast(model, "**", jnp.bfloat16)
    ```

    Gains of norms and biases stay as they are: they are few, they are added to long
    sums, and what they learn is soon smaller than half precision can tell from nothing.
    Of a layer without a layout, arrays of one axis count as such.

    !!! info

        Where a bias is wider than its kernel, jax promotes what comes out of the layer.
        `keep=None` casts everything.

    **Arguments:**

    - `model`: any model. Running statistics in an `eqx.nn.State` stay.
    - `selector`: the parameters to cast.
    - `dtype`: a floating-point dtype.
    - `keep`: those among them that stay as they are.
    - `record`: also return the [`eqinit.surgery.Record`][]. An optimiser's moments
        follow where they had their parameter's dtype.

    **Returns:** a new model.

    **Raises:** `ValueError` for a dtype that is not floating point, or is complex where
    a parameter is real, or real where one is complex.
    """
    chosen = _chosen(model, selector, keep, jnp.dtype(dtype))
    if wrong := _unfit(chosen, jnp.dtype(dtype)):
        raise ValueError(
            f"cast got dtype={dtype}, and `{wrong[0].path}` is "
            f"{wrong[0].leaf.dtype}. Pass a floating-point dtype, complex for complex "
            "parameters, and select the others apart from them."
        )
    dtypes = {site.position: site.leaf.dtype for site in chosen}
    changed = _with_dtypes(model, {position: dtype for position in dtypes})
    made = make_record(
        "cast",
        model,
        changed,
        {site.path: moved(site.path, "cast") for site in chosen},
        inverse=lambda later: _with_dtypes(later, dtypes),
    )
    return returned(changed, made, record)


def _chosen(
    model: Any, selector: SelectorLike, keep: SelectorLike | None, dtype: DTypeLike
) -> list[Site]:
    selection = select(model, selector)
    sites = selection.sites + selection.followers
    kept: set[str] = set()
    if keep is not None:
        kept = set(select(model, keep, optional=True).paths)
        kept |= {s.path for s in sites if s.spec.axes is None and s.leaf.ndim < 2}
    return [s for s in sites if s.path not in kept and s.leaf.dtype != dtype]


def _unfit(sites: list[Site], dtype: DTypeLike) -> list[Site]:
    """Parameters whose kind of number this dtype does not hold."""
    to_complex = jnp.issubdtype(dtype, jnp.complexfloating)
    if not jnp.issubdtype(dtype, jnp.inexact):
        return sites
    return [s for s in sites if jnp.iscomplexobj(s.leaf) != to_complex]


def _with_dtypes(model: Any, dtypes: Mapping[int, Any]) -> Any:
    leaves = jtu.tree_leaves(model)
    return replace_leaves(model, {i: leaves[i].astype(d) for i, d in dtypes.items()})
