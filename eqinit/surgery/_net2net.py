"""One more layer, which is the identity."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._articles import kind_of
from .._typing import Shape, Whole, checked
from ._calls import in_short
from ._fields import replace_fields


@checked
def net2deeper(module: Any, index: Whole) -> Any:
    r"""Give a network one more layer, without changing what it computes.

    The new layer is the identity, with the activation that its predecessor has, which
    must be idempotent: $\phi(\phi(x)) = \phi(x)$, as for ReLU.

    ```python
    mlp = net2deeper(mlp, 0)
    model = swap(model, "body", lambda mlp: net2deeper(mlp, 0))
    ```

    **Arguments:**

    - `module`: an `eqx.nn.MLP`, or an `eqx.nn.Sequential` in which the layer is
        followed by its activation.
    - `index`: of the `Linear`, in `module.layers`, behind which to insert.

    **Returns:** a new module.

    **Raises:** `ValueError` for an activation that is not idempotent, and `TypeError`
    for other modules.

    Chen, Goodfellow and Shlens, Net2Net: Accelerating learning via knowledge transfer,
    arXiv:1511.05641.
    """
    if not isinstance(module, (eqx.nn.MLP, eqx.nn.Sequential)):
        raise TypeError(
            f"net2deeper got {kind_of(module)}; it takes an `eqx.nn.MLP` or an "
            '`eqx.nn.Sequential`: `swap(model, "body", lambda m: net2deeper(m, 0))`.'
        )
    layers = module.layers
    last = len(layers) - 2
    if not 0 <= index <= last or not isinstance(layers[index], eqx.nn.Linear):
        raise ValueError(
            f"net2deeper got index={index}, which is not a hidden `Linear` among "
            f"{[type(layer).__name__ for layer in layers]}. Pass the index of one."
        )
    if layers[index].weight.ndim > 2:
        raise ValueError(
            f"net2deeper takes one network, and the weight of `layers.{index}` has the "
            f"shape {list(layers[index].weight.shape)}, of several in a stack: "
            "`eqx.filter_vmap(lambda module: net2deeper(module, index))(stack)`."
        )
    new = _identity(layers[index])
    if isinstance(module, eqx.nn.MLP):
        _idempotent(module.activation, ())
        more = (*layers[: index + 1], new, *layers[index + 1 :])
        return replace_fields(module, layers=more, depth=module.depth + 1)
    activation = layers[index + 1]
    _idempotent(activation, layers[index].weight.shape[:1])
    more = (*layers[: index + 2], new, activation, *layers[index + 2 :])
    return replace_fields(module, layers=more)


def _identity(layer: eqx.nn.Linear) -> eqx.nn.Linear:
    units, dtype = layer.weight.shape[0], layer.weight.dtype
    bias = None if layer.bias is None else jnp.zeros_like(layer.bias)
    return replace_fields(
        layer, weight=jnp.eye(units, dtype=dtype), bias=bias, in_features=units
    )


def _idempotent(activation: Any, shape: Shape) -> None:
    """That it leaves alone what it returns, on arrays of the shape that it is given."""
    if any(eqx.is_array(leaf) for leaf in jax.tree.leaves(activation)):
        raise ValueError(
            "net2deeper cannot copy an activation with parameters of its own, one a "
            "layer. Build the deeper network and copy the layers over with `swap`."
        )
    grid = jnp.linspace(-4, 4, 257, dtype=jnp.float32)
    # As many rows as it takes for every number to be in one.
    rows = jnp.resize(grid, (-(-grid.size // max(1, math.prod(shape))), *shape))
    try:
        once = jax.vmap(activation)(rows)
        twice = jax.vmap(activation)(once)
    except Exception as error:  # whatever it raises
        raise ValueError(
            f"net2deeper calls the activation {activation!r} on an array of shape "
            f"{list(shape)}, as the layer returns it, and on what it makes of that, "
            f"and it raises {in_short(error)} Dropout and its like take "
            "`eqx.nn.inference_mode(model)`; else build the deeper network, and "
            "initialise its new layer with `Identity()`."
        ) from error
    if once.shape != twice.shape or jnp.abs(twice - once).max() > 1e-6:
        raise ValueError(
            f"net2deeper inserts the identity, and the activation {activation!r} "
            "applied twice is not itself (that of `jax.nn.relu` is). Build the deeper "
            "network, and initialise its new layer with `Identity()`."
        )
