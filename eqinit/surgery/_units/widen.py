"""More units, in all their places, without a change of the function."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._typing import Array, Key, Natural, NonNegativeNumber, checked
from .._checks import check_same
from .._origins import parameters
from .._record import make_record, returned
from .._wrapped import wrapped_among
from .change import Change, check_values, group_of
from .fields import follow_sizes
from .groups import UnitGroup
from .pattern import Indices


@checked
def widen(
    model: Any,
    layer: str | UnitGroup,
    units: Natural,
    key: Key,
    call: Callable[..., Any],
    *args: Any,
    noise: NonNegativeNumber = 0.1,
    tolerance: NonNegativeNumber = 1e-5,
    record: bool = False,
) -> Any:
    r"""Give a layer more units, without changing what the model computes.

    Each new unit is a copy of an old one, in every place that a trace of the call
    finds: kernels, biases, norms and their running statistics, gates, further layers
    along a residual stream. The kernels that read copies share what the old one's
    weight was: equally with `noise=0`, and else in proportion to $1 + \text{noise}\;
    U(-1, 1)$, without which copies would get equal gradients and stay copies.

    ```python
    model = surgery.widen(model, "blocks.0.up", 4096, key, call, x)
    model = surgery.widen(model, "blocks.0.attn", 12, key, call, x)  # heads
    ```

    **Arguments:**

    - `model`: any model, or a `(model, state)` tuple.
    - `layer`: path of the layer that makes the units, or one of the groups of
        [`eqinit.surgery.unit_groups`][]. Of attention the units are whole heads.
    - `units`: how many there shall be. Where norms run over them, which have to see
        each of the old ones as often as the others, a multiple of what there is.
    - `key`: a PRNG key.
    - `call`, `*args`: `call(model, *args)` is what has to stay.
    - `noise`: in [0, 1).
    - `tolerance`: how far outputs may be off, in units of the largest.
    - `record`: also return the [`eqinit.surgery.Record`][]. Moments are copied as well,
        and shared by the copies where gradients are.

    **Returns:** a new model, with static sizes in step.

    **Raises:** `ValueError` where units have to stay where they are, or where outputs
    would change: [`eqinit.surgery.bake`][] what is kept in another form, such as
    kernels under `eqx.nn.WeightNorm` that read the units.

    Chen, Goodfellow and Shlens, Net2Net: Accelerating learning via knowledge transfer,
    arXiv:1511.05641.
    """
    check_values("widen", model)
    group = group_of("widen", model, layer, call, args)
    bake = wrapped_among(model, [member.path for member in group.members])
    _check(group, units, noise, bake)
    chosen = _copies(key, group, units)
    change = Change(group, chosen, _shares(key, chosen, group.size, noise))
    changed = change.leaves(model)
    changed = follow_sizes("widen", model, changed, group, units, call, args)
    note = check_same("widen", model, changed, call, args, tolerance, off=bake)
    what = f"{group.size} -> {units} units"
    origins = change.origins(what, parameters(model))
    made = make_record("widen", model, changed, origins, notes=[note])
    return returned(changed, made, record)


def _check(group: UnitGroup, units: int, noise: NonNegativeNumber, bake: str) -> None:
    old = group.size
    if units <= old or not 0 <= noise < 1:
        raise ValueError(
            f"widen got units={units} and noise={noise} for the {old} units of "
            f"`{group.name}`: it takes more units, such as {2 * old}, and a noise in "
            "[0, 1)."
        )
    if group.summed and units % old:
        raise ValueError(
            f"widen got units={units} for the {old} units of `{group.name}`, over "
            "which norms or other sums run: copies of some would weigh more in them. "
            f"{bake or f'Pass a multiple, such as {2 * old}.'}"
        )
    if tied := [m for m in group.members if m.way == "both"]:
        raise ValueError(
            f"widen got the units of `{group.name}`, and `{tied[0].path}` both makes "
            f"and reads them, along axis {tied[0].axis}: what reads copies has to "
            "share, and what makes them must not. Untie it first."
        )


def _copies(key: Key, group: UnitGroup, units: int) -> Indices:
    """Which old unit each unit is."""
    old = group.size
    if group.summed:
        return np.tile(np.arange(old), units // old)
    more = jax.random.randint(jax.random.fold_in(key, 0), (units - old,), 0, old)
    return np.concatenate([np.arange(old), np.asarray(more)])


def _shares(key: Key, chosen: Indices, old: int, noise: NonNegativeNumber) -> Array:
    """The share of each unit in what readers of the old one read."""
    scatter = jax.random.fold_in(key, 1)
    spread = jax.random.uniform(scatter, chosen.shape, jnp.float32, -noise, noise)
    weight = jnp.float32(1) + spread
    total = jnp.zeros(old, jnp.float32).at[chosen].add(weight)
    return weight / total[chosen]
