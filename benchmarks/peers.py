"""The same parameters made by others: what eqinit is measured against.

Each peer is given the layers of the Equinox model, at their sizes, and makes them its
own way: He's rule for kernels, zeros for biases. None is asked for a forward pass,
which spares flax and haiku some of what their users pay.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp


LAYERS = (
    eqx.nn.Linear,
    eqx.nn.Conv,
    eqx.nn.Embedding,
    eqx.nn.LayerNorm,
    eqx.nn.BatchNorm,
)
Make = Callable[..., Any]


def layers(make: Make, key: Any) -> list[Any]:
    """The layers of the model, and its loose arrays, all of them abstract."""
    model = eqx.filter_eval_shape(make, key=key)
    model = model[0] if isinstance(model, tuple) else model
    found = jax.tree.leaves(model, is_leaf=lambda x: isinstance(x, LAYERS))
    return [x for x in found if isinstance(x, (*LAYERS, jax.ShapeDtypeStruct))]


def leaves(make: Make, key: Any) -> tuple[list[Any], Any]:
    return jax.tree.flatten(eqx.filter_eval_shape(make, key=key))


def _is_kernel(leaf: Any) -> bool:
    return len(leaf.shape) > 1 and leaf.size > leaf.shape[0]


def constructor(make: Make, key: Any) -> Any:
    """Equinox's own values."""
    return make(key=key)


def _filled(found: list[Any], key: Any) -> list[Any]:
    # The right axes, which is more than the usual recipe has.
    he = jax.nn.initializers.he_normal(in_axis=1, out_axis=0)
    keys = jax.random.split(key, len(found))
    values: list[Any] = []
    for leaf, k in zip(found, keys, strict=True):
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            values.append(leaf)
        elif _is_kernel(leaf):
            values.append(he(k, leaf.shape, leaf.dtype))
        else:
            values.append(jnp.zeros(leaf.shape, leaf.dtype))
    return values


def jax_initializers(make: Make, key: Any) -> Any:
    """`jax.nn.initializers`, a leaf at a time, on an abstract model."""
    found, treedef = leaves(make, key)
    return jax.tree.unflatten(treedef, _filled(found, key))


def one_jit(make: Make, key: Any) -> Any:
    """The same under one `jit`."""
    found, treedef = leaves(make, key)
    draw = eqx.filter_jit(lambda k: eqx.filter(_filled(found, k), eqx.is_array))
    return jax.tree.unflatten(treedef, draw(key))


def flax_nnx(make: Make, key: Any) -> Any:
    """`flax.nnx` modules with its default initializers."""
    from flax import nnx

    rngs = nnx.Rngs(0)

    def made(layer: Any) -> Any:
        if isinstance(layer, eqx.nn.Linear):
            return nnx.Linear(
                layer.in_features,
                layer.out_features,
                use_bias=layer.use_bias,
                rngs=rngs,
            )
        if isinstance(layer, eqx.nn.Conv):
            return nnx.Conv(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size,
                use_bias=layer.use_bias,
                feature_group_count=layer.groups,
                rngs=rngs,
            )
        if isinstance(layer, eqx.nn.Embedding):
            return nnx.Embed(*layer.weight.shape, rngs=rngs)
        if isinstance(layer, eqx.nn.LayerNorm):
            return nnx.LayerNorm(layer.shape[0], rngs=rngs)
        if isinstance(layer, eqx.nn.BatchNorm):
            return nnx.BatchNorm(layer.input_size, rngs=rngs)
        return nnx.Param(jax.random.normal(rngs.params(), layer.shape))

    model = nnx.List([made(layer) for layer in layers(make, key)])
    return nnx.state(model)


def haiku(make: Make, key: Any) -> Any:
    """`haiku.get_parameter` under `haiku.transform`."""
    import haiku as hk

    found = [x for x in leaves(make, key)[0] if isinstance(x, jax.ShapeDtypeStruct)]
    he = hk.initializers.VarianceScaling(2.0, "fan_in", "truncated_normal")

    def forward() -> None:
        for i, leaf in enumerate(found):
            init = he if _is_kernel(leaf) else jnp.zeros
            hk.get_parameter(f"p{i}", leaf.shape, leaf.dtype, init=init)

    return hk.transform(forward).init(key)


def torch(make: Make, key: Any) -> Any:
    """`torch.nn` modules with their own default initialisation."""
    from torch import nn, randn

    def made(layer: Any) -> Any:
        if isinstance(layer, eqx.nn.Linear):
            return nn.Linear(layer.in_features, layer.out_features, bias=layer.use_bias)
        if isinstance(layer, eqx.nn.Conv):
            return nn.Conv2d(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size,
                groups=layer.groups,
                bias=layer.use_bias,
            )
        if isinstance(layer, eqx.nn.Embedding):
            return nn.Embedding(*layer.weight.shape)
        if isinstance(layer, eqx.nn.LayerNorm):
            return nn.LayerNorm(layer.shape)
        if isinstance(layer, eqx.nn.BatchNorm):
            return nn.BatchNorm2d(layer.input_size)
        return nn.Parameter(randn(layer.shape))

    return [made(layer) for layer in layers(make, key)]


def eqinit_build(make: Make, key: Any) -> Any:
    """`eqinit.build`: every kernel by a rule, every bias zero."""
    import eqinit as ei

    rules = [
        ei.Rule(eqx.nn.Conv, weight=ei.HeNormal(), bias=ei.Zeros(), optional=True),
        ei.Rule(eqx.nn.Linear, weight=ei.LecunNormal(), bias=ei.Zeros(), optional=True),
        ei.Rule(eqx.nn.Embedding, weight=ei.Normal(0.02), optional=True),
    ]
    return ei.build(make, key, rules)


def eqinit_build_kernels(make: Make, key: Any) -> Any:
    """`eqinit.build`: kernels by a rule; biases are the constructor's, at random."""
    import eqinit as ei

    return ei.build(make, key, [ei.Rule(ei.Role("kernel"), ei.HeNormal())])


PEERS: dict[str, Make] = {
    "equinox": constructor,
    "jax leaf by leaf": jax_initializers,
    "one jit": one_jit,
    "flax nnx": flax_nnx,
    "haiku": haiku,
    "torch": torch,
}
OURS: dict[str, Make] = {
    "eqinit": eqinit_build,
    "eqinit, kernels only": eqinit_build_kernels,
}
VARIANTS = PEERS | OURS
# What must be imported before the clock starts: everybody's start-up is their own.
IMPORTS = {
    "flax nnx": "flax.nnx",
    "haiku": "haiku",
    "torch": "torch",
    "eqinit": "eqinit",
    "eqinit, kernels only": "eqinit",
}
