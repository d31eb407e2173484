"""Operations that make kernels products of two smaller ones."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import eqinit as ei
from eqinit import surgery

from .case import KEY, Case, Done, Operation, Patient, Refused, at, before, put


def adapted(p: Patient, selector: Any, **how: Any) -> Done:
    new, record = surgery.lora(p.model, selector, 1, KEY, record=True, **how)
    return Done(p.model, new, record)


def merged(p: Patient) -> Done:
    return Done(p.model, *surgery.merge_lora(p.model, record=True))


def adapters(selector: Any, **how: Any) -> Any:
    """The model with adapters that have been trained: no factor is zero."""

    def prepare(model: Any) -> Any:
        model = surgery.lora(model, selector, 1, KEY, **how)
        chosen = surgery.lora_parameters(model)
        noise = [
            leaf + 0.1 * jr.normal(jr.fold_in(KEY, i), leaf.shape)
            for i, leaf in enumerate(chosen.get())
        ]
        return chosen.set(noise)

    return prepare


def factorized(p: Patient, selector: Any) -> Done:
    new, record = surgery.factorize(p.model, selector, rank=2, record=True)
    return Done(p.model, new, record)


def rank_two(*paths: str) -> Any:
    """The model with the closest kernels of rank two, by LAPACK in 64 bits."""

    def by_hand(done: Done) -> Any:
        return put(done.old, {path: truncated(at(done.old, path)) for path in paths})

    return by_hand


def truncated(weight: Any) -> Any:
    matrix = np.asarray(weight, np.float64).reshape(len(weight), -1)
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    assert len(s) > 2  # or nothing would be left out
    best = (u[:, :2] * s[:2]) @ vt[:2]
    return jnp.asarray(best.reshape(weight.shape), jnp.float32)


def thin(selector: Any, *paths: str) -> Case:
    return Case({"selector": selector}, by_hand=rank_two(*paths))


KERNELS = ei.Role("kernel") | ei.Role("embedding")
WHAT = {
    "mlp": eqx.nn.Linear,
    "cnn": eqx.nn.Conv2d,
    "transformer": KERNELS,
    "scanned": KERNELS,
    "lstm": KERNELS,
    "bert": "encoder",  # tables of embeddings are read off the layers, not called
    "resnet": KERNELS,
    "klax": KERNELS,
}
# Half of the models with a start that leaves the kernel as it is, under which the first
# factor has no gradient yet, and half with one that takes values out of it.
STARTS: dict[str, Any] = {
    "cnn": {"start": "pissa"},
    "scanned": {"start": "olora"},
    "lstm": {"start": "pissa", "dora": True},
    "bert": {"start": "pissa"},
    "klax": {"start": "olora"},
}

OPERATIONS = (
    Operation(
        "lora",
        "the same",
        adapted,
        {
            name: Case(
                {"selector": what, **STARTS.get(name, {})},
                flat=() if name in STARTS else ("**.lora_a",),
            )
            for name, what in WHAT.items()
        },
        restores=before,
        undo=1e-5,
    ),
    Operation(
        "merge_lora",
        "the same",
        merged,
        {
            name: Case(prepare=adapters(what, **STARTS.get(name, {})))
            for name, what in WHAT.items()
        },
    ),
    Operation(
        "factorize",
        "those of the model with the closest kernels of that rank",
        factorized,
        {
            "mlp": thin("layers.1", "layers.1.weight"),
            "cnn": thin("conv1", "conv1.weight"),
            "transformer": thin("blocks.*.up", "blocks.0.up.weight"),
            "scanned": Refused(
                "a stack of layers has no one rank",
                "`blocks.up` is a stack of layers",
                {"selector": "blocks.up"},
            ),
            "lstm": Refused(
                "its kernels are of gates, and its head has two outputs",
                "selects parameters of LSTMCell; this operation takes Linear or Conv",
                {"selector": "cell"},
            ),
            "bert": thin(
                "**.intermediate.dense", "encoder.layer.0.intermediate.dense.weight"
            ),
            "resnet": thin("lifting", "lifting.weight"),
            "klax": Refused(
                "its `Linear` is not that of Equinox",
                "selects parameters of Linear; this operation takes Linear or Conv",
                {"selector": "layers.0"},
            ),
        },
        restores=lambda case, done: case.by_hand(done),
        undo=1e-5,
    ),
)
