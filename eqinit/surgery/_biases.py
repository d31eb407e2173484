"""Add and remove biases together with the flags that make them count."""

from typing import Any

import jax.numpy as jnp

from .._typing import Finite, checked
from ._fields import replace_fields, wanted


_BIASES = ("bias", "bias_n")


@checked
def with_bias(layer: Any, value: Finite = 0.0) -> Any:
    """A layer with a bias, filled with `value`, and the flag that makes it count.

    Setting `bias` by `eqx.tree_at` where `use_bias=False` is ignored by convolutions
    and recurrent cells, silently.

    **Arguments:**

    - `layer`: a `Linear`, a convolution, a recurrent cell or a norm of `eqx.nn`;
        stacked ones get a stacked bias.
    - `value`: the bias's value.

    **Returns:** a new layer; one that has a bias is returned as it is.
    """
    _check_flag(layer)
    if layer.use_bias:
        return layer
    flagged = replace_fields(layer, use_bias=True)
    shapes = wanted(flagged)
    like = next(f for f in shapes if f not in _BIASES)
    array, inner = getattr(layer, like), shapes[like]
    if array is None or inner is None:
        stack, dtype = (), jnp.zeros(()).dtype
    else:
        stack, dtype = array.shape[: array.ndim - len(inner)], array.dtype
    biases = {
        field: jnp.full((*stack, *shape), value, dtype)
        for field, shape in shapes.items()
        if field in _BIASES and shape is not None
    }
    return replace_fields(flagged, **biases)


@checked
def without_bias(layer: Any) -> Any:
    """A layer without its bias, and with the flag that says so.

    **Arguments:**

    - `layer`: as in [`eqinit.surgery.with_bias`][].

    **Returns:** a new layer.
    """
    _check_flag(layer)
    gone = {field: None for field in wanted(layer) if field in _BIASES}
    return replace_fields(layer, use_bias=False, **gone)


def _check_flag(layer: Any) -> None:
    if not wanted(layer) or not hasattr(layer, "use_bias"):
        raise TypeError(
            f"{type(layer).__name__} has no `use_bias` that is known here. Build the "
            "layer anew with its own constructor; for the layers in it, "
            "`swap(model, eqx.nn.Linear, with_bias)`."
        )
