"""The units between two layers: more of them, and one more layer of them."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._parameters.paths import below, first_below, join, parent
from .._typing import Array, Key, Natural, NonNegativeNumber, Whole, checked
from ._checks import check_same
from ._edit import node_at
from ._fields import replace_fields, wanted, width_field
from ._selection import select
from ._swap import swap


_LAYERS = (eqx.nn.Linear, eqx.nn.Conv, eqx.nn.ConvTranspose)


def layer_at(model: Any, path: str) -> Any:
    """The plain `Linear` or convolution at a path, or an error that says what is."""
    layer = select(model, path).sites[0].layer
    plain = isinstance(layer, _LAYERS) and getattr(layer, "groups", 1) == 1
    if not plain or tuple(layer.weight.shape) != wanted(layer)["weight"]:
        raise TypeError(
            f"`{path}` is a {type(layer).__name__}; units are known of a `Linear` or a "
            "convolution of one group that is not stacked. Pass the path of one."
        )
    return layer


def map_inputs(layer: Any, units: int, fn: Any, path: str) -> Any:
    """A layer whose weights, as `(out, units, entries of a unit, *kernel)`, are `fn` of
    what they were: a flattened image has many entries a channel.
    """
    weight = layer.weight
    if weight.shape[1] % units:
        raise ValueError(
            f"`{path}` has {weight.shape[1]} inputs, which are not those of {units} "
            "units. Pass the layer that sees them next."
        )
    split = fn(weight.reshape(weight.shape[0], units, -1, *weight.shape[2:]))
    inputs = split.shape[1] * split.shape[2]
    joined = split.reshape(weight.shape[0], inputs, *weight.shape[2:])
    return replace_fields(
        layer, weight=joined, **{width_field(layer, "in"): _as_said(layer, inputs)}
    )


def _as_said(layer: Any, inputs: int) -> Any:
    said = getattr(layer, width_field(layer, "in"))
    return said if said == "scalar" and inputs == 1 else inputs


@checked
def net2wider(
    model: Any,
    layer: str,
    following: str,
    units: Natural,
    key: Key,
    noise: NonNegativeNumber = 0.1,
    *,
    call: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    tolerance: NonNegativeNumber = 1e-5,
) -> Any:
    r"""Give a layer more units, without changing what the model computes.

    Each new unit is a copy of a random old one, and the weights that read the copies
    share what the old one's weight was: equally with `noise=0`, and else in proportion
    to $1 + \text{noise}\; U(-1, 1)$, without which copies would get equal gradients and
    stay copies.

    ```python
    mlp = net2wider(mlp, "layers.0", "layers.1", 128, key)
    ```

    What stands between the two must act unit by unit: an activation, dropout, a
    pooling, a flattening. A norm over the units does not.

    **Arguments:**

    - `model`: any model.
    - `layer`, `following`: paths of the layer and of the one that reads its outputs;
        plain `Linear`s or convolutions.
    - `units`: how many there shall be.
    - `key`: a PRNG key.
    - `noise`: in [0, 1).
    - `call`, `args`, `tolerance`: what is to stay as it is, `call(model, *args)`, up to
        so much of its size. In one sequence of layers it is seen that no other stands
        between the two; elsewhere nothing else tells.

    **Returns:** a new model.

    **Raises:** `ValueError` where the layer has as many units already, or where the two
    layers do not follow one another.

    Chen, Goodfellow and Shlens, Net2Net: Accelerating learning via knowledge transfer,
    arXiv:1511.05641.
    """
    first, _ = layer_at(model, layer), layer_at(model, following)
    old = first.weight.shape[0]
    if units <= old or not 0 <= noise < 1:
        raise ValueError(
            f"net2wider got units={units} and noise={noise} for the {old} units of "
            f"`{layer}`: it takes more units, such as {2 * old}, and a noise in [0, 1)."
        )
    _check_adjacent(model, layer, following)
    index, share = _copies(key, old, units, noise, first.weight.dtype)

    def wider(found: Any) -> Any:
        bias = None if found.bias is None else found.bias[index]
        size = {width_field(found, "out"): units}
        return replace_fields(found, weight=found.weight[index], bias=bias, **size)

    def reading(found: Any) -> Any:
        def split(weight: Array) -> Array:
            taps = (1,) * (weight.ndim - 2)
            return weight[:, index] * share.reshape(1, units, *taps)

        return map_inputs(found, old, split, following)

    changed = swap(swap(model, layer, wider, count=1), following, reading, count=1)
    check_same("net2wider", model, changed, call, args, tolerance)
    return changed


def _check_adjacent(model: Any, layer: str, following: str) -> None:
    """That no kernel stands between two layers of one sequence, where there is one."""
    above, others = parent(layer), select(model, "**").sites
    if parent(following) != above or not isinstance(
        node_at(model, above), (list, tuple)
    ):
        return
    start, stop = (int(first_below(path, above)) for path in (layer, following))
    met = {
        int(first_below(site.path, above))
        for site in others
        if site.spec.role == "kernel" and below(site.path, above)
    }
    between = sorted(at for at in met if start < at < stop)
    if between or stop <= start:
        nearest = min((at for at in met if at > start), default=None)
        wanted = "none" if nearest is None else f"`{join(above, str(nearest))}`"
        raise ValueError(
            f"net2wider got `{following}` for the layer that reads the outputs of "
            f"`{layer}`, which is {wanted}. Pass that one: the copies would else not "
            "share what they are read with, and the model computed something else."
        )


def _copies(
    key: Key, old: int, units: int, noise: NonNegativeNumber, dtype: Any
) -> tuple[Array, Array]:
    """Which old unit each unit is, and its share of what that one's readers read."""
    pick, scatter = jax.random.split(key)
    more = jax.random.randint(pick, (units - old,), 0, old)
    index = jnp.concatenate([jnp.arange(old, dtype=more.dtype), more])
    spread = jax.random.uniform(scatter, (units,), jnp.float32, -noise, noise)
    weight = jnp.float32(1) + spread
    total = jnp.zeros(old, jnp.float32).at[index].add(weight)
    return index, (weight / total[index]).astype(dtype)


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
            f"net2deeper got a {type(module).__name__}; it takes an `eqx.nn.MLP` or an "
            '`eqx.nn.Sequential`: `swap(model, "body", lambda m: net2deeper(m, 0))`.'
        )
    layers = module.layers
    last = len(layers) - 2
    if not 0 <= index <= last or not isinstance(layers[index], eqx.nn.Linear):
        raise ValueError(
            f"net2deeper got index={index}, which is not a hidden `Linear` among "
            f"{[type(layer).__name__ for layer in layers]}. Pass the index of one."
        )
    new = _identity(layers[index])
    if isinstance(module, eqx.nn.MLP):
        _idempotent(module.activation)
        more = (*layers[: index + 1], new, *layers[index + 1 :])
        return replace_fields(module, layers=more, depth=module.depth + 1)
    activation = layers[index + 1]
    _idempotent(activation)
    more = (*layers[: index + 2], new, activation, *layers[index + 2 :])
    return replace_fields(module, layers=more)


def _identity(layer: eqx.nn.Linear) -> eqx.nn.Linear:
    units, dtype = layer.weight.shape[0], layer.weight.dtype
    bias = None if layer.bias is None else jnp.zeros_like(layer.bias)
    return replace_fields(
        layer, weight=jnp.eye(units, dtype=dtype), bias=bias, in_features=units
    )


def _idempotent(activation: Any) -> None:
    if any(eqx.is_array(leaf) for leaf in jax.tree.leaves(activation)):
        raise ValueError(
            "net2deeper cannot copy an activation with parameters of its own, one a "
            "layer. Build the deeper network and copy the layers over with `swap`."
        )
    once = activation(jnp.linspace(-4, 4, 257, dtype=jnp.float32))
    if jnp.abs(activation(once) - once).max() > 1e-6:
        raise ValueError(
            f"net2deeper inserts the identity, and the activation {activation!r} "
            "applied twice is not itself (that of `jax.nn.relu` is). Build the deeper "
            "network, and initialise its new layer with `Identity()`."
        )
