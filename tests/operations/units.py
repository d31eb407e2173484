"""Operations on units that belong together."""

from typing import Any

import equinox as eqx
import numpy as np

from eqinit import surgery

from .case import KEY, RULES, Case, Done, Operation, Patient, at, before, put


def permuted(p: Patient, layer: str, units: int) -> Done:
    order = np.roll(np.arange(units), 1)
    new, record = surgery.permute(p.model, layer, order, p.call, *p.args, record=True)
    assert not eqx.tree_equal(new, p.model)
    return Done(p.model, new, record)


def matched(p: Patient, layer: str, units: int) -> Done:
    other = permuted(p, layer, units).new
    new, record = surgery.match(other, p.model, p.call, *p.args, record=True)
    return Done(other, new, record)


def widened(p: Patient, layer: str, units: int) -> Done:
    new, record = surgery.widen(
        p.model, layer, units, KEY, p.call, *p.args, record=True
    )
    return Done(p.model, new, record)


def pruned(p: Patient, layer: str, units: int) -> Done:
    keep = [unit for unit in range(units) if unit != 1]
    new, record = surgery.prune(p.model, layer, keep, p.call, *p.args, record=True)
    return Done(p.model, new, record)


def recycled(p: Patient, layer: str, units: int) -> Done:
    new, record = surgery.recycle(
        *(p.model, KEY, RULES, layer, np.arange(units) == 1, p.call),
        *p.args,
        record=True,
    )
    return Done(p.model, new, record)


def silence(*readers: tuple[str, int, Any]) -> Any:
    """The model, in which nothing reads the units: path, axis and places of each."""

    def by_hand(done: Done) -> Any:
        arrays = {path: at(done.old, path) for path, _, _ in readers}
        new = {
            path: arrays[path].at[(*(slice(None),) * axis, places)].set(0)
            for path, axis, places in readers
        }
        return put(done.old, new)

    return by_hand


def on(layer: str, units: int) -> Case:
    return Case({"layer": layer, "units": units})


def cut(layer: str, units: int, *readers: tuple[str, int, Any]) -> Case:
    return Case({"layer": layer, "units": units}, by_hand=silence(*readers))


BERT = "encoder.layer.0.intermediate.dense"
UNITS = {
    "mlp": ("layers.0", 8),
    "cnn": ("conv1", 6),
    "transformer": ("blocks.0.attn", 2),
    "scanned": ("blocks.up", 12),
    "lstm": ("cell", 6),
    "bert": (BERT, 12),
    "resnet": ("lifting", 4),
    "klax": ("layers.0", 6),
}
HEADS = np.arange(4, 8)  # the second head of two

CUT = {
    "mlp": cut("layers.0", 8, ("layers.1.weight", 1, 1)),
    "cnn": cut("conv1", 6, ("conv2.weight", 1, 1)),
    "transformer": cut(
        "blocks.0.attn", 2, ("blocks.0.attn.output_proj.weight", 1, HEADS)
    ),
    "scanned": cut("blocks.up", 12, ("blocks.down.weight", 2, 1)),
    "lstm": cut("cell", 6, ("cell.weight_hh", 1, 1), ("head.weight", 1, 1)),
    "bert": cut(BERT, 12, ("encoder.layer.0.output.dense.weight", 1, 1)),
    "resnet": cut(
        "lifting",
        4,
        *((f"blocks.{i}.conv_1.weight", 1, 1) for i in (0, 1)),
        ("projection.weight", 1, 1),
    ),
    "klax": cut("layers.0", 6, ("layers.1.weight", 0, 1)),
}
UNREAD = "those of the model in which nothing reads the units"

OPERATIONS = (
    Operation(
        "permute",
        "the same",
        permuted,
        {name: on(*place) for name, place in UNITS.items()},
        restores=before,
    ),
    Operation(
        "match",
        "those of the reference, and its parameters",
        matched,
        {name: on(*place) for name, place in UNITS.items()},
        becomes=lambda patient, done: patient.model,
    ),
    Operation(
        "widen",
        "the same",
        widened,
        {
            "mlp": on("layers.0", 11),
            "cnn": on("conv1", 9),
            "transformer": on("blocks.0.attn", 3),
            "scanned": on("blocks.up", 15),
            "lstm": on("cell", 8),
            "bert": on(BERT, 15),
            "resnet": on("lifting", 7),
            "klax": on("layers.0", 9),
        },
    ),
    Operation("prune", UNREAD, pruned, CUT),
    Operation("recycle", UNREAD, recycled, CUT),
)
