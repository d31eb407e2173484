"""Operations on blocks in a row."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu

import eqinit as ei
from eqinit import surgery

from .case import Case, Done, Operation, Patient, Refused, at, before, put


def inserted(p: Patient, path: str, index: int = 1, zero: Any = ()) -> Done:
    new, record = surgery.insert(
        *(p.model, path, index), zero=zero, call=p.call, args=p.args, record=True
    )
    return Done(p.model, new, record)


def removed(p: Patient, path: str) -> Done:
    return Done(p.model, *surgery.remove(p.model, path, 1, record=True))


def grown(p: Patient, path: str, count: int = 4, zero: Any = ()) -> Done:
    new, record = surgery.grow(
        *(p.model, path, count), zero=zero, call=p.call, args=p.args, record=True
    )
    return Done(p.model, new, record)


def stacked(p: Patient, path: str) -> Done:
    return Done(p.model, *surgery.stack_blocks(p.model, path, record=True))


def unstacked(p: Patient, path: str) -> Done:
    return Done(p.model, *surgery.unstack_blocks(p.model, path, record=True))


def deeper(p: Patient, path: str = "") -> Done:
    if not path:
        return Done(p.model, surgery.net2deeper(p.model, 0))
    deep = functools.partial(surgery.net2deeper, index=0)
    return Done(p.model, ei.swap(p.model, path, deep, count=1))


def without(path: str) -> Any:
    """The model with all blocks of its list but the second."""

    def by_hand(done: Done) -> Any:
        old = at(done.old, path)
        return put(done.old, {path: type(old)([*old[:1], *old[2:]])})

    return by_hand


def without_one_of_stack(done: Done) -> Any:
    arrays, rest = eqx.partition(done.old.blocks, eqx.is_array)
    fewer = jtu.tree_map(lambda x: jnp.stack([x[0], x[2]]), arrays)
    return put(done.old, {"blocks": eqx.combine(fewer, rest)})


def looped(model: Any, x: jax.Array) -> jax.Array:
    """What `Scanned` computes, of a list of its blocks."""

    def one(x: jax.Array) -> jax.Array:
        x = jax.vmap(model.embed)(x)
        for block in model.blocks:
            x = block(x)
        return jax.vmap(model.head)(x)

    return jax.vmap(one)(x)


def stack(path: str) -> Any:
    return lambda model: surgery.stack_blocks(model, path)


def no_blocks(path: str, kind: str) -> Refused:
    return Refused(
        "no blocks in a row",
        rf"`{path}` is an? {kind}, and not blocks in a row",
        {"path": path},
    )


ZERO = ("attn.output_proj", "down")
# Of a block whose last layers are zero nothing else has a gradient yet.
SILENT = (
    *("norm1", "norm2", "up", "attn.query_proj", "attn.key_proj"),
    "attn.value_proj",
)
BERT = "encoder.layer"
BERT_ZERO = ("attention.output.dense", "output.dense")
NO_BLOCKS = {"cnn": no_blocks("conv1", "Conv2d"), "lstm": no_blocks("cell", "LSTMCell")}


def not_residual(path: str, zero: Any, **more: Any) -> Refused:
    return Refused(
        "its blocks are not residual: with zeros they are no identity",
        "was to leave what `call` returns as it is, and would change it",
        {"path": path, "zero": zero, **more},
    )


def alike(error: str, **where: Any) -> Refused:
    where = {"path": "layers", **where}
    return Refused("its layers are of different shapes", error, where)


NO_CALL = "would make a model that `call` does not run on, so it changed nothing"


OPERATIONS = (
    Operation(
        "insert",
        "the same",
        inserted,
        {
            "mlp": not_residual("layers", ["**"], index=2),
            **NO_BLOCKS,
            "transformer": Case(
                {"path": "blocks", "zero": ZERO},
                flat=tuple(f"blocks.1.{path}" for path in SILENT),
            ),
            "scanned": Case({"path": "blocks", "zero": ZERO}),
            "bert": not_residual(BERT, BERT_ZERO),
            "resnet": Case(
                {"path": "blocks", "zero": ["conv_2"]}, flat=("blocks.1.conv_1",)
            ),
            "klax": alike(NO_CALL, zero=["**"]),
        },
        restores=before,
        deep=True,
    ),
    Operation(
        "remove",
        "those of the model without the block",
        removed,
        {
            "mlp": Case({"path": "layers"}, by_hand=without("layers")),
            **NO_BLOCKS,
            "transformer": Case({"path": "blocks"}, by_hand=without("blocks")),
            "scanned": Case({"path": "blocks"}, by_hand=without_one_of_stack),
            "bert": Case({"path": BERT}, by_hand=without(BERT)),
            "resnet": Case({"path": "blocks"}, by_hand=without("blocks")),
            "klax": Case({"path": "layers"}, by_hand=without("layers")),
        },
        deep=True,
    ),
    Operation(
        "grow",
        "the same, with `zero=`",
        grown,
        {
            "mlp": alike(NO_CALL, zero=["**"]),
            **NO_BLOCKS,
            "transformer": Case(
                {"path": "blocks", "zero": ZERO},
                flat=tuple(f"blocks.{i}.{path}" for i in (2, 3) for path in SILENT),
            ),
            "scanned": Case({"path": "blocks", "zero": ZERO}),
            "bert": not_residual(BERT, BERT_ZERO),
            "resnet": Case(
                {"path": "blocks", "zero": ["conv_2"]},
                flat=("blocks.2.conv_1", "blocks.3.conv_1"),
            ),
            "klax": alike(NO_CALL, zero=["**"]),
        },
        deep=True,
    ),
    Operation(
        "stack_blocks",
        "the same",
        stacked,
        {
            "mlp": alike("cannot be stacked: they differ in static fields"),
            **NO_BLOCKS,
            "transformer": Case({"path": "blocks"}),
            "scanned": Refused("is one already", "a stack already", {"path": "blocks"}),
            "bert": Case({"path": BERT}),
            "resnet": Case({"path": "blocks"}),
            "klax": alike("cannot be stacked: they differ in static fields"),
        },
        restores=before,
        deep=True,
    ),
    Operation(
        "unstack_blocks",
        "the same, of code that iterates over blocks",
        unstacked,
        {
            "mlp": alike("a list of blocks already"),
            **NO_BLOCKS,
            "transformer": Case({"path": "blocks"}, prepare=stack("blocks")),
            "scanned": Case({"path": "blocks"}, call=looped),
            "bert": Case({"path": BERT}, prepare=stack(BERT)),
            "resnet": Case({"path": "blocks"}, prepare=stack("blocks")),
            "klax": alike("a list of blocks already"),
        },
        restores=before,
        deep=True,
    ),
    Operation(
        "net2deeper",
        "the same",
        deeper,
        {
            "mlp": Case(),
            **{
                name: Refused(
                    "no `MLP` and no `Sequential`",
                    rf"net2deeper got an? {kind}; it takes an `eqx.nn.MLP`",
                    {"path": path},
                )
                for name, path, kind in (
                    ("cnn", "conv1", "Conv2d"),
                    ("transformer", "blocks.0.up", "Linear"),
                    ("scanned", "blocks.up", "Linear"),
                    ("lstm", "cell", "LSTMCell"),
                    ("bert", "encoder.layer.0.intermediate.dense", "Linear"),
                    ("resnet", "lifting", "LinearChannelAdjustBlock"),
                    ("klax", "layers.0", "Linear"),
                )
            },
        },
        deep=True,
    ),
)
