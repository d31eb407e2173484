"""Write what small models of torch compute: run by hand, never by the suite.

    pip install torch timm transformers
    python tests/references/torch_models.py

writes one file per model into `tests/references/`: its weights, an input, the output.
`tests/surgery/test_torch_models.py` loads the weights into models of Equinox.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import absent_torchvision  # noqa: F401  (timm imports torchvision)
import numpy as np
import timm
import torch
import transformers


HERE = Path(__file__).parent
IMAGES: dict[str, Any] = {"img_size": 8, "patch_size": 4, "num_classes": 5}
TEXT: dict[str, Any] = {"vocab_size": 20, "attn_implementation": "eager"}


def models() -> Iterator[tuple[str, torch.nn.Module, Any]]:
    image, picture = torch.randn(3, 8, 8), torch.randn(3, 16, 16)
    tokens = torch.tensor([3, 1, 4, 1, 5, 9])
    yield "lstm", torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True), (6, 3)
    yield "gru", torch.nn.GRU(3, 4, num_layers=2, bidirectional=True), (6, 3)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
    yield "encoder", torch.nn.TransformerEncoder(layer, 2), (6, 8)
    stem = {"stem_type": "deep", "stem_width": 2}
    sizes = {"channels": (4, 4, 8, 8), "num_classes": 5, **stem}
    basic = timm.models.resnet.BasicBlock
    yield "resnet", timm.models.ResNet(basic, (1, 1, 1, 1), **sizes), picture
    narrow = {"embed_dim": 8, "depth": 2, "num_heads": 2}
    vit = timm.create_model("vit_tiny_patch16_224", **IMAGES, **narrow)
    yield "vit", vit, image
    gpt2 = transformers.GPT2Config(
        n_positions=8, n_embd=8, n_layer=2, n_head=2, **TEXT, bos_token_id=0
    )
    yield "gpt2", transformers.GPT2LMHeadModel(gpt2), tokens
    bert = transformers.BertConfig(
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=8,
        **TEXT,
    )
    yield "bert", transformers.BertModel(bert), tokens


def scrambled(model: torch.nn.Module) -> torch.nn.Module:
    """No parameter and no statistic is zero, one, or another's double."""
    for parameter in model.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
        torch.nn.init.normal_(parameter, std=fan_in**-0.5)
    for name, buffer in model.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    return model.eval()


def output(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    got = model(x[None])
    if isinstance(got, tuple):
        got = got[0]
    if not isinstance(got, torch.Tensor):
        got = got.logits if "logits" in got else got.last_hidden_state
    return got[0]


def main() -> None:
    torch.manual_seed(0)
    for name, model, x in models():
        x = torch.randn(x) if isinstance(x, tuple) else x
        model = scrambled(model)
        if name in ("lstm", "gru"):
            model.batch_first = True
        with torch.no_grad():
            y = output(model, x)
        arrays = {f"state.{k}": v.numpy() for k, v in model.state_dict().items()}
        np.savez_compressed(
            HERE / f"model_{name}.npz", x=x.numpy(), y=y.numpy(), **arrays
        )


if __name__ == "__main__":
    main()
