"""How a model of torch starts, as numbers: what the scripts beside this one share.

For every parameter: the layer that it is of, its shape, and over several draws the
mean, standard deviation, kurtosis and largest magnitude; or its values, where they are
the same every time. A file of JSON is a table of models, one line per parameter.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch


HERE = Path(__file__).parent
DRAWS = 64

# The classes that a mirror is made for, by the names that all libraries share. Others
# are modules that hold arrays of their own.
LAYERS = (
    ("Conv1D", "Conv1D"),  # of transformers: a linear layer that is stored (in, out)
    *((name, name) for name in ("Linear", "Embedding", "LSTM", "GRU", "RNN", "PReLU")),
    *((name, name) for name in ("Conv1d", "Conv2d", "Conv3d", "MultiheadAttention")),
    *((f"ConvTranspose{n}d", f"ConvTranspose{n}d") for n in (1, 2, 3)),
    *((f"BatchNorm{n}d", "BatchNorm") for n in (1, 2, 3)),
    *((name, name) for name in ("LayerNorm", "GroupNorm", "RMSNorm")),
    ("LinearHeadwiseExpand", "LinearByHead"),  # of xlstm: stacked linear layers
)


def kind_of(module: torch.nn.Module) -> str:
    names = [cls.__name__ for cls in type(module).__mro__]
    for theirs, kind in LAYERS:
        if theirs in names:
            return kind
    # Libraries have root mean square norms of their own, T5's by another name.
    fields = [name for name, _ in module.named_parameters(recurse=False)]
    alone = fields == ["weight"] and module.weight.ndim == 1
    return "RMSNorm" if "Norm" in names[0] and alone else ""


def rounded(number: float) -> float:
    return float(f"{number:.6g}")


def numbers(draws: list[np.ndarray]) -> dict[str, Any]:
    first = draws[0]
    if all(np.array_equal(first, other) for other in draws):
        same = first.ravel()
        alike = same.size == 0 or bool(np.all(same == same[0]))
        values = [rounded(x) for x in same]
        return {"values": values[0] if alike and values else values}
    every = np.asarray(draws, np.float64)
    mean, std = every.mean(), every.std()
    found = {
        "mean": mean,
        "std": std,
        "kurtosis": (((every - mean) / std) ** 4).mean(),
        "largest": np.abs(every).max(),
    }
    return {name: rounded(float(number)) for name, number in found.items()}


def facts(model: torch.nn.Module, path: str) -> dict[str, Any]:
    """The layer that a parameter is of, and what its shape does not say."""
    module = model.get_submodule(path.rpartition(".")[0])
    kind = kind_of(module)
    told: dict[str, Any] = {"layer": kind}
    groups = getattr(module, "groups", 1)
    if "Conv" in kind and groups != 1:
        told["groups"] = groups
    if kind == "GroupNorm":
        told["groups"] = module.num_groups
    if kind == "MultiheadAttention":
        told["heads"] = module.num_heads
    padding = getattr(module, "padding_idx", None)
    if kind == "Embedding" and padding is not None:
        told["padding"] = padding
    return told


def table(make: Callable[[], torch.nn.Module], draws: int = DRAWS) -> dict[str, Any]:
    """One row per parameter; of an embedding without the row of its padding."""
    found: dict[str, Any] = {}
    values: dict[str, list[np.ndarray]] = {}
    for seed in range(draws):
        torch.manual_seed(seed)
        np.random.seed(seed)
        model = make()
        for path, parameter in model.named_parameters():
            row = found.setdefault(path, facts(model, path))
            array = parameter.detach().float().numpy().copy()
            row["shape"] = list(array.shape)
            if "padding" in row:
                array = np.delete(array, row["padding"], 0)
            values.setdefault(path, []).append(array)
    return {path: {**row, **numbers(values[path])} for path, row in found.items()}


def write(name: str, versions: dict[str, str], models: dict[str, Any]) -> None:
    """The tables of all models of a library, as a file beside this one."""
    blocks: list[str] = []
    for model, rows in models.items():
        lines = [f"{json.dumps(path)}: {json.dumps(row)}" for path, row in rows.items()]
        body = ",\n".join(lines)
        blocks.append(f"{json.dumps(model)}: {{\n{body}\n}}")
    body = ",\n".join(blocks)
    text = f'{{"versions": {json.dumps(versions)}, "draws": {DRAWS},\n"models": {{\n'
    (HERE / f"{name}.json").write_text(f"{text}{body}\n}}}}\n")
