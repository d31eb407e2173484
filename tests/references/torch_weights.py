"""Write what torch computes, for `tests/surgery/test_weights.py` to compare with.

Needs torch, and nothing else of this repository:

    python tests/references/torch_weights.py

writes one file per module into `tests/references/`: its weights, an input, the output.
"""

from pathlib import Path

import numpy as np
import torch


HERE = Path(__file__).parent


def modules():
    yield "linear", torch.nn.Linear(3, 4), (3,)
    yield "conv", torch.nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), (4, 5, 5)
    yield (
        "conv_transpose",
        torch.nn.ConvTranspose2d(
            4, 6, 3, stride=2, padding=1, output_padding=1, groups=2
        ),
        (4, 3, 3),
    )
    yield "lstm", torch.nn.LSTM(3, 4), (5, 3)
    yield "gru", torch.nn.GRU(3, 4), (5, 3)
    yield "attention", torch.nn.MultiheadAttention(8, 2), (5, 8)
    yield "layer_norm", torch.nn.LayerNorm(6), (6,)
    yield "batch_norm", trained(torch.nn.BatchNorm2d(3)), (3, 4, 4)
    yield "embedding", torch.nn.Embedding(7, 4), None
    yield "prelu", torch.nn.PReLU(3), (3,)


def trained(norm):
    for _ in range(3):
        norm(1 + 2 * torch.randn(8, 3, 4, 4))
    return norm


def output(name, module, x):
    if name == "attention":
        return module(x, x, x)[0]
    if name in ("lstm", "gru"):
        return module(x)[0]
    if name in ("batch_norm", "prelu"):  # these need a batch
        return module(x[None])[0]
    return module(x)


def main():
    torch.manual_seed(0)
    for name, module, shape in modules():
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        x = torch.arange(5) if shape is None else torch.randn(shape)
        with torch.no_grad():
            y = output(name, module.eval(), x)
        arrays = {f"state.{k}": v.numpy() for k, v in module.state_dict().items()}
        np.savez(HERE / f"torch_{name}.npz", x=x.numpy(), y=y.numpy(), **arrays)


if __name__ == "__main__":
    main()
