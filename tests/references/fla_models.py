"""How a small model of the library flash-linear-attention starts: run by hand, never by
the suite.

    pip install torch transformers triton
    pip install --no-deps flash-linear-attention fla-core
    python tests/references/fla_models.py

writes `fla.json`. Nothing is downloaded, and no kernel of triton runs.
"""

import fla
import torch
from fla.models.rwkv7 import RWKV7Config, RWKV7ForCausalLM
from reference_table import table, write


def rwkv7() -> torch.nn.Module:
    config = RWKV7Config(
        vocab_size=100,
        hidden_size=64,
        num_hidden_layers=3,
        head_dim=16,
        fuse_norm=False,
    )
    return RWKV7ForCausalLM(config)


def main() -> None:
    versions = {"fla": fla.__version__, "torch": torch.__version__}
    write("fla", versions, {"rwkv7": table(rwkv7)})


if __name__ == "__main__":
    main()
