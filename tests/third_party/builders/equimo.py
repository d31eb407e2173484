"""equimo: vision, audio, language, tabular; tokens, gammas, tables and buffers."""

import equimo.audio.models.ast as audio
import equimo.language.models as language
import jax.numpy as jnp
from equimo.tabular.models.tabpfn import TabPFN
from equimo.timeseries.models.t0 import T0
from equimo.vision.models import (
    attnet,
    convnext,
    deq,
    eomt,
    fastervit,
    iformer,
    lowformer,
    mlla,
    mobilenet,
    parcae,
    partialformer,
    reduceformer,
    vit,
    vssd,
)

from ._entry import Entry, image


SMALL = {"img_size": 64, "in_channels": 3, "num_classes": 10}


def _on_image(size):
    """The call and its input."""
    return _infer, image(3, size, size)


def _infer(model, key, data):
    return model(data, key=key, inference=True)


def _dino(key, **said):
    """A ViT with class, register and mask tokens and LayerScale."""
    config = {"dim": 64, "patch_size": 16, "num_heads": 4, "depths": [2, 2]} | said
    return vit.VisionTransformer(**(SMALL | config), key=key)


def _tokens(key):
    return _dino(key, reg_tokens=4, use_mask_token=True, init_values=1e-5)


def _stages(cls, **said):
    """A hierarchical model with one block a stage."""
    config = {"depths": [1, 1, 1, 1], "num_heads": [1, 2, 4, 8]} | said
    return lambda key: cls(**(SMALL | config), key=key)


def _fastervit(key):
    return fastervit.FasterViT(
        **SMALL,
        dim=16,
        in_dim=16,
        depths=[1, 1, 2, 1],
        num_heads=[1, 2, 2, 4],
        hat=[False, False, True, False],
        window_size=[7, 7, 2, 2],
        ct_size=2,
        key=key,
    )


def _segmenter(key):
    backbone = _dino(key, depths=[6], num_classes=0, dynamic_img_size=True)
    return eomt.EoMT(backbone, num_classes=5, num_queries=10, num_blocks=2, key=key)


def _text(key):
    return language.TextTransformerEncoder(
        dim=64, vocab_size=100, depth=2, num_heads=4, mlp_ratio=4.0, key=key
    )


def _call_text(model, key, tokens, mask):
    return model(tokens, mask, key=key)


def _tabpfn(key):
    return TabPFN(
        dim=32, depths=(1, 1, 2), num_heads=(4, 4, 4), num_classes=10, key=key
    )


def _call_tabpfn(model, key, features, labels):
    return model(features, labels, 6, key=key, inference=True)


def _lowformer(key):
    return lowformer.lowformer_backbone_b0(attention_type="softmax", key=key)


def _parcae(key):
    config = {"dim": 64, "patch_size": 16, "num_heads": 4}
    return parcae.VisionParcae(**(SMALL | config), key=key)


def _t0(key):
    return T0(embed_dim=64, num_layers=3, num_heads=4, mlp_hidden_dim=128, key=key)


def _call_t0(model, key, series, *others):
    return model(series, *others, key=key, inference=True)


def _series():
    zeros, ones = jnp.zeros((2, 128), int), jnp.ones((2, 128), int)
    return jnp.ones((2, 128)), ones, zeros, zeros


MODELS = {
    "vit": Entry(_tokens, *_on_image(64)),
    "vit_tiny_224": Entry(
        lambda key: vit.vit_tiny_patch16_224(key=key), *_on_image(224)
    ),
    "vit5": Entry(lambda key: vit.vit5_small(key=key, depths=[2]), *_on_image(224)),
    "dinov3": Entry(
        lambda key: vit.dinov3_vits16_pretrain_lvd1689m(key=key, depths=[2]),
        *_on_image(64),
    ),
    "convnext_atto": Entry(lambda key: convnext.convnext_atto(key=key), *_on_image(64)),
    "convnext_zepto_rms": Entry(
        lambda key: convnext.convnext_zepto_rms(key=key), *_on_image(64)
    ),
    # Its attention asks `vmap` for axes that it does not have, whatever the values.
    "fastervit": Entry(_fastervit, None),
    "mlla": Entry(_stages(mlla.Mlla, dim=16), *_on_image(64)),
    "vssd_mamba2": Entry(_stages(vssd.Vssd, dim=32), *_on_image(64)),
    "partialformer": Entry(
        _stages(partialformer.PartialFormer, dim=32, foreground_ratios=(0.5, 0.5)),
        *_on_image(224),
    ),
    "attnet": Entry(lambda key: attnet.attnet_xxs(key=key), *_on_image(224)),
    "iformer": Entry(lambda key: iformer.iformer_t(key=key), *_on_image(64)),
    "lowformer": Entry(_lowformer, *_on_image(64)),
    "mobilenetv3": Entry(
        lambda key: mobilenet.mobilenetv3_small(key=key), *_on_image(64)
    ),
    "reduceformer": Entry(
        lambda key: reduceformer.reduceformer_backbone_b1(key=key), *_on_image(64)
    ),
    "parcae": Entry(_parcae, *_on_image(64)),
    "deq_convnext": Entry(lambda key: deq.deq_convnext_t(key=key), *_on_image(64)),
    "eomt": Entry(_segmenter, *_on_image(64)),
    "ast_tiny": Entry(
        lambda key: audio.ast_tiny_patch16_224(key=key), _infer, image(1024, 128)
    ),
    "text": Entry(_text, _call_text, lambda: (jnp.arange(8), jnp.zeros(8, bool))),
    "tabpfn": Entry(
        _tabpfn, _call_tabpfn, lambda: (jnp.ones((8, 5)), jnp.zeros(8, int))
    ),
    "t0": Entry(_t0, _call_t0, _series),
}
