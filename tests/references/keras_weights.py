"""What Keras draws for its layers, as numbers: run by hand, never by the suite.

    pip install keras jax
    KERAS_BACKEND=jax python tests/references/keras_weights.py > keras.json

For every parameter of some small layers, over `DRAWS` of each: how many numbers there
are, their mean, standard deviation and kurtosis, the largest magnitude; and for those
that are the same every time, the values.
"""

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np


DRAWS = 64
layers = keras.layers

# (layer, shape of one batch of its inputs)
LAYERS: dict[str, tuple[Callable[[], Any], tuple[Any, ...]]] = {
    "dense": (lambda: layers.Dense(64), (None, 32)),
    "conv": (lambda: layers.Conv2D(32, 3), (None, 8, 8, 16)),
    "conv1d": (lambda: layers.Conv1D(32, 5), (None, 8, 16)),
    "grouped": (lambda: layers.Conv2D(32, 3, groups=4), (None, 8, 8, 16)),
    "depthwise": (lambda: layers.DepthwiseConv2D(3), (None, 8, 8, 16)),
    "depthwise_twice": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
        (None, 8, 8, 16),
    ),
    "transposed": (lambda: layers.Conv2DTranspose(16, 3, strides=2), (None, 8, 8, 4)),
    "lstm": (lambda: layers.LSTM(64), (None, 5, 32)),
    "gru": (lambda: layers.GRU(64), (None, 5, 32)),
    "embedding": (lambda: layers.Embedding(100, 16), (None, 5)),
    "layer_norm": (lambda: layers.LayerNormalization(), (None, 16)),
    "batch_norm": (lambda: layers.BatchNormalization(), (None, 16)),
    "group_norm": (lambda: layers.GroupNormalization(4), (None, 16)),
    "prelu": (lambda: layers.PReLU(), (None, 16)),
}


def drawn(make: Callable[[], Any], shape: tuple[Any, ...]) -> dict[str, np.ndarray]:
    layer = make()
    layer.build(shape)
    return {v.path.rpartition("/")[2]: np.asarray(v) for v in layer.trainable_weights}


def attention() -> dict[str, np.ndarray]:
    layer = layers.MultiHeadAttention(4, 8)
    layer.build((None, 5, 32), (None, 5, 32))
    return {
        "_".join(v.path.split("/")[-2:]): np.asarray(v) for v in layer.trainable_weights
    }


def numbers(draws: list[np.ndarray]) -> dict[str, Any]:
    shape, first = list(draws[0].shape), draws[0]
    if all(np.array_equal(first, other) for other in draws):
        same = first.ravel()
        values = float(same[0]) if np.all(same == same[0]) else same.tolist()
        return {"shape": shape, "values": values}
    all_of_them = np.asarray(draws, np.float64)
    mean, std = all_of_them.mean(), all_of_them.std()
    return {
        "shape": shape,
        "count": all_of_them.size,
        "mean": float(mean),
        "std": float(std),
        "kurtosis": float((((all_of_them - mean) / std) ** 4).mean()),
        "largest": float(np.abs(all_of_them).max()),
    }


def table() -> dict[str, Any]:
    makes = {name: (lambda of=of: drawn(*of)) for name, of in LAYERS.items()}
    makes["attention"] = attention
    found: dict[str, Any] = {}
    for name, make in makes.items():
        all_of_them = [make() for _ in range(DRAWS)]
        for field in all_of_them[0]:
            found[f"{name}.{field}"] = numbers([one[field] for one in all_of_them])
    return found


def main() -> None:
    keras.utils.set_random_seed(0)
    rows = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table().items()]
    body = ",\n".join(rows)
    print(f'{{"keras": "{keras.__version__}", "parameters": {{\n{body}\n}}}}')


if __name__ == "__main__":
    main()
