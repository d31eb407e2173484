"""What `apply` never changes, on any tree."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import eqinit as ei
from eqinit import HeNormal, Normal, Ones, Role, Rule, Zeros
from eqinit._models.read import read
from eqinit._models.walk import is_parameter


pytestmark = pytest.mark.bits
nn = eqx.nn
KEY = jax.random.key(0)


class Everything(eqx.Module):
    """One of each kind of leaf."""

    linear: nn.Linear
    low: nn.Linear
    norm: nn.BatchNorm
    dropout: nn.Dropout
    prelu: nn.PReLU
    table: jax.Array
    steps: jax.Array
    flags: jax.Array
    key: jax.Array
    raw_key: jax.Array
    host: np.ndarray
    rate: float
    weak: jax.Array
    absent: None
    activation: Any
    width: int = eqx.field(static=True)

    def __init__(self):
        self.linear = nn.Linear(3, 2, key=KEY)
        self.low = nn.Linear(3, 2, dtype=jnp.bfloat16, key=KEY)
        self.norm = nn.BatchNorm(2, axis_name="batch", mode="ema")
        self.dropout = nn.Dropout(0.25)
        self.prelu = nn.PReLU()
        self.table = jnp.ones((2, 2))
        self.steps = jnp.arange(3)
        self.flags = jnp.array([True, False])
        self.key = jax.random.key(1)
        self.raw_key = jax.random.PRNGKey(1)
        self.host = np.ones(3, np.float32)
        self.rate = 0.5
        self.weak = jnp.asarray(1.0)
        self.absent = None
        self.activation = jnp.tanh
        self.width = 7


MODEL = Everything()
PARAMETERS = [
    "linear.weight",
    "linear.bias",
    "low.weight",
    "low.bias",
    "norm.weight",
    "norm.bias",
    "prelu.negative_slope",
    "table",
    "host",
    "weak",
]


def test_only_inexact_arrays_are_parameters():
    assert list(ei.select(MODEL, "**").paths) == PARAMETERS


def kind(leaf: Any) -> Any:
    if not eqx.is_array_like(leaf) or isinstance(leaf, (float, int)):
        return leaf
    return type(leaf), leaf.shape, leaf.dtype


def test_everything_else_is_the_same_object():
    before = jtu.tree_leaves(MODEL)
    drawn = ei.apply(MODEL, KEY, [("**", Normal())])
    assert jtu.tree_structure(drawn) == jtu.tree_structure(MODEL)
    positions = {site.position for site in read(MODEL).parameters}
    for i, (old, new) in enumerate(zip(before, jtu.tree_leaves(drawn), strict=True)):
        if i in positions:
            assert kind(new) == kind(old)
            assert new is not old
        else:
            assert new is old
    # The input is what it was, object by object.
    assert all(a is b for a, b in zip(jtu.tree_leaves(MODEL), before, strict=True))
    assert drawn.width == 7
    assert drawn.activation is jnp.tanh


def test_unclaimed_parameters_are_the_same_object():
    drawn = ei.apply(MODEL, KEY, [(Role("kernel"), HeNormal(gain=2.0))])
    before, after = (ei.select(model, "**").get() for model in (MODEL, drawn))
    for path, old, new in zip(PARAMETERS, before, after, strict=True):
        assert (new is old) is not path.endswith(("linear.weight", "low.weight"))


def test_draws_are_strongly_typed():
    assert MODEL.weak.weak_type
    drawn = ei.apply(MODEL, KEY, [("**", Ones())])
    assert not drawn.weak.weak_type
    leaves = ei.select(drawn, "**").get()
    assert not any(leaf.weak_type for leaf in leaves if isinstance(leaf, jax.Array))


def test_nobodys_buffer_is_handed_out():
    value = jnp.ones((2, 3))
    model = nn.Linear(3, 2, key=KEY)
    drawn = ei.apply(model, KEY, [("weight", ei.Constant(value))])
    assert drawn.weight is not value
    again = ei.apply(model, KEY, [("weight", ei.Constant(value))])
    assert again.weight is not drawn.weight
    # The draw may be donated and deleted without harm to the constant.
    drawn.weight.delete()
    assert np.array_equal(again.weight, value)


def test_applying_twice_does_not_compound():
    rules = [Rule(nn.Linear, weight=HeNormal(), bias=Zeros())]
    once = ei.apply(MODEL, KEY, rules)
    assert eqx.tree_equal(ei.apply(once, KEY, rules), once)


def test_scalars_and_plain_trees():
    for model in (jnp.ones(()), [jnp.ones(2), {"a": jnp.ones(())}], (np.ones(3),)):
        drawn = ei.apply(model, KEY, [("**", Normal())])
        assert jtu.tree_structure(drawn) == jtu.tree_structure(model)
        assert [kind(x) for x in jtu.tree_leaves(drawn)] == [
            kind(x) for x in jtu.tree_leaves(model)
        ]


@pytest.mark.parametrize("model", [None, [], {}, nn.Identity(), (1, "a", jnp.tanh)])
def test_models_without_parameters(model: Any):
    assert ei.apply(model, KEY, []) is model
    assert len(ei.plan(model, [])) == 0
    with pytest.raises(ValueError, match="matches nothing"):
        ei.apply(model, KEY, [("**", Zeros())])


def test_dtypes_of_eight_bits():
    for dtype in (jnp.float8_e4m3fn, jnp.float8_e5m2):
        model = {"w": jnp.zeros((4, 4), dtype)}
        drawn = ei.apply(model, KEY, [("w", Normal(1.0))])
        wanted = ei.apply({"w": jnp.zeros((4, 4))}, KEY, [("w", Normal(1.0))])
        assert drawn["w"].dtype == dtype
        assert np.array_equal(drawn["w"], wanted["w"].astype(dtype))


def test_empty_tuples_are_no_leaves():
    # Equinox's `tree_at` shows its `where` a tree in which they are: a choice by
    # position then falls on the wrong leaf, silently.
    model = [(), jnp.zeros(2), nn.Sequential(()), {"a": (), "b": jnp.zeros(3)}]
    drawn = ei.apply(model, KEY, [("3.b", Ones())])
    assert jtu.tree_structure(drawn) == jtu.tree_structure(model)
    assert drawn[1] is model[1]
    assert np.array_equal(drawn[3]["b"], np.ones(3))


# Any tree of containers and modules.


class Pair(eqx.Module):
    left: Any
    right: Any


class Named(NamedTuple):
    first: Any
    second: Any


class NoFields(NamedTuple):
    pass


class Only(NamedTuple):
    one: Any


def test_a_named_tuple_of_one_field_is_no_leaf():
    model = [Only(jnp.ones(2)), jax.sharding.PartitionSpec("x")]
    assert ei.select(model, "**").paths == ("0.one",)


KEYS = st.text("ab.*\\/ 0é", min_size=1, max_size=4)
LEAVES = st.sampled_from(
    [jnp.ones(2), jnp.ones((1, 2)), np.ones(1, np.float32), jnp.arange(2)]
    + [None, 1.5, "text", True, jax.ShapeDtypeStruct((2,), jnp.float32)]
    # A tuple with neither fields nor leaves, and a tuple that is a leaf.
    + [NoFields(), jax.sharding.PartitionSpec("x")]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.builds(Pair, inner, inner),
        st.builds(Named, inner, inner),
        st.builds(nn.Sequential, st.lists(st.builds(Pair, inner, inner), max_size=2)),
    ),
    max_leaves=12,
)
ANY_TREE = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # a fixed suite: a law of algebra, and no flaky CI
    suppress_health_check=[HealthCheck.too_slow],
)


@ANY_TREE
@given(TREES)
def test_any_tree_is_walked_like_its_leaves(tree: Any):
    sites = read(tree)
    leaves = jtu.tree_leaves(tree)
    wanted = [leaf for leaf in leaves if is_parameter(leaf)]
    assert len(sites.parameters) == len(wanted)
    for site, leaf in zip(sites.parameters, wanted, strict=True):
        assert site.leaf is leaf
        assert leaves[site.position] is leaf


@pytest.mark.thorough
@ANY_TREE
@given(TREES)
def test_any_paths_are_unique_and_found(tree: Any):
    paths = [site.path for site in read(tree).parameters]
    assert len(set(paths)) == len(paths)
    for path in paths:
        # A path is a glob for itself, once its own stars are spelled as one character.
        glob = path.replace("*", "?")
        if "*" not in path and "?" not in path:
            assert path in ei.select(tree, glob).paths


@ANY_TREE
@given(TREES)
def test_any_selection_sets_its_leaves_and_no_other(tree: Any):
    sites = read(tree).parameters[::2]
    positions = {site.position for site in sites}
    chosen = ei.Filter(lambda site: site.position in positions)
    selection = ei.select(tree, chosen, optional=True)
    mask = jtu.tree_leaves(selection.mask(), is_leaf=lambda x: isinstance(x, bool))
    assert [i for i, hit in enumerate(mask) if hit] == sorted(positions)
    done = selection.set([jnp.zeros(s.shape, s.dtype) for s in sites])
    assert jtu.tree_structure(done) == jtu.tree_structure(tree)
    pairs = zip(jtu.tree_leaves(tree), jtu.tree_leaves(done), strict=True)
    for i, (old, new) in enumerate(pairs):
        assert (new is old) is (i not in positions)
