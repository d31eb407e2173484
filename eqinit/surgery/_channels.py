"""Other images: more or fewer channels for the first convolution."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from .._parameters.paths import join
from .._typing import Array, Natural, checked
from ._edit import edit, layer
from ._fields import replace_fields
from ._origins import fresh
from ._record import make_record, returned


@checked
def change_in_channels(
    model: Any, path: str, channels: Natural, *, record: bool = False
) -> Any:
    """Let a convolution read images of another number of channels.

    Old channel $j$ is shared out equally among the new channels $i$ with
    $i = j$ modulo the smaller of the two numbers: one channel reads the sum of all old
    kernels, and six channels read each of three at half its size. The sum over channels
    is what it was, so an image whose channels are all alike gives what it gave.

    ```python
    model = surgery.change_in_channels(model, "stem", 1)
    ```

    **Arguments:**

    - `model`: any model.
    - `path`: of a convolution of one group.
    - `channels`: how many channels its inputs shall have.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model.

    **Raises:** `ValueError` for a grouped convolution.
    """
    old = layer(model, path, (eqx.nn.Conv, eqx.nn.ConvTranspose))
    if old.groups != 1 or channels < 1:
        raise ValueError(
            f"change_in_channels got channels={channels} for `{path}`, a convolution "
            f"of {old.groups} groups. It takes at least one channel, and one group: "
            "build a grouped one anew, and swap it in."
        )
    weight = _shared_out(old.weight, channels)
    new = replace_fields(old, weight=weight, in_channels=channels)
    changed = edit(model, {path: new})
    what = f"{old.in_channels} -> {channels} channels"
    origins = {join(path, "weight"): fresh(what)}
    made = make_record("change_in_channels", model, changed, origins)
    return returned(changed, made, record)


def _shared_out(weight: Array, channels: Natural) -> Array:
    fewer = min(weight.shape[1], channels)
    wide = jnp.asarray(weight, jnp.promote_types(weight.dtype, jnp.float32))
    classes = [wide[:, i::fewer].sum(1) for i in range(fewer)]
    copies = [len(range(i % fewer, channels, fewer)) for i in range(channels)]
    parts = [classes[i % fewer] / copies[i] for i in range(channels)]
    return jnp.stack(parts, 1).astype(weight.dtype)
