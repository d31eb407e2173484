"""What the package `mup` does to a model that grows: run by hand, never by the suite.

    pip install torch mup
    python tests/references/mup_models.py

writes `mup.json`: for every parameter of a wide model its shape and that in the base
model, its standard deviation, what the model multiplies it by when it is used, and by
how much MuAdam and MuSGD multiply the rate.
"""

import json
from importlib.metadata import version
from typing import Any

import mup
import numpy as np
import torch
from reference_table import HERE, facts, rounded
from torch import nn


DRAWS = 64
RATE = 1.0


class Net(nn.Module):
    """An embedding, a norm, layers of which one axis grows twice as fast, a readout."""

    def __init__(self, width: int) -> None:
        super().__init__()
        other = width**2 // 16
        self.embed = nn.Embedding(20, width)
        self.inputs = nn.Linear(6, width)
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, width)
        self.up = nn.Linear(width, other)
        self.down = nn.Linear(other, width)
        self.conv = nn.Conv1d(width, width, 3)
        self.readout = mup.MuReadout(width, 5)


def made(width: int) -> Net:
    model = Net(width)
    mup.set_base_shapes(model, Net(16), delta=Net(32))
    for layer in model.modules():
        # A slope of one is a gain of one: LeCun normal, as the package scales it.
        if isinstance(layer, nn.Linear | nn.Conv1d) and layer is not model.readout:
            mup.init.kaiming_normal_(layer.weight, a=1)
    mup.init.kaiming_normal_(model.readout.weight, a=1)
    return model


def rates(model: nn.Module, optimizer: Any) -> dict[int, float]:
    groups = optimizer(model.parameters(), lr=RATE).param_groups
    return {id(p): group["lr"] / RATE for group in groups for p in group["params"]}


def rows(width: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    values: dict[str, list[np.ndarray]] = {}
    base = dict(Net(16).named_parameters())
    for seed in range(DRAWS):
        torch.manual_seed(seed)
        model = made(width)
        adam, sgd = rates(model, mup.MuAdam), rates(model, mup.MuSGD)
        for path, parameter in model.named_parameters():
            values.setdefault(path, []).append(parameter.detach().numpy().copy())
            readout = path == "readout.weight"
            found[path] = {
                **facts(model, path),
                "shape": list(parameter.shape),
                "base": list(base[path].shape),
                "multiplier": 1 / model.readout.width_mult() if readout else 1.0,
                "adam": adam[id(parameter)],
                "sgd": sgd[id(parameter)],
            }
    for path, row in found.items():
        row["std"] = rounded(float(np.std(np.asarray(values[path], np.float64))))
    return found


def main() -> None:
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows(64).items()]
    versions = {"mup": version("mup"), "torch": torch.__version__}
    head = (
        f'{{"versions": {json.dumps(versions)}, "draws": {DRAWS},\n"parameters": {{\n'
    )
    (HERE / "mup.json").write_text(head + ",\n".join(lines) + "\n}}\n")


if __name__ == "__main__":
    main()
