"""jaxonmodels: `eqx.nn.Shared`, running statistics, `(model, state)` pairs."""

import functools

import equinox as eqx
import jax.numpy as jnp
from jaxonmodels.models import (
    alexnet,
    clip,
    convnext,
    efficientnet,
    esm,
    mamba,
    resnet,
    swin_transformer,
    vit,
)

from ._entry import Entry, image


def _alone(made):
    """Without the state that some of its makers return beside the model."""
    return made[0] if isinstance(made, tuple) else made


def _clip(key, **vision):
    said = {
        "embed_dim": 32,
        "context_length": 77,
        "vocab_size": 100,
        "transformer_width": 32,
        "transformer_heads": 4,
        "transformer_layers": 2,
        "axis_name": "batch",
    }
    return clip.CLIP(**said, **vision, key=key)


def _clip_resnet(key):
    return _clip(
        key,
        image_resolution=64,
        vision_layers=(1, 1, 1, 1),
        vision_width=16,
        vision_patch_size=None,
        inference=False,
    )


def _clip_vit(key):
    return _clip(
        key,
        image_resolution=32,
        vision_layers=2,
        vision_width=64,
        vision_patch_size=8,
        inference=True,
    )


def _bare_resnet(key):
    # Without `make_with_state`: the initial statistics are leaves of the model.
    block = resnet.BasicBlock
    return resnet.ResNet(block, [2, 2, 2, 2], 10, False, 1, 64, None, key=key)


def _inference(made, key, data):
    model, state = made
    return model(data, state, key)[0]


def _with_state(made, key, batch, dropout=False):
    """The forward pass of a batch, which updates the statistics."""
    model, state = made

    def one(x, state):
        if dropout:
            return model(x, state, key)
        return model(x, state, inference=False)

    run = eqx.filter_vmap(one, in_axes=(0, None), axis_name="batch", out_axes=(0, None))
    return run(batch, state)[0]


MODELS = {
    # Its forward pass fails in an einsum of its own, whatever the values.
    "mamba": Entry(
        lambda key: mamba.Mamba(n_embd=32, n_dims=100, n_layers=2, key=key), None
    ),
    "resnet18": Entry(
        lambda key: resnet._resnet18(key, n_classes=10),
        _with_state,
        image(2, 3, 64, 64),
    ),
    "resnet18_alone": Entry(
        lambda key: _alone(resnet._resnet18(key, n_classes=10)), None
    ),
    "resnet18_bare": Entry(_bare_resnet, None),
    "resnext50": Entry(
        lambda key: _alone(resnet._resnext50_32x4d(key, n_classes=10)), None
    ),
    "clip_resnet": Entry(_clip_resnet, None),
    "clip_vit": Entry(
        _clip_vit,
        lambda model, key, data: model(data, jnp.ones((1, 77), jnp.int32), None),
        image(3, 32, 32),
    ),
    "esmc": Entry(
        lambda key: esm.ESMC(64, 4, 2, key=key),
        lambda model, key, tokens: model(tokens),
        lambda: (jnp.arange(8),),
    ),
    "swin_t": Entry(
        lambda key: swin_transformer._swin_t(key, inference=True, num_classes=10),
        _inference,
        image(3, 64, 64),
    ),
    "swin_v2_t": Entry(
        lambda key: swin_transformer._swin_v2_t(key, inference=True, num_classes=10),
        _inference,
        image(3, 64, 64),
    ),
    "efficientnet_b0": Entry(
        lambda key: efficientnet._efficientnet_b0(key, n_classes=10),
        functools.partial(_with_state, dropout=True),
        image(2, 3, 64, 64),
    ),
    # Its norms get the axes in an order that they refuse, whatever the values.
    "convnext_tiny": Entry(
        lambda key: _alone(
            convnext._convnext_tiny(key, inference=True, num_classes=10)
        ),
        None,
    ),
    "alexnet": Entry(
        lambda key: alexnet.AlexNet(n_classes=10, key=key),
        lambda model, key, data: eqx.nn.inference_mode(model)(data, key),
        image(3, 224, 224),
    ),
    "vit": Entry(
        lambda key: vit.VisionTransformer(32, 8, 64, 2, 4, 16, key=key),
        lambda model, key, data: model(data),
        image(3, 32, 32),
    ),
}
