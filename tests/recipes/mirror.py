"""The Equinox mirror of a model of torch, from its table in `tests/references`.

The same tree: a module of the reference is a dictionary, a sequence a list, a layer
Equinox's layer of the same kind and size, an array of its own an array. Names stay, and
`Mirror.names` says what a parameter is called here where they do not.
"""

import functools
import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp


REFERENCES = Path(__file__).parents[1] / "references"
KEY = jax.random.key(0)
Row = dict[str, Any]


@functools.cache
def reference(library: str) -> dict[str, Any]:
    """What a script wrote of one library: `versions`, `draws`, and `models`, which are
    tables with one row per parameter.
    """
    return json.loads((REFERENCES / f"{library}.json").read_text())


def mirror(rows: dict[str, Row]) -> tuple[Any, dict[str, list[str]]]:
    """An abstract model, and for each row the paths of what it is about."""
    owners: dict[str, dict[str, Row]] = {}
    for path, row in rows.items():
        owner, _, field = path.rpartition(".")
        above, _, last = owner.rpartition(".")
        # Its output projection is part of an attention here, with its other three.
        inside = last == "out_proj" and f"{above}.in_proj_bias".strip(".") in rows
        if inside:
            owner, field = above, f"out_proj.{field}"
        owners.setdefault(owner, {})[field] = row
    tree: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    for owner, fields in owners.items():
        kind = next((row["layer"] for row in fields.values() if row["layer"]), "")
        if any(row["layer"] == "MultiheadAttention" for row in fields.values()):
            kind = "MultiheadAttention"
        layer, ours = LAYERS.get(kind, bare)(fields)
        if layer is not None:
            put(tree, owner or "layer", layer)
        for field, row in fields.items():
            theirs = f"{owner}.{field}".strip(".")
            if field in ours:
                names[theirs] = [f"{owner or 'layer'}.{name}" for name in ours[field]]
                continue
            # An array that Equinox's layer has not, or that is in no layer.
            own = f"{owner}_{field}" if layer is not None else theirs
            put(tree, own, jax.ShapeDtypeStruct(row["shape"], jnp.float32))
            names[theirs] = [own]
    return listed(tree), names


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for name in above:
        tree = tree.setdefault(name, {})
        assert isinstance(tree, dict), f"{path} is inside of a layer"
    tree[last] = value


def listed(tree: Any) -> Any:
    """Dictionaries with the keys 0, 1, ... as lists."""
    if not isinstance(tree, dict):
        return tree
    below = {name: listed(value) for name, value in tree.items()}
    if sorted(below) == sorted(map(str, range(len(below)))):
        return [below[str(n)] for n in range(len(below))]
    return below


def shape(fields: dict[str, Row], name: str = "weight") -> tuple[int, ...]:
    return tuple(fields[name]["shape"])


def same(fields: dict[str, Row], **renamed: str) -> dict[str, list[str]]:
    ours = {name: [renamed.get(name, name)] for name in ("weight", "bias")}
    return {name: names for name, names in ours.items() if name in fields}


def abstract(make: Any, *args: Any, **kwargs: Any) -> Any:
    return eqx.filter_eval_shape(lambda: make(*args, **kwargs))


def bare(fields: dict[str, Row]) -> Any:
    del fields
    return None, {}


def linear(fields: dict[str, Row]) -> Any:
    if "weight" not in fields:  # tied to another
        return None, {}
    out, ins = shape(fields)
    biased = "bias" in fields
    return abstract(eqx.nn.Linear, ins, out, biased, key=KEY), same(fields)


def linear_stored_in_by_out(fields: dict[str, Row]) -> Any:
    ins, out = shape(fields)
    biased = "bias" in fields
    return abstract(eqx.nn.Linear, ins, out, biased, key=KEY), same(fields)


def linear_by_head(fields: dict[str, Row]) -> Any:
    heads, out, ins = shape(fields)
    make = eqx.filter_vmap(lambda key: eqx.nn.Linear(ins, out, False, key=key))
    return abstract(make, jax.random.split(KEY, heads)), same(fields)


def embedding(fields: dict[str, Row]) -> Any:
    return abstract(eqx.nn.Embedding, *shape(fields), key=KEY), same(fields)


