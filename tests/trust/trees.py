"""Random models and random rules, as hypothesis draws them.

What is drawn is mostly *which* of a few dozen parts go where: their shapes repeat, so
that thousands of models compile no more than a few hundred draws.
"""

import dataclasses
import functools
import warnings
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
from cases import CASES
from hypothesis import strategies as st

import eqinit as ei


nn = eqx.nn
KEY = jax.random.key(0)


# Containers.


class Pair(eqx.Module):
    """Two of anything."""

    left: Any
    right: Any


class Known(eqx.Module):
    """A layer whose layout is registered, the other way round than Equinox's."""

    w: Any
    b: Any
    note: str = eqx.field(static=True, default="known")
    table: Any = eqx.field(static=True, default=None)


class Unknown(eqx.Module):
    """A layer that nobody has said anything about."""

    w: Any
    extra: Any = None


class Fields(NamedTuple):
    """A tuple with names, a leaf below each."""

    first: Any
    second: Any


@jtu.register_pytree_with_keys_class
class Keyed:
    """A pytree of somebody else's, which names its children."""

    def __init__(self, *children: Any):
        self.children = children

    def tree_flatten_with_keys(self) -> Any:
        keys = (jtu.DictKey(f"child{i}") for i in range(len(self.children)))
        return list(zip(keys, self.children, strict=True)), len(self.children)

    def tree_flatten(self) -> Any:
        return self.children, len(self.children)

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> "Keyed":
        del aux
        return cls(*children)


class Nameless:
    """One that does not name them."""

    def __init__(self, child: Any):
        self.child = child


jtu.register_pytree_node(
    Nameless, lambda n: ((n.child,), None), lambda _, c: Nameless(*c)
)


@functools.partial(jtu.register_dataclass, data_fields=["value"], meta_fields=["name"])
@dataclasses.dataclass
class Record:
    """A dataclass that jax knows."""

    value: Any
    name: str = "record"


ei.register_layout(Known, w="in out", b="out")


# Parts: layers and leaves.


def _stacked(layer: Any, *sizes: int) -> Any:
    def stack(leaf: Any) -> Any:
        return (
            jnp.broadcast_to(leaf, sizes + leaf.shape) if eqx.is_array(leaf) else leaf
        )

    return jtu.tree_map(stack, layer)


def _cast(layer: Any, dtype: Any) -> Any:
    def cast(leaf: Any) -> Any:
        return leaf.astype(dtype) if eqx.is_array(leaf) else leaf

    return jtu.tree_map(cast, layer)


def _abstract(tree: Any) -> Any:
    def shape(leaf: Any) -> Any:
        if not eqx.is_array(leaf):
            return leaf
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)

    return jtu.tree_map(shape, tree)


def _shared() -> Any:
    pair = {"embed": nn.Embedding(5, 3, key=KEY), "head": nn.Linear(3, 5, key=KEY)}
    return nn.Shared(pair, lambda m: m["head"].weight, lambda m: m["embed"].weight)


def _attention() -> Any:
    return nn.MultiheadAttention(2, 4, use_query_bias=True, key=KEY)


def _with_table() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Equinox's: an array is seldom meant as static
        return Known(jnp.ones((3, 2)), jnp.ones(2), table=np.arange(3))


@functools.cache
def parts() -> dict[str, Any]:
    """Name to layer or leaf; one and the same object wherever it stands."""
    linear = nn.Linear(3, 2, key=KEY)
    conv = nn.Conv1d(2, 4, 3, groups=2, key=KEY)
    lstm, gru = nn.LSTMCell(3, 2, key=KEY), nn.GRUCell(3, 2, key=KEY)
    layers = {
        "linear": linear,
        "linear without bias": nn.Linear(3, 2, use_bias=False, key=KEY),
        "linear to a scalar": nn.Linear(3, "scalar", key=KEY),
        "linear, nothing in": nn.Linear(0, 2, key=KEY),
        "conv": conv,
        "conv transposed": nn.ConvTranspose2d(2, 3, 2, stride=2, key=KEY),
        "lstm": lstm,
        "gru": gru,
        "embedding": nn.Embedding(4, 3, key=KEY),
        "layer norm": nn.LayerNorm((2, 3)),
        "batch norm": nn.BatchNorm(3, "batch", mode="ema"),
        "group norm": nn.GroupNorm(1, 3),
        "attention": _attention(),
        "prelu": nn.PReLU(),
        "dropout": nn.Dropout(0.5),
        "mlp": nn.MLP(3, 2, 3, 1, key=KEY),
        "weight norm": nn.WeightNorm(linear),
        "spectral norm": nn.SpectralNorm(linear, "weight", key=KEY),
        "shared": _shared(),
        "known": _with_table(),
        "known, half abstract": Known(
            jax.ShapeDtypeStruct((3, 2), jnp.float32), jnp.ones(2)
        ),
        "unknown": Unknown(jnp.ones((3, 2)), jnp.ones(3)),
    }
    more = {
        "stack of linear": _stacked(linear, 3),
        "stack of stacks": _stacked(linear, 2, 3),
        "stack of conv": _stacked(conv, 2),
        "stack of lstm": _stacked(lstm, 2),
        "stack of norm": _stacked(nn.LayerNorm(3), 2),
        "empty stack": _stacked(linear, 0),
        "linear f16": _cast(linear, jnp.float16),
        "linear bf16": _cast(linear, jnp.bfloat16),
        "linear f8": _cast(linear, jnp.float8_e4m3fn),
        "linear complex": _cast(linear, jnp.complex64),
        "linear abstract": _abstract(linear),
        "lstm abstract": _abstract(lstm),
    }
    leaves = {
        "scalar": jnp.ones(()),
        "vector": jnp.ones(3),
        "matrix": jnp.ones((2, 3)),
        "cube": jnp.ones((2, 3, 2)),
        "empty": jnp.ones((0, 2)),
        "complex": jnp.ones((2, 2), jnp.complex64),
        "weak": jnp.asarray(1.0),
        "numpy": np.ones((2, 3), np.float32),
        "numpy f64": np.ones(2),
        "shape alone": jax.ShapeDtypeStruct((2, 3), jnp.float32),
        "integers": jnp.arange(3),
        "flags": np.array([True, False]),
        "key": jax.random.key(1),
        "raw key": jax.random.PRNGKey(1),
        "number": 1.5,
        "flag": True,
        "word": "word",
        "nothing": None,
        "function": jnp.tanh,
        "spec": jax.sharding.PartitionSpec("x"),
    }
    return layers | more | leaves


