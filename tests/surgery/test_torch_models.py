"""Models of torch, timm and transformers: the same outputs after `load_weights`.

`references/torch_models.py` wrote weights, inputs and outputs, with the libraries.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
import torch_mirrors as mirrors

from eqinit import surgery


REFERENCES = Path(__file__).parents[1] / "references"
nn = eqx.nn

DIRECTIONS = {
    f"{layer}{end}": f"{name}.{layer}"
    for layer in (0, 1)
    for end, name in (("_reverse", "backward"), ("", "forward"))
}
GPT2 = {
    "lm_head": None,  # tied to the tokens
    "transformer.wte": "tokens",
    "transformer.wpe": "positions",
    "transformer.h": "blocks",
    "transformer.ln_f": "norm",
    "**.ln_1": "**.norm1",
    "**.ln_2": "**.norm2",
    "**.mlp.c_fc": "**.up",
    "**.mlp.c_proj": "**.down",
}
BERT = {
    "pooler": None,  # of the first token alone, behind what is compared
    "embeddings.word_embeddings": "words",
    "embeddings.position_embeddings": "positions",
    "embeddings.token_type_embeddings": "segments",
    "embeddings.LayerNorm": "norm",
    "encoder.layer": "blocks",
    "**.attention.self": "**.attn",
    "**.attention.output.dense": "**.attn.out_proj",
    "**.attention.output.LayerNorm": "**.norm1",
    "**.intermediate.dense": "**.up",
    "**.output.dense": "**.down",
    "**.output.LayerNorm": "**.norm2",
}
VIT = {"patch_embed.proj": "patch", "**.mlp.fc1": "**.up", "**.mlp.fc2": "**.down"}
ENCODER = {
    "layers": "blocks",
    "**.self_attn": "**.attn",
    "**.linear1": "**.up",
    "**.linear2": "**.down",
}
RESNET = {
    "conv1": "stem",
    "bn1": "stem_norm",
    **{f"layer{n + 1}.0": f"blocks.{n}" for n in range(4)},
    "**.bn1": "**.norm1",
    "**.bn2": "**.norm2",
    "**.downsample": "**.shortcut",
    "fc": "head",
}
CONV1D = {"transposed": ["**.c_attn.weight", "**.c_proj.weight", "**.c_fc.weight"]}

# (the model, what `load_weights` is told)
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "lstm": (lambda: mirrors.Recurrent(nn.LSTMCell), {"rename": DIRECTIONS}),
    "gru": (lambda: mirrors.Recurrent(nn.GRUCell), {"rename": DIRECTIONS}),
    "encoder": (mirrors.Encoder, {"rename": ENCODER}),
    "vit": (mirrors.Vit, {"rename": VIT}),
    "gpt2": (mirrors.Gpt2, {"rename": GPT2, **CONV1D}),
    "bert": (mirrors.Bert, {"rename": BERT}),
    "resnet": (mirrors.Resnet, {"rename": RESNET}),
}


@pytest.mark.first_case
@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_those_of_the_library(name: str):
    arrays = dict(np.load(REFERENCES / f"model_{name}.npz"))
    stored = {k.removeprefix("state."): v for k, v in arrays.items() if "state." in k}
    make, told = MODELS[name]
    model, state = nn.make_with_state(make)()
    stateful = name == "resnet"
    whole = (model, state) if stateful else model
    loaded = surgery.load_weights(whole, stored, **told)
    if stateful:
        loaded, state = loaded
        loaded = nn.inference_mode(loaded)
        got = eqx.filter_jit(loaded)(arrays["x"], state)
    else:
        got = eqx.filter_jit(loaded)(arrays["x"])
    assert got.shape == arrays["y"].shape
    # A hundred operations in float32 on numbers of order one.
    assert np.abs(got - arrays["y"]).max() < 1e-5
    # And it is the weights that make it so.
    first = jax.tree.leaves(eqx.filter(loaded, eqx.is_inexact_array))[0]
    assert np.ptp(first) > 0


def test_the_files_stay_small():
    files = [*REFERENCES.glob("model_*.npz"), *REFERENCES.glob("torch_*.npz")]
    assert len(files) == len(MODELS) + 10
    assert sum(file.stat().st_size for file in files) < 300_000
