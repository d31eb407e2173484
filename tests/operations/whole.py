"""Operations on the values of a whole model, or on the flags of its layers."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np

import eqinit as ei
from eqinit import surgery

from .case import KEY, RULES, Case, Done, Operation, Patient, Refused, at, model_in, put


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


def cast(p: Patient, selector: Any, dtype: Any = jnp.bfloat16, **how: Any) -> Done:
    new, record = surgery.cast(p.model, selector, dtype, record=True, **how)
    return Done(p.model, new, record)


def narrow(model: Any) -> Any:
    return mapped(lambda x: x.astype(jnp.bfloat16), model)


def rounded(done: Done) -> Any:
    """The old model with what is left of its values, as float32, by ml_dtypes."""
    assert not eqx.tree_equal(done.new, done.old)

    def one(new: Any, old: Any) -> Any:
        return jnp.asarray(np.asarray(old).astype(new.dtype), jnp.float32)

    return mapped(one, done.new, done.old)


def as_they_were(case: Case, done: Done) -> Any:
    """What is left of the values, in the dtypes of the old ones."""
    del case
    return mapped(lambda x, old: x.astype(old.dtype), rounded(done), done.old)


def averaged(p: Patient) -> Done:
    other = mapped(lambda x: x * 0.5 + 0.1, p.model)
    return Done(p.model, surgery.merge([p.model, other], [0.25, 0.75]))


def mean(done: Done) -> Any:
    def one(x: Any) -> Any:
        x = np.asarray(x, np.float64)
        return jnp.asarray(0.25 * x + 0.75 * (0.5 * x + 0.1), jnp.float32)

    return mapped(one, done.old)


def perturbed(p: Patient) -> Done:
    new = surgery.shrink_and_perturb(p.model, KEY, RULES, shrink=0.75, perturb=0.5)
    return Done(p.model, new)


def added(done: Done) -> Any:
    model = model_in(done.old)

    def one(old: Any, new: Any) -> Any:
        if new is old:  # no rule claims it
            return old
        return jnp.asarray(0.75 * np.float64(old) + 0.5 * np.float64(new), jnp.float32)

    made = mapped(one, model, ei.apply(model, KEY, RULES))
    return (made, *done.old[1:]) if isinstance(done.old, tuple) else made


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


ALL = ("mlp", "cnn", "transformer", "scanned", "lstm", "bert", "resnet", "klax")
BERT = "encoder.layer.0.intermediate.dense"
BIASED = {
    "mlp": "layers.2",
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
        "the same",
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
        cast,
        {
            "mlp": Case({"selector": "**"}),
            "cnn": Case({"selector": "head"}),
            "transformer": Case({"selector": "blocks"}),
            "scanned": Case({"selector": "blocks"}),
            "lstm": Case({"selector": "**"}),
            "bert": Case({"selector": "encoder"}),
            "resnet": Case(  # a convolution takes arrays of one dtype
                {"selector": "**", "dtype": jnp.float32, "keep": None}, prepare=narrow
            ),
            "klax": Case({"selector": "**"}),
        },
        by_hand=rounded,
        restores=as_they_were,
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
        by_hand=added,
    ),
    Operation(
        "transplant",
        "those of the model of whose entries the source has each twice",
        transplanted,
        {name: Case() for name in ALL},
        becomes=lambda patient, done: patient.model,
    ),
    Operation(
        "load_weights",
        "those of the model that was saved",
        loaded,
        {name: Case() for name in ALL},
        becomes=lambda patient, done: patient.model,
    ),
)
