"""How small models of timm start: run by hand, never by the suite.

    pip install torch timm
    python tests/references/timm_models.py

writes `timm.json`. Nothing is downloaded, and torchvision, which timm imports for its
data sets, may be missing.
"""

import sys
from collections.abc import Callable
from typing import Any

import absent_torchvision  # noqa: F401  (timm imports torchvision)
import timm
import torch
from reference_table import table, write
from timm import models
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.byobnet import ByoBlockCfg, ByoModelCfg
from timm.models.nfnet import NfCfg
from timm.models.regnet import RegNetCfg


VIT: dict[str, Any] = {
    "img_size": 16,
    "patch_size": 8,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 2,
    "num_classes": 10,
}
NARROW: dict[str, Any] = {"channels": (16, 16, 32, 32), "num_classes": 10}
# Kinds of blocks of EfficientNet and of MobileNet: depthwise, expanded, with a squeeze.
EFFICIENT = [
    ["ds_r1_k3_s1_e1_c16_se0.25"],
    ["ir_r2_k3_s2_e3_c24_se0.25"],
    ["cn_r1_k1_s1_c48"],
]


def vit(name: str = "vit_tiny_patch16_224", **more: Any) -> Callable[[], Any]:
    return lambda: timm.create_model(name, **{**VIT, **more})


def mixer(**more: Any) -> torch.nn.Module:
    sizes = {"img_size": 16, "patch_size": 8, "embed_dim": 32, "num_blocks": 2}
    return models.MlpMixer(num_classes=10, **sizes, **more)


def swin() -> torch.nn.Module:
    sizes = {"img_size": 32, "window_size": 4, "embed_dim": 16}
    stages = {"depths": (2, 2), "num_heads": (2, 4)}
    return models.SwinTransformer(num_classes=10, **sizes, **stages)


def resnet(block: Any, layers: tuple[int, ...], **more: Any) -> Callable[[], Any]:
    return lambda: models.ResNet(block, layers, **{**NARROW, **more})


def efficientnet() -> torch.nn.Module:
    blocks = decode_arch_def(EFFICIENT[:2])
    return models.EfficientNet(blocks, 10, num_features=64, stem_size=16)


def mobilenetv3() -> torch.nn.Module:
    blocks = decode_arch_def(EFFICIENT)
    return models.MobileNetV3(blocks, 10, num_features=64, stem_size=16)


def regnet() -> torch.nn.Module:
    config = RegNetCfg(depth=6, w0=8, wa=8.0, wm=2.0, group_size=8, se_ratio=0.25)
    return models.RegNet(config, num_classes=10)


def nfnet(**more: Any) -> torch.nn.Module:
    config = NfCfg(
        depths=(1, 1, 1, 2),
        channels=(16, 16, 32, 32),
        group_size=8,
        attn_layer="se",
        attn_kwargs={},
        **more,
    )
    return models.NormFreeNet(config, num_classes=10)


def swinv2() -> torch.nn.Module:
    sizes = {"img_size": 32, "window_size": 4, "embed_dim": 16}
    stages = {"depths": (2, 2), "num_heads": (2, 4)}
    return models.SwinTransformerV2(num_classes=10, **sizes, **stages)


def repvgg() -> torch.nn.Module:
    blocks = tuple(ByoBlockCfg(type="rep", d=1, c=16, s=2, gs=0) for _ in range(4))
    config = ByoModelCfg(blocks=blocks, stem_type="rep", stem_chs=16)
    return models.ByobNet(config, num_classes=10)


MODELS: dict[str, Callable[[], torch.nn.Module]] = {
    "vit": vit(reg_tokens=2, init_values=1e-5),
    "vit_jax": vit(weight_init="jax"),
    "vit_jax_nlhb": vit(weight_init="jax_nlhb"),
    "vit_moco": vit(weight_init="moco"),
    "deit": vit("deit_tiny_distilled_patch16_224"),
    "deit3": vit("deit3_small_patch16_224"),
    "beit": vit("beit_base_patch16_224", depth=3, use_rel_pos_bias=True),
    "eva": vit("eva02_tiny_patch14_224", depth=3),
    "cait": vit("cait_xxs24_224"),
    "mixer": mixer,
    "mixer_nlhb": lambda: mixer(nlhb=True),
    "swin": swin,
    "convnext": lambda: models.ConvNeXt(
        depths=(1, 2, 1, 1), dims=(8, 16, 16, 32), num_classes=10
    ),
    "resnet": resnet(models.resnet.BasicBlock, (1, 1, 1, 1)),
    "resnet_nonzero": resnet(
        models.resnet.BasicBlock, (1, 1, 1, 1), zero_init_last=False
    ),
    "resnext": resnet(
        models.resnet.Bottleneck, (1, 1, 1, 1), cardinality=4, base_width=8
    ),
    "efficientnet": efficientnet,
    "mobilenetv3": mobilenetv3,
    "regnet": regnet,
    "nfnet": nfnet,
    "nfnet_skipinit": lambda: nfnet(skipinit=True),
    "beitv2": vit("beitv2_base_patch16_224", depth=3),
    "swinv2": swinv2,
    "convnextv2": lambda: models.ConvNeXt(
        depths=(1, 2, 1, 1),
        dims=(8, 16, 16, 32),
        num_classes=10,
        use_grn=True,
        ls_init_value=None,
    ),
    "repvgg": repvgg,
}


def main() -> None:
    names = sys.argv[1:] or list(MODELS)
    tables = {name: table(MODELS[name]) for name in names}
    write("timm", {"timm": timm.__version__, "torch": torch.__version__}, tables)


if __name__ == "__main__":
    main()
