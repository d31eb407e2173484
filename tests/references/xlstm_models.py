"""How a small model of the package `xlstm` starts: run by hand, never by the suite.

    pip install torch einops omegaconf dacite && pip install --no-deps xlstm
    python tests/references/xlstm_models.py

writes `xlstm.json`. Nothing is compiled: the cells are those in plain torch.
"""

from importlib.metadata import version

import torch
from reference_table import table, write
from xlstm import (
    FeedForwardConfig,
    mLSTMBlockConfig,
    mLSTMLayerConfig,
    sLSTMBlockConfig,
    sLSTMLayerConfig,
    xLSTMLMModel,
    xLSTMLMModelConfig,
)
from xlstm.blocks.slstm.cell import sLSTMCellBase


WIDTH, BLOCKS = 32, 4


def made() -> torch.nn.Module:
    """Blocks of both kinds, and the weights that its authors train from."""
    layer = sLSTMLayerConfig(backend="vanilla", num_heads=2)
    config = xLSTMLMModelConfig(
        vocab_size=60,
        embedding_dim=WIDTH,
        num_blocks=BLOCKS,
        context_length=8,
        slstm_at=[1, 3],
        mlstm_block=mLSTMBlockConfig(mlstm=mLSTMLayerConfig(num_heads=2)),
        slstm_block=sLSTMBlockConfig(slstm=layer, feedforward=FeedForwardConfig()),
    )
    model = xLSTMLMModel(config)
    # The constructor leaves the embedding and the head at torch's default.
    model.reset_parameters()
    for cell in model.modules():
        if isinstance(cell, sLSTMCellBase):
            by_heads(cell)
    return model


def by_heads(cell: sLSTMCellBase) -> None:
    """Arrays as the cell shows them, and not as its plain torch keeps them."""
    for name in ("_recurrent_kernel", "_bias"):
        array = getattr(cell, f"{name}_int2ext")(getattr(cell, f"{name}_").detach())
        setattr(cell, f"{name}_", torch.nn.Parameter(array.contiguous()))


def main() -> None:
    tables = {"xlstm": table(made)}
    write("xlstm", {"xlstm": version("xlstm"), "torch": torch.__version__}, tables)


if __name__ == "__main__":
    main()
