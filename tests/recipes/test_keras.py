"""`recipes.keras()` against what Keras itself draws, parameter by parameter.

`references/keras_weights.py` wrote the numbers, with Keras.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

import eqinit as ei


KEY = jax.random.key(0)
TABLE = json.loads(
    (Path(__file__).parents[1] / "references" / "keras.json").read_text()
)["parameters"]
NORM = {"gamma": "weight", "beta": "bias"}
CONV = {"kernel": "weight", "bias": "bias"}

# (our layer, our field for each of Keras')
MIRRORS: dict[str, tuple[Callable[[], Any], dict[str, str]]] = {
    "dense": (lambda: eqx.nn.Linear(32, 64, key=KEY), CONV),
    "conv": (lambda: eqx.nn.Conv2d(16, 32, 3, key=KEY), CONV),
    "conv1d": (lambda: eqx.nn.Conv1d(16, 32, 5, key=KEY), CONV),
    "grouped": (lambda: eqx.nn.Conv2d(16, 32, 3, groups=4, key=KEY), CONV),
    "depthwise": (lambda: eqx.nn.Conv2d(16, 16, 3, groups=16, key=KEY), CONV),
    "depthwise_twice": (lambda: eqx.nn.Conv2d(16, 32, 3, groups=16, key=KEY), CONV),
    "transposed": (lambda: eqx.nn.ConvTranspose2d(4, 16, 3, 2, key=KEY), CONV),
    "lstm": (
        lambda: eqx.nn.LSTMCell(32, 64, key=KEY),
        {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias"},
    ),
    "gru": (
        lambda: eqx.nn.GRUCell(32, 64, key=KEY),
        {"kernel": "weight_ih", "recurrent_kernel": "weight_hh", "bias": "bias"},
    ),
    "embedding": (
        lambda: eqx.nn.Embedding(100, 16, key=KEY),
        {"embeddings": "weight"},
    ),
    "layer_norm": (lambda: eqx.nn.LayerNorm(16), NORM),
    "batch_norm": (lambda: eqx.nn.BatchNorm(16, "batch", mode="ema"), NORM),
    "group_norm": (lambda: eqx.nn.GroupNorm(4, 16), NORM),
    "prelu": (lambda: eqx.nn.PReLU(0.25), {"alpha": "negative_slope"}),
    "attention": (
        lambda: eqx.nn.MultiheadAttention(4, 32, use_output_bias=True, key=KEY),
        {
            "query_kernel": "query_proj.weight",
            "key_kernel": "key_proj.weight",
            "value_kernel": "value_proj.weight",
            "attention_output_kernel": "output_proj.weight",
            "attention_output_bias": "output_proj.bias",
        },
    ),
}
# Biases of the projections, which our mirror of attention does without.
ABSENT = {f"attention.{name}_bias" for name in ("query", "key", "value")}
CASES = [
    (f"{layer}.{theirs}", layer, ours)
    for layer, (_, fields) in MIRRORS.items()
    for theirs, ours in fields.items()
]


def test_every_parameter_of_the_table_is_compared():
    assert {name for name, _, _ in CASES} | ABSENT == set(TABLE)


@pytest.mark.parametrize(("name", "layer", "field"), CASES, ids=lambda c: c)
def test_keras_draws_the_same(name: str, layer: str, field: str):
    theirs, (make, _) = TABLE[name], MIRRORS[layer]
    row = ei.plan(eqx.filter_eval_shape(make), ei.recipes.keras())[field]
    assert row.init is not None
    if "values" in theirs:
        ours = np.asarray(row.init.draw(KEY, row.spec)).ravel()
        assert np.array_equal(ours, np.broadcast_to(theirs["values"], ours.shape))
        return
    count, kurtosis = theirs["count"], theirs["kurtosis"]
    # Relative errors: that of a sample's std is sqrt((kurtosis - 1) / 4n), that of its
    # mean 1 / sqrt(n), in stds. Five of either fails once in two million tables.
    assert row.std is not None
    error = math.sqrt((kurtosis - 1) / (4 * count))
    assert abs(theirs["std"] / row.std - 1) < 5 * error
    assert row.mean == 0
    assert abs(theirs["mean"]) < 5 * row.std / math.sqrt(count)
    if kurtosis > 2:
        return
    # Uniform: the largest of n lies within 20 / n of the bound but once in e^20 tables.
    bound = row.std * math.sqrt(3)
    assert bound * (1 - 20 / count) < theirs["largest"] < bound * (1 + 1e-6)


def test_recurrent_kernels_are_orthogonal_as_a_whole():
    """Keras' (64, 256) has orthonormal rows, so that ours has orthonormal columns."""
    cell = ei.apply(eqx.nn.LSTMCell(32, 64, key=KEY), KEY, ei.recipes.keras())
    kernel = np.asarray(cell.weight_hh, np.float64)
    assert kernel.shape == (256, 64)
    assert np.abs(kernel.T @ kernel - np.eye(64)).max() < 1e-5
