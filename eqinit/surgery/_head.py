"""Another task: a new head on a trained trunk."""

from typing import Any

import equinox as eqx
import jax

from .._parameters.paths import join
from .._planning.plan import plan
from .._planning.rule import Rule
from .._schemes.constant import Zeros
from .._schemes.fans import LecunNormal
from .._typing import Key, Natural, checked
from ._edit import edit, layer
from ._fields import replace_fields, wanted, width_field
from ._origins import fresh
from ._record import make_record, returned


_HEADS = (eqx.nn.Linear, eqx.nn.Conv)


@checked
def new_head(
    model: Any,
    path: str,
    outputs: Natural,
    key: Key,
    *,
    weight: Any = LecunNormal(),
    bias: Any = Zeros(),
    record: bool = False,
) -> Any:
    """Replace the last layer by one with other outputs, drawn anew.

    ```python
    model = surgery.new_head(model, "head", 10, key)
    model = surgery.new_head(model, "head", 10, key, weight=eqinit.Zeros())
    ```

    **Arguments:**

    - `model`: any model.
    - `path`: of a `Linear` or of a convolution.
    - `outputs`: how many outputs it shall have; as many as before draws it anew.
    - `key`: a PRNG key; the draw is that of [`eqinit.apply`][] at this path.
    - `weight`, `bias`: initializers.
    - `record`: also return the [`eqinit.surgery.Record`][].

    **Returns:** a new model; everything else in it is the same object.
    """
    old = layer(model, path, _HEADS)
    if outputs < 1:
        raise ValueError(f"new_head got outputs={outputs}; pass how many there are.")
    empty = _abstract(replace_fields(old, **{width_field(old, "out"): outputs}))
    fields = {"weight": weight} | ({"bias": bias} if old.bias is not None else {})
    planned = plan(edit(model, {path: empty}), [Rule(path, **fields)])
    changed = planned.apply(edit(model, {path: empty}), key)
    what = f"new head with {outputs} outputs"
    origins = {join(path, name): fresh(what) for name in fields}
    made = make_record("new_head", model, changed, origins)
    return returned(changed, made, record)


def _abstract(layer: Any) -> Any:
    """The layer with shapes in place of the arrays that its sizes no longer fit."""
    shapes = {
        name: jax.ShapeDtypeStruct(shape, getattr(layer, name).dtype)
        for name, shape in wanted(layer).items()
        if shape is not None
    }
    return replace_fields(layer, **shapes)