NAMES = st.text("ab.*?\\/ 0é", min_size=1, max_size=3)


def models() -> st.SearchStrategy[Any]:
    """Trees of parts, in containers of every kind."""
    leaf = st.sampled_from(sorted(parts())).map(lambda name: parts()[name])
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(NAMES, inner, max_size=3),
            st.builds(Pair, inner, inner),
            st.builds(Fields, inner, inner),
            st.lists(inner, max_size=2).map(lambda items: Keyed(*items)),
            st.builds(Nameless, inner),
            st.builds(Record, inner),
        ),
        max_leaves=6,
    )


# Rules.


@functools.cache
def schemes() -> tuple[Any, ...]:
    """Every scheme of the table of cases, and combinators around combinators."""
    found: list[Any] = []
    for case in CASES:
        if case.init not in found:
            found.append(case.init)
    return tuple(found)


# What fits any parameter whose values may be anything.
PLAIN = (
    ei.Zeros(),
    ei.Constant(0.5),
    ei.Normal(0.3),
    ei.Normal(0.1, mean=3.0),
    ei.TruncatedNormal(0.2),
    ei.Uniform(-1.0, 2.0),
    ei.LogNormal(1.0, 0.5),
    ei.Laplace(0.5),
    ei.Rademacher(0.5),
    ei.Scaled(ei.Normal(0.5), 2.0),
    ei.Shifted(ei.Scaled(ei.Uniform(1.0), 0.5), 1.0),
    ei.Sparse(ei.Clipped(ei.Normal(1.0), -1.0, 1.0), density=0.5),
    ei.Mixture((ei.Abs(ei.Normal(0.5)), ei.Zeros()), (1, 1)),
)
FANS = (
    ei.HeNormal(negative_slope=0.3),
    ei.GlorotUniform(),
    ei.LecunNormal(mode="fan_out"),
    ei.Orthogonal(0.5),
    ei.Scaled(ei.Orthogonal(), 2.0),
    ei.PerSlice(ei.HeNormal(), lambda i, n: (i + 1) / n),
)


def initializers() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from(PLAIN),
        st.sampled_from(PLAIN),
        st.sampled_from(FANS),
        st.sampled_from(schemes()),
    )


def big(site: ei.Site) -> bool:
    """Whether a parameter has two axes or more."""
    return len(site.spec.shape) >= 2


GLOBS = ["**", "*", "**.weight", "**.bias", "**.w", "0.**", "left", "**.layers.*"]
GLOBS += ["first.**", "value", "a.**", "**.children.*", "?", "**.weight_*"]
ROLES = ["kernel", "bias", "scale", "embedding", "other"]
TYPES = [
    nn.Linear,
    nn.Conv,
    nn.LSTMCell,
    nn.LayerNorm,
    eqx.Module,
    Known,
    Unknown,
    Pair,
]


def selectors() -> st.SearchStrategy[Any]:
    simple = st.one_of(
        st.sampled_from(GLOBS).map(ei.Path),
        st.sampled_from(ROLES).map(ei.Role),
        st.sampled_from(TYPES).map(ei.Layer),
        st.just(ei.Filter(big)),
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.builds(lambda a, b: a & b, inner, inner),
            st.builds(lambda a, b: a | b, inner, inner),
            st.builds(lambda a: ~a, inner),
        ),
        max_leaves=3,
    )


FIELDS = ["weight", "bias", "weight_ih", "weight_hh", "w", "b", "g", "extra"]


def _rule(
    selector: Any, init: Any, fields: dict[str, Any], optional: bool, axes: Any
) -> ei.Rule:
    if fields:
        return ei.Rule(selector, optional=optional, **fields)
    return ei.Rule(selector, init, optional=optional, axes=axes)


def rules() -> st.SearchStrategy[list[ei.Rule]]:
    """Up to four; most may be idle, or few random models would get a plan."""
    fields = st.dictionaries(st.sampled_from(FIELDS), initializers(), max_size=3)
    one = st.builds(
        _rule,
        selectors(),
        initializers(),
        st.one_of(st.just({}), fields),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([None, None, None, "out in", "in out", "(gate=2 out) in"]),
    )
    return st.lists(one, max_size=4)
