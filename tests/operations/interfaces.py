"""Operations that change what goes into a model, and what comes out."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from eqinit import surgery

from .case import KEY, Case, Done, Operation, Patient, Refused, at, put, refused


nn = eqx.nn


def resized(p: Patient, selector: Any, **heads: Any) -> Done:
    new, record = surgery.resize_embedding(
        p.model, selector, 13, KEY, record=True, **heads
    )
    return Done(p.model, new, record)


def headed(p: Patient, path: str) -> Done:
    return Done(p.model, *surgery.new_head(p.model, path, 3, KEY, record=True))


def head(path: str, make: Any) -> Case:
    """Wanted: the old trunk under a head that its constructor makes."""

    def by_hand(done: Done) -> Any:
        new = at(done.new, path)
        made = put(make(), {"weight": new.weight})
        made = made if new.bias is None else put(made, {"bias": new.bias})
        return put(done.old, {path: made})

    return Case({"path": path}, by_hand=by_hand)


def linear(inputs: int, bias: bool = True) -> Any:
    return lambda: nn.Linear(inputs, 3, use_bias=bias, key=KEY)


def stretched(p: Patient, selector: Any) -> Done:
    new, record = surgery.interpolate_positions(p.model, selector, 12, record=True)
    return Done(p.model, new, record)


def table(path: str) -> Case:
    """Wanted: positions in the middle of 12 intervals, by numpy."""

    def by_hand(done: Done) -> Any:
        old = np.asarray(at(done.old, path), np.float64)
        middles = (np.arange(12) + 0.5) / 12 * len(old) - 0.5
        columns = [np.interp(middles, np.arange(len(old)), column) for column in old.T]
        return put(done.old, {path: jnp.asarray(np.stack(columns, 1), jnp.float32)})

    return Case({"selector": path}, by_hand=by_hand)


def channels_changed(p: Patient, path: str) -> Done:
    new, record = surgery.change_in_channels(p.model, path, 6, record=True)
    return Done(p.model, new, record)


def image(path: str, *shape: int) -> Case:
    """Wanted: of an image whose channels are there twice, what they give once."""
    x = jax.random.normal(KEY, shape)
    axis = len(shape) - 3 if path == "conv1" else 0
    twice = jnp.concatenate([x, x], axis)
    return Case({"path": path}, old_args=(x,), args=(twice,))


def takes(kinds: str, names: str, paths: dict[str, str]) -> dict[str, Refused]:
    return {
        name: Refused(
            f"no {kinds.replace('|', ' and no ')}",
            rf"this operation takes ({kinds})",
            {"path": paths[name]},
        )
        for name in names.split()
    }


LAYER = {
    "mlp": "layers.0",
    "transformer": "embed",
    "scanned": "embed",
    "lstm": "cell",
    "bert": "encoder.layer.0.output.LayerNorm",
    "klax": "layers.2",
}
TOKENS = (jnp.arange(12)[None] % 7, jnp.arange(12) % 11)
NO_TABLE = "nothing is learned for positions"
NO_POSITIONS = r"`, a kernel of an? \w+: no table of positions"

OPERATIONS = (
    Operation(
        "resize_embedding",
        "the same; logits of old tokens the same",
        resized,
        {
            **refused(
                "mlp cnn scanned lstm resnet klax",
                "no embedding",
                "this operation takes Embedding",
                selector="**",
            ),
            "transformer": Case(
                {"selector": "embed", "heads": ["head"]}, seen=lambda out: out[..., :7]
            ),
            "bert": Case({"selector": "**.word_embeddings"}),
        },
    ),
    Operation(
        "new_head",
        "those of the old trunk under a new layer",
        headed,
        {
            "mlp": head("layers.2", linear(8)),
            "cnn": head("head", linear(16)),
            "transformer": head("head", linear(8, bias=False)),
            "scanned": head("head", linear(8)),
            "lstm": head("head", linear(6)),
            **takes("Linear or Conv", "bert klax", LAYER),
            "resnet": head("projection", lambda: nn.Conv1d(4, 3, 1, key=KEY)),
        },
    ),
    Operation(
        "interpolate_positions",
        "those of the model with a table by `numpy.interp`",
        stretched,
        {
            **refused("mlp klax", NO_TABLE, NO_POSITIONS, selector="layers.0.weight"),
            **refused("cnn", NO_TABLE, NO_POSITIONS, selector="head.weight"),
            **refused("scanned", NO_TABLE, NO_POSITIONS, selector="head.weight"),
            **refused("lstm", NO_TABLE, NO_POSITIONS, selector="cell.weight_ih"),
            **refused("resnet", NO_TABLE, NO_POSITIONS, selector="lifting.weight"),
            "transformer": table("positions"),
            "bert": table("embeddings.position_embeddings.weight"),
        },
    ),
    Operation(
        "change_in_channels",
        "the same, of images with every channel twice",
        channels_changed,
        {
            **takes("Conv or ConvTranspose", "mlp transformer scanned lstm", LAYER),
            **takes("Conv or ConvTranspose", "bert klax", LAYER),
            "cnn": image("conv1", 4, 3, 5, 5),
            "resnet": image("lifting", 3, 8),
        },
    ),
)
