"""Operations on the values of a whole model, or on the flags of its layers."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

import eqinit as ei
from eqinit import surgery

from .case import KEY, Case, Done, Operation, Patient, Refused, at, model_in, put
from .laws import RULES


def biased(p: Patient, path: str) -> Done:
    return Done(p.model, ei.swap(p.model, path, surgery.with_bias, count=1))


def unbiased(p: Patient, path: str) -> Done:
    return Done(p.model, ei.swap(p.model, path, surgery.without_bias, count=1))


def drop_bias(path: str) -> Any:
    return lambda model: ei.swap(model, path, surgery.without_bias, count=1)


def zero_bias(path: str) -> Any:
    def by_hand(done: Done) -> Any:
        return put(done.old, {f"{path}.bias": 0 * at(done.old, f"{path}.bias")})

    return by_hand


def mapped(fn: Any, *trees: Any) -> Any:
    """Floating-point arrays of trees, changed; all else as in the first."""

    def one(first: Any, *others: Any) -> Any:
        return fn(first, *others) if eqx.is_inexact_array(first) else first

    return jtu.tree_map(one, *trees)


def narrowed(p: Patient, selector: Any) -> Done:
    new, record = surgery.cast(p.model, selector, jnp.bfloat16, record=True)
    return Done(p.model, new, record)


def rounded(done: Done) -> Any:
    """The old model with the values that are left of its own, as float32."""

    def one(new: Any, old: Any) -> Any:
        assert new.dtype in (old.dtype, jnp.bfloat16)
        return jnp.asarray(np.asarray(old).astype(new.dtype), jnp.float32)

    assert not eqx.tree_equal(done.new, done.old)
    return mapped(one, done.new, done.old)


def averaged(p: Patient) -> Done:
    other = mapped(lambda x: x * 0.5 + 0.1, p.model)
    return Done(p.model, surgery.merge([p.model, other], [0.25, 0.75]))


def mean(done: Done) -> Any:
    def one(x: Any) -> Any:
        x = np.asarray(x, np.float64)
        return jnp.asarray(0.25 * x + 0.75 * (0.5 * x + 0.1), jnp.float32)

    return mapped(one, done.old)


def perturbed(p: Patient) -> Done:
    new = surgery.shrink_and_perturb(
        p.model, KEY, RULES, shrink=0.75, perturb=0.5
    )
    return Done(p.model, new)


def drawn(tree: Any) -> Any:
    made = ei.apply(model_in(tree), KEY, RULES)
    return (made, *tree[1:]) if isinstance(tree, tuple) else made


def halved(tree: Any) -> Any:
    return mapped(lambda x: x * 0.5, tree)


def doubled(tree: Any) -> Any:
    """A model of twice the size along every axis: all entries twice."""

    def one(x: Any) -> Any:
        x = np.asarray(x)
        for axis in range(x.ndim):
            x = x.repeat(2, axis)
        return jnp.asarray(x)

    return jtu.tree_map(lambda x: one(x) if eqx.is_array(x) else x, tree)


def transplanted(p: Patient) -> Done:
    old = halved(p.model)
    return Done(old, *surgery.transplant(old, doubled(p.model), record=True))


def loaded(p: Patient) -> Done:
    old, stored = halved(p.model), surgery.save_weights(p.model)
    return Done(old, *surgery.load_weights(old, stored, record=True))


def resting(layer: str, drive: float) -> Any:
    """The model with a unit that says nothing: what its activation makes of `drive`."""

    def prepare(tree: Any) -> Any:
        new = {f"{layer}.weight": 0.0, f"{layer}.bias": drive}
        return put(tree, {p: at(tree, p).at[1].set(value) for p, value in new.items()})

    return prepare


def recycled(p: Patient, layer: str, following: str) -> Done:
    units = at(p.model, layer).weight.shape[0]
    idle = jnp.arange(units) == 1
    new = surgery.recycle(p.model, KEY, RULES, layer, following, idle)
    assert not eqx.tree_equal(new, p.model)
    return Done(p.model, new)


def idle(layer: str, following: str, drive: float) -> Case:
    where = {"layer": layer, "following": following}
    return Case(where, prepare=resting(layer, drive))


def no_units(why: str, error: str, layer: str, following: str) -> Refused:
    return Refused(why, error, {"layer": layer, "following": following})


ALL = ("mlp", "cnn", "transformer", "scanned", "lstm", "bert", "resnet", "klax")
BERT = "encoder.layer.0.intermediate.dense"
BIASED = {
    "mlp": "layers.1",
    "cnn": "depthwise",
    "transformer": "blocks.0.norm1",
    "scanned": "blocks.up",
    "lstm": "cell",
    "bert": BERT,
    "resnet": "lifting",
}
NOT_EQUINOX = Refused(
    "its `Linear` is not that of Equinox",
    "Linear has no `use_bias` that is known here",
    {"path": "layers.0"},
)

OPERATIONS = (
    Operation(
        "with_bias",
        "same outputs",
        biased,
        {
            **{
                name: Case({"path": path}, prepare=drop_bias(path))
                for name, path in BIASED.items()
            },
            "klax": NOT_EQUINOX,
        },
    ),
    Operation(
        "without_bias",
        "those of the model with zeros for biases",
        unbiased,
        {
            **{
                name: Case({"path": path}, by_hand=zero_bias(path))
                for name, path in BIASED.items()
            },
            "klax": NOT_EQUINOX,
        },
    ),
    Operation(
        "cast",
        "those of the model with rounded values",
        narrowed,
        {
            "mlp": Case({"selector": "**"}),
            "cnn": Case({"selector": "head"}),
            "transformer": Case({"selector": "blocks"}),
            "scanned": Case({"selector": "blocks"}),
            "lstm": Case({"selector": "**"}),
            "bert": Case({"selector": "encoder"}),
            "resnet": Case({"selector": "**"}),
            "klax": Case({"selector": "**"}),
        },
        by_hand=rounded,
        undo=2**-8,  # of bfloat16, which keeps eight bits
        promotes=True,
    ),
    Operation(
        "merge",
        "those of the mean, taken by numpy",
        averaged,
        {name: Case() for name in ALL},
        by_hand=mean,
    ),
    Operation(
        "shrink_and_perturb",
        "those of the sum, taken by numpy",
        perturbed,
        {name: Case() for name in ALL},
        by_hand=lambda done: mapped(
            lambda a, b: jnp.asarray(0.75 * np.float64(a) + 0.5 * np.float64(b), "f4"),
            done.old,
            drawn(done.old),
        ),
    ),
    Operation(
        "transplant",
        "the model of which the source has every entry twice, to the last bit",
        transplanted,
        {name: Case() for name in ALL},
        becomes=lambda patient, done: patient.model,
    ),
    Operation(
        "load_weights",
        "the model that was saved, to the last bit",
        loaded,
        {name: Case() for name in ALL},
        becomes=lambda patient, done: patient.model,
    ),
    Operation(
        "recycle",
        "same outputs, where the units were silent",
        recycled,
        {
            "mlp": idle("layers.0", "layers.1", -1.0),
            "cnn": no_units(
                "a convolution of several groups reads its units",
                "convolution of one group that is not stacked",
                *("conv1", "depthwise"),
            ),
            "transformer": idle("blocks.0.up", "blocks.0.down", 0.0),
            "scanned": no_units(
                "its layers are stacked",
                "convolution of one group that is not stacked",
                *("blocks.up", "blocks.down"),
            ),
            "lstm": no_units(
                "its units are those of a cell", "is an LSTMCell", "cell", "head"
            ),
            "bert": idle(BERT, "encoder.layer.0.output.dense", 0.0),
            "resnet": idle("blocks.0.conv_1", "blocks.0.conv_2", -1.0),
            "klax": no_units(
                "its `Linear` is not that of Equinox",
                "units are known of a `Linear`",
                *("layers.0", "layers.1"),
            ),
        },
    ),
)
