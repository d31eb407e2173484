"""How layers of torch start: run by hand, never by the suite.

    pip install torch
    python tests/references/torch_layers.py

writes `torch.json`.
"""

from collections.abc import Callable
from typing import Any

import torch
from reference_table import table, write
from torch import nn


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(24, 40),
    "conv1d": lambda: nn.Conv1d(8, 24, 5),
    "conv2d": lambda: nn.Conv2d(8, 24, 3),
    "conv3d": lambda: nn.Conv3d(8, 12, (3, 1, 2)),
    "grouped": lambda: nn.Conv2d(8, 24, 3, groups=4),
    "depthwise": lambda: nn.Conv2d(16, 32, 3, groups=16),
    "transposed1d": lambda: nn.ConvTranspose1d(8, 24, 5, stride=2),
    "transposed2d": lambda: nn.ConvTranspose2d(4, 16, 3, stride=2),
    "transposed3d": lambda: nn.ConvTranspose3d(4, 12, (3, 1, 2)),
    "transposed_grouped": lambda: nn.ConvTranspose2d(8, 24, 3, groups=4),
    "embedding": lambda: nn.Embedding(30, 16),
    "embedding_padded": lambda: nn.Embedding(30, 16, padding_idx=0),
    "lstm": lambda: nn.LSTM(12, 20),
    "gru": lambda: nn.GRU(12, 20),
    "attention": lambda: nn.MultiheadAttention(32, 4),
    "attention_other_widths": lambda: nn.MultiheadAttention(32, 4, kdim=16, vdim=24),
    "layer_norm": lambda: nn.LayerNorm(16),
    "rms_norm": lambda: nn.RMSNorm(16),
    "group_norm": lambda: nn.GroupNorm(4, 16),
    "batch_norm": lambda: nn.BatchNorm2d(16),
    "prelu": lambda: nn.PReLU(16),
    "encoder_layer": lambda: nn.TransformerEncoderLayer(32, 4, 48),
    "decoder_layer": lambda: nn.TransformerDecoderLayer(32, 4, 48),
}


def transformer() -> nn.Module:
    return nn.Transformer(32, 4, 1, 1, 48)


def main() -> None:
    # Layers are small: more draws of each.
    tables: dict[str, Any] = {name: table(make) for name, make in LAYERS.items()}
    tables["transformer"] = table(transformer)
    write("torch", {"torch": torch.__version__}, tables)


if __name__ == "__main__":
    main()
