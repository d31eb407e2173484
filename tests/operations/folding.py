"""Operations that fold layers into their neighbours."""

from typing import Any

import equinox as eqx
import jax
import jax.random as jr

import eqinit as ei
from eqinit import surgery

from .case import KEY, Case, Done, Operation, Patient, Refused, before, refused


nn = eqx.nn


def baked(p: Patient) -> Done:
    return Done(p.model, *surgery.bake(p.model, record=True))


def weight_norm(path: str, make: Any = nn.WeightNorm) -> Any:
    """The model with weight norm around a layer, whose lengths are not the weight's."""

    def wrapped(layer: Any) -> Any:
        norm = make(layer)
        noise = 1 + 0.3 * jr.normal(KEY, norm.g.shape)
        return eqx.tree_at(lambda n: n.g, norm, norm.g * noise)

    return lambda model: ei.swap(model, path, wrapped, count=1)


def non_negative(model: Any) -> Any:
    import klax

    weights = [layer.weight for layer in model.layers]
    return eqx.tree_at(
        lambda m: [layer.weight for layer in m.layers],
        model,
        [klax.NonNegative(weight) for weight in weights],
    )


def finalized(model: Any, x: jax.Array) -> Any:
    """As models of klax with constraints are called."""
    import klax

    return klax.finalize(model)(x)


def norms_folded(p: Patient, pairs: Any = None) -> Done:
    new, record = surgery.fold_batch_norm(
        p.model, pairs, call=p.call, args=p.args, record=True
    )
    return Done(p.model, new, record)


class Branches(eqx.Module):
    """Two convolutions in parallel, whose outputs are added."""

    one: Any
    other: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.one(x) + self.other(x)


def branched(path: str) -> Any:
    """The model with a smaller convolution beside the one at a path."""

    def beside(conv: Any) -> Any:
        small = nn.Conv(
            *(conv.num_spatial_dims, conv.in_channels, conv.out_channels, 1),
            use_bias=False,
            key=KEY,
        )
        return Branches(conv, small)

    return lambda model: ei.swap(model, path, beside, count=1)


def branches_merged(p: Patient, path: str) -> Done:
    def one(node: Any) -> Any:
        both = [node.one, node.other] if isinstance(node, Branches) else [node]
        return surgery.merge_branches(both)

    return Done(p.model, ei.swap(p.model, path, one, count=1))


def fused(p: Patient) -> Done:
    new, record = surgery.fuse_qkv(p.model, call=p.call, args=p.args, record=True)
    return Done(p.model, new, record)


def parted(p: Patient) -> Done:
    new, record = surgery.split_qkv(p.model, call=p.call, args=p.args, record=True)
    return Done(p.model, new, record)


def scales_folded(p: Patient, readers: Any) -> Done:
    new, record = surgery.fold_scale(
        p.model, readers, call=p.call, args=p.args, record=True
    )
    return Done(p.model, new, record)


READERS = {
    "blocks.*.norm1": [f"blocks.*.attn.{n}_proj" for n in ("query", "key", "value")],
    "blocks.*.norm2": "blocks.*.up",
    "norm": "head",
}
STACKED = {"blocks.norm1": [f"blocks.attn.{n}_proj" for n in ("query", "key", "value")]}
STACKED |= {"blocks.norm2": ["blocks.up"]}

LAYER = {
    "mlp": "layers.0",
    "transformer": "head",
    "scanned": "head",
    "lstm": "cell",
    "bert": "encoder.layer.0.output.dense",
    "klax": "layers.0",
}
NO_CONVOLUTION = "merge_branches got no convolution"

NO_NORMS = {
    "mlp": ("layers.0", "layers.1"),
    "cnn": ("norm1", "depthwise"),
    "lstm": ("cell", "head"),
    "bert": ("embeddings.LayerNorm", "encoder.layer.0.attention.self.query"),
    "resnet": ("lifting", "projection"),
    "klax": ("layers.0", "layers.1"),
}

OPERATIONS = (
    Operation(
        "bake",
        "the same",
        baked,
        {
            "mlp": Case(prepare=weight_norm("layers.1")),
            "cnn": Case(prepare=weight_norm("conv1")),
            "transformer": Case(prepare=weight_norm("blocks.0.up")),
            "scanned": Case(
                prepare=weight_norm("blocks.up", eqx.filter_vmap(nn.WeightNorm))
            ),
            "lstm": Case(prepare=weight_norm("head")),
            "bert": Case(prepare=weight_norm("encoder.layer.0.output.dense")),
            "resnet": Case(prepare=weight_norm("lifting")),
            "klax": Case(prepare=non_negative, old_call=finalized),
        },
    ),
    Operation(
        "fold_batch_norm",
        "the same in inference",
        norms_folded,
        {
            **refused(
                "mlp transformer scanned lstm bert resnet klax",
                "no batch norm",
                r"fold_batch_norm takes a `\(model, state\)` tuple",
            ),
            "cnn": Case({"pairs": {"norm1": "conv1", "norm2": "conv2"}}),
        },
    ),
    Operation(
        "merge_branches",
        "the same",
        branches_merged,
        {
            **{
                name: Refused("no convolution", NO_CONVOLUTION, {"path": path})
                for name, path in LAYER.items()
            },
            "cnn": Case({"path": "conv1"}, prepare=branched("conv1")),
            "resnet": Case({"path": "lifting"}, prepare=branched("lifting")),
        },
    ),
    Operation(
        "fuse_qkv",
        "the same",
        fused,
        {
            **refused(
                "mlp cnn lstm bert resnet klax",
                "no attention of Equinox",
                "selects no parameter of a MultiheadAttention|matches no",
            ),
            "transformer": Case(),
            "scanned": Case(),
        },
        restores=before,
        undo=1e-5,
    ),
    Operation(
        "split_qkv",
        "the same",
        parted,
        {
            **refused(
                "mlp cnn lstm bert resnet klax",
                "no attention of Equinox",
                "selects no parameter of a FusedAttention|matches no",
            ),
            "transformer": Case(prepare=surgery.fuse_qkv),
            "scanned": Case(prepare=surgery.fuse_qkv),
        },
        restores=before,
    ),
    Operation(
        "fold_scale",
        "the same",
        scales_folded,
        {
            **{
                name: Refused(
                    "no norm of Equinox's own without a state",
                    rf"- `{norm}` is an? \w+\n.*no norm that can be folded",
                    {"readers": {norm: layer}},
                )
                for name, (norm, layer) in NO_NORMS.items()
            },
            "transformer": Case({"readers": READERS}),
            "scanned": Case({"readers": STACKED}),
        },
    ),
)