def conv(fields: dict[str, Row]) -> Any:
    if "weight" not in fields:  # parametrized: its arrays are elsewhere
        return None, {}
    out, ins, *kernel = shape(fields)
    groups = fields["weight"].get("groups", 1)
    sizes: dict[str, Any] = {"groups": groups, "use_bias": "bias" in fields}
    made = abstract(
        eqx.nn.Conv, len(kernel), ins * groups, out, kernel, **sizes, key=KEY
    )
    return made, same(fields)


def conv_transpose(fields: dict[str, Row]) -> Any:
    ins, out, *kernel = shape(fields)
    groups = fields["weight"].get("groups", 1)
    sizes: dict[str, Any] = {"groups": groups, "use_bias": "bias" in fields}
    made = abstract(
        eqx.nn.ConvTranspose, len(kernel), ins, out * groups, kernel, **sizes, key=KEY
    )
    return made, same(fields)


def layer_norm(fields: dict[str, Row]) -> Any:
    made = abstract(eqx.nn.LayerNorm, shape(fields), use_bias="bias" in fields)
    return made, same(fields)


def rms_norm(fields: dict[str, Row]) -> Any:
    return abstract(eqx.nn.RMSNorm, shape(fields), use_bias=False), same(fields)


def group_norm(fields: dict[str, Row]) -> Any:
    groups = fields["weight"]["groups"]
    return abstract(eqx.nn.GroupNorm, groups, *shape(fields)), same(fields)


def batch_norm(fields: dict[str, Row]) -> Any:
    made = abstract(eqx.nn.BatchNorm, *shape(fields), "batch", mode="ema")
    return made, same(fields)


def prelu(fields: dict[str, Row]) -> Any:
    slopes = jnp.zeros(shape(fields))
    return abstract(eqx.nn.PReLU, slopes), same(fields, weight="negative_slope")


def lstm(fields: dict[str, Row]) -> Any:
    made = abstract(eqx.nn.LSTMCell, *reversed(cell(fields)), key=KEY)
    # The two biases are added up: there is one here.
    return made, cell_names(bias_ih_l0=["bias"], bias_hh_l0=["bias"])


def gru(fields: dict[str, Row]) -> Any:
    made = abstract(eqx.nn.GRUCell, *reversed(cell(fields)), key=KEY)
    # The second is needed apart for the new value alone.
    return made, cell_names(bias_ih_l0=["bias"], bias_hh_l0=["bias_n"])


def cell(fields: dict[str, Row]) -> tuple[int, int]:
    return shape(fields, "weight_hh_l0")[1], shape(fields, "weight_ih_l0")[1]


def cell_names(**biases: list[str]) -> dict[str, list[str]]:
    return {"weight_ih_l0": ["weight_ih"], "weight_hh_l0": ["weight_hh"], **biases}


def attention(fields: dict[str, Row]) -> Any:
    parts = ("query", "key", "value")
    width = shape(fields, "out_proj.weight")[0]
    widths = {part: width for part in parts}
    ours = {
        "in_proj_weight": [f"{part}_proj.weight" for part in parts],
        "in_proj_bias": [f"{part}_proj.bias" for part in parts],
        "out_proj.weight": ["output_proj.weight"],
        "out_proj.bias": ["output_proj.bias"],
    }
    for part in parts:
        if (name := f"{part[0]}_proj_weight") in fields:
            widths[part] = shape(fields, name)[1]
            ours[name] = [f"{part}_proj.weight"]
    made = abstract(
        eqx.nn.MultiheadAttention,
        fields["in_proj_bias"]["heads"],
        *(widths[part] for part in parts),
        output_size=width,
        qk_size=width // fields["in_proj_bias"]["heads"],
        vo_size=width // fields["in_proj_bias"]["heads"],
        **{f"use_{part}_bias": True for part in (*parts, "output")},
        key=KEY,
    )
    return made, ours


LAYERS = {
    "Linear": linear,
    "Conv1D": linear_stored_in_by_out,
    "LinearByHead": linear_by_head,
    "Embedding": embedding,
    **{f"Conv{n}d": conv for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": conv_transpose for n in (1, 2, 3)},
    "LayerNorm": layer_norm,
    "RMSNorm": rms_norm,
    "GroupNorm": group_norm,
    "BatchNorm": batch_norm,
    "PReLU": prelu,
    "LSTM": lstm,
    "GRU": gru,
    "MultiheadAttention": attention,
}
