"""New values for a model that has been trained: mixed in, or unit by unit."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Float, Shaped

from .._articles import kind_of
from .._models.selectors import Filter
from .._models.site import Site
from .._planning.plan import plan
from .._typing import Array, FiniteNumber, Key, NonNegativeNumber, checked
from ._fields import replace_fields, wanted, width_field
from ._selection import select
from ._swap import swap


_LAYERS = (eqx.nn.Linear, eqx.nn.Conv, eqx.nn.ConvTranspose)


@checked
def shrink_and_perturb(
    model: Any,
    key: Key,
    rules: Any,
    shrink: FiniteNumber,
    perturb: FiniteNumber,
    *,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
) -> Any:
    r"""Warm restart: $w \leftarrow \lambda w + \gamma w'$ with $w'$ drawn anew.

    What a model has learned is kept in part, and so is its ability to learn on. With
    rules of $\mathcal N(0, 1)$ this is the paper's $\lambda w + \mathcal N(0,
    \gamma^2)$; with the rules that the model was initialised by, every parameter is
    perturbed on its own scale.

    ```python
    model = shrink_and_perturb(model, key, rules, shrink=0.8, perturb=0.2)
    ```

    **Arguments:**

    - `model`: a concrete model.
    - `key`: a PRNG key; $w'$ is what [`eqinit.apply`][] would draw with it.
    - `rules`, `layouts`: as in [`eqinit.apply`][]; what they do not claim stays.
    - `shrink`: $\lambda$.
    - `perturb`: $\gamma$.

    **Returns:** a new model.

    **Raises:** `ValueError` where the rules draw nothing.

    Ash and Adams, On warm-starting neural network training, arXiv:1910.08475.
    """
    planned = plan(model, rules, layouts=layouts)
    paths = {row.path for row in planned if row.status == "set"}
    if not paths:
        raise ValueError(
            "shrink_and_perturb draws new values by `rules`, and they leave every "
            "parameter as it is. Pass those that the model was initialised by, or "
            '`ei.Rule("**", ei.Normal())` for noise alone.'
        )
    ours = Filter(lambda site: site.path in paths)
    old, new = select(model, ours), select(planned.apply(model, key), ours)
    pairs = zip(old.sites, old.get(), new.get(), strict=True)
    return old.set([_mixed(site, a, b, shrink, perturb) for site, a, b in pairs])


def _mixed(
    site: Site, old: Any, new: Any, shrink: FiniteNumber, perturb: FiniteNumber
) -> Array:
    wide = site.spec.draw_dtype  # half precision would round three times
    pairs = ((old, shrink), (new, perturb))
    parts = [jnp.asarray(w, wide) * jnp.asarray(c, wide) for w, c in pairs]
    return (parts[0] + parts[1]).astype(site.dtype)


@checked
def dormant_units(
    outputs: Float[Array, "*samples units"], threshold: NonNegativeNumber = 0.0
) -> Shaped[Array, " units"]:
    r"""Which units of a layer hardly ever do anything.

    Unit $i$ is dormant where $E|h_i| \le \tau \cdot \frac1n \sum_k E|h_k|$.

    **Arguments:**

    - `outputs`: of the layer's activation, on a batch; units on the last axis.
    - `threshold`: $\tau$; 0 for those that are always exactly zero.

    **Returns:** bools of shape `(units,)`.

    Sokar et al., The dormant neuron phenomenon in deep reinforcement learning,
    arXiv:2302.12902.
    """
    size = jnp.abs(outputs).reshape(-1, outputs.shape[-1]).mean(0)
    return size <= jnp.asarray(threshold, size.dtype) * size.mean()


@checked
def recycle(
    model: Any,
    key: Key,
    rules: Any,
    layer: str,
    following: str,
    dormant: Any,
    *,
    layouts: Mapping[type, Mapping[str, Any]] | None = None,
) -> Any:
    """ReDo: give dormant units fresh incoming weights and no outgoing ones.

    Where a unit was exactly zero on all inputs the model computes what it did, and the
    unit can learn again. Moments that an optimiser keeps of these weights belong to
    what they were: set them to zero too.

    ```python
    idle = dormant_units(jax.vmap(lambda x: jax.nn.relu(mlp.layers[0](x)))(batch), 0.1)
    mlp = recycle(mlp, key, rules, "layers.0", "layers.1", idle)
    ```

    **Arguments:**

    - `model`: a concrete model.
    - `key`: a PRNG key; the fresh weights are those that [`eqinit.apply`][] would draw.
    - `rules`, `layouts`: as in [`eqinit.apply`][]; they must claim the layer's weight.
    - `layer`, `following`: paths of the layer and of the one that reads its outputs;
        plain `Linear`s or convolutions. What stands between the two must act unit by
        unit: an activation, dropout, a pooling, a flattening, and no norm.
    - `dormant`: bools of shape `(units,)`, such as
        [`eqinit.surgery.dormant_units`][] returns.

    **Returns:** a new model.

    Sokar et al., The dormant neuron phenomenon in deep reinforcement learning,
    arXiv:2302.12902.
    """
    planned = plan(model, rules, layouts=layouts)
    idle, units = jnp.asarray(dormant, bool), _layer_at(model, layer).weight.shape[0]
    _layer_at(model, following)
    if planned[f"{layer}.weight"].status != "set":
        raise ValueError(
            f"recycle draws `{layer}.weight` anew, and no rule claims it. Pass the "
            f'rules that initialised the model, or `Rule("{layer}", ...)`.'
        )
    if idle.shape != (units,):
        raise ValueError(
            f"recycle got {list(idle.shape)} flags for the {units} units of `{layer}`. "
            "Pass `dormant_units(outputs)` of that layer's own outputs."
        )
    fresh = _layer_at(planned.apply(model, key), layer)

    def renewed(old: Any) -> Any:
        bias = old.bias if old.bias is None else _where(idle, fresh.bias, old.bias)
        return replace_fields(
            old, weight=_where(idle, fresh.weight, old.weight), bias=bias
        )

    def silenced(old: Any) -> Any:
        def without(weight: Array) -> Array:
            moved = jnp.moveaxis(weight, 1, 0)
            return jnp.moveaxis(_where(idle, jnp.zeros_like(moved), moved), 0, 1)

        return _map_inputs(old, units, without, following)

    return swap(swap(model, layer, renewed, count=1), following, silenced, count=1)


def _where(rows: Array, yes: Array, no: Array) -> Array:
    return jnp.where(rows.reshape(-1, *(1,) * (no.ndim - 1)), yes, no)


def _layer_at(model: Any, path: str) -> Any:
    """The plain `Linear` or convolution at a path, or an error that says what is."""
    layer = select(model, path).sites[0].layer
    plain = isinstance(layer, _LAYERS) and getattr(layer, "groups", 1) == 1
    if not plain or tuple(layer.weight.shape) != wanted(layer)["weight"]:
        raise TypeError(
            f"`{path}` is {kind_of(layer)}; units are known of a `Linear` or a "
            "convolution of one group that is not stacked. Pass the path of one."
        )
    return layer


def _map_inputs(layer: Any, units: int, fn: Any, path: str) -> Any:
    """A layer whose weights, as `(out, units, entries of a unit, *kernel)`, are `fn` of
    what they were: a flattened image has many entries per channel.
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
