"""Which axes run over the same units: certain, or frozen."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from small_models import MODELS, assert_same_outputs, randomised
from unit_cases import CASES, TOLD_APART, normal, tell_apart

from eqinit import surgery


def free(model, call, *args):
    groups = surgery.unit_groups(model, call, *args).free
    return [{(m.path, m.axis, str(m.pattern)) for m in g.members} for g in groups]


@pytest.mark.parametrize("name", CASES)
def test_groups_are_those_that_one_finds_by_hand(name: str):
    model, call, args, wanted = CASES[name]()
    got = free(model, call, *args)
    assert len(got) == len(wanted)
    assert all(group in got for group in wanted), got


@pytest.mark.parametrize("name", CASES)
def test_units_of_every_group_can_be_moved(name: str):
    model, call, args, _ = CASES[name]()
    for number, group in enumerate(surgery.unit_groups(model, call, *args).free):
        order = np.roll(np.arange(group.size), 1)
        moved, record = surgery.permute(model, group, order, call, *args, record=True)
        assert_same_outputs(call(model, *args), call(moved, *args))
        assert not eqx.tree_equal(moved, model), number
        assert eqx.tree_equal(record.undo(moved), model)


@pytest.mark.parametrize("name", TOLD_APART)
def test_units_that_are_told_apart_are_frozen(name: str):
    model, call, args = tell_apart(TOLD_APART[name])
    assert free(model, call, *args) == []
    # And rightly so.
    order = jnp.array([3, 0, 4, 5, 1, 2])
    moved = {"a": model["a"][order], "b": model["b"][:, order]}
    gap = jnp.abs(call(model, *args) - call(moved, *args)).max()
    assert gap > 1e-3


def test_what_happens_to_each_unit_freezes_none():
    for fn in (jnp.tanh, jax.nn.softmax, lambda h: h / h.std() + h.max()):
        model, call, args = tell_apart(fn)
        assert free(model, call, *args) == [{("a", 0, "unit"), ("b", 1, "unit")}]


def test_a_residual_stream_is_one_group():
    make, call, x = MODELS["transformer"]
    groups = surgery.unit_groups(make(), call, x())
    (stream,) = groups.of("embed.weight", 1)
    wanted = {("embed.weight", 1), ("positions", 1), ("head.weight", 1)}
    wanted |= {("norm.weight", 0), ("norm.bias", 0)}
    for block in ("blocks.0", "blocks.1"):
        wanted |= {(f"{block}.attn.{n}_proj.weight", 1) for n in ("query", "key")}
        wanted |= {(f"{block}.attn.value_proj.weight", 1), (f"{block}.up.weight", 1)}
        wanted |= {(f"{block}.norm1.weight", 0), (f"{block}.norm1.bias", 0)}
        wanted |= {(f"{block}.norm2.weight", 0), (f"{block}.norm2.bias", 0)}
        wanted |= {(f"{block}.attn.output_proj.weight", 0), (f"{block}.down.bias", 0)}
        wanted |= {(f"{block}.attn.output_proj.bias", 0), (f"{block}.down.weight", 0)}
    assert {(m.path, m.axis) for m in stream.members} == wanted
    assert stream.summed  # by the norms
    heads, entries = groups.of("blocks.1.attn.query_proj.weight", 0)
    assert (heads.size, entries.size) == (2, 4)
    assert {m.path.split(".")[3] for m in heads.members} == {
        *("query_proj", "key_proj", "value_proj", "output_proj")
    }


def test_running_statistics_are_members():
    make, call, x = MODELS["cnn"]
    groups = surgery.unit_groups(make(), call, x())
    (channels,) = groups.of("conv1.weight", 0)
    paths = [m.path for m in channels.members]
    assert sum(path.startswith("state") for path in paths) == 2
    assert {"norm1.weight", "depthwise.weight", "depthwise.bias"} <= set(paths)
    (last,) = groups.of("conv2.weight", 0)
    (read,) = [m for m in last.members if m.path == "head.weight"]
    assert str(read.pattern) == "unit 2 2"
    assert read.way == "in"


class Net(eqx.Module):
    """Residual blocks with batch norm, of two widths."""

    stem: eqx.nn.Conv2d
    first: eqx.nn.Conv2d
    norm: eqx.nn.BatchNorm
    second: eqx.nn.Conv2d
    shortcut: eqx.nn.Conv2d
    down: eqx.nn.Conv2d
    head: eqx.nn.Linear

    def __init__(self, key):
        keys = jr.split(key, 6)
        self.stem = eqx.nn.Conv2d(3, 4, 3, padding=1, key=keys[0])
        self.first = eqx.nn.Conv2d(4, 5, 3, padding=1, key=keys[1])
        self.norm = eqx.nn.BatchNorm(5, "batch", mode="batch")
        self.second = eqx.nn.Conv2d(5, 4, 3, padding=1, key=keys[2])
        self.shortcut = eqx.nn.Conv2d(4, 6, 1, 2, key=keys[3])
        self.down = eqx.nn.Conv2d(4, 6, 3, 2, padding=1, key=keys[4])
        self.head = eqx.nn.Linear(6, 2, key=keys[5])

    def __call__(self, x, state):
        x = self.stem(x)
        y, state = self.norm(self.first(jax.nn.relu(x)), state)
        x = x + self.second(jax.nn.relu(y))
        x = jax.nn.relu(self.shortcut(x) + self.down(x))
        return self.head(x.mean((1, 2))), state


def test_a_residual_net():
    model, state = eqx.nn.make_with_state(Net)(jr.key(0))
    tree = (randomised(eqx.nn.inference_mode(model), ("norm",)), state)

    def call(tree, x):
        model, state = tree
        return jax.vmap(lambda one: model(one, state)[0])(x)

    x = jr.normal(jr.key(1), (2, 3, 6, 6))
    kernels = [
        {(p, a) for p, a, _ in group if p.endswith("weight") and "norm" not in p}
        for group in free(tree, call, x)
    ]
    first, second, third = kernels
    assert first == {
        *(("stem.weight", 0), ("first.weight", 1), ("second.weight", 0)),
        *(("shortcut.weight", 1), ("down.weight", 1)),
    }
    assert second == {("first.weight", 0), ("second.weight", 1)}
    assert third == {("shortcut.weight", 0), ("down.weight", 0), ("head.weight", 1)}
    narrow = surgery.prune(tree, "stem", [0, 2, 3], call, x)
    fields = narrow[0].stem.out_channels, narrow[0].down.in_channels
    assert (*fields, narrow[0].second.out_channels) == (3, 3, 3)


def test_a_state_that_comes_back_freezes_nothing():
    make, call, x = MODELS["cnn"]

    def both(tree, x):
        model, state = tree
        _, after = model(x[0], state)
        return call(tree, x), after

    assert free(make(), both, x()) == free(make(), call, x())


def test_groups_print():
    make, call, x = MODELS["lstm"]
    text = str(surgery.unit_groups(make(), call, x()))
    assert "cell.weight_hh  0     6      4 times unit  out  cell.weight_ih[0]" in text
    assert "is an input of the call" in text
    rows = surgery.unit_groups(make(), call, x()).to_dict()["rows"]
    assert {row["size"] for row in rows} == {2, 3, 6}


def test_shapes_will_do():
    make, call, x = MODELS["transformer"]
    model = make()
    skeleton = eqx.filter_eval_shape(lambda: model)
    shape = jax.ShapeDtypeStruct(x().shape, x().dtype)
    assert free(skeleton, call, shape) == free(model, call, x())


def test_the_axis_that_is_sorted_need_not_be_the_last():
    model = {"a": normal(2, 3, seed=1), "b": normal(4, 2, seed=2)}

    def largest(m, x):
        h = jnp.einsum("ai,it->at", m["a"], x)
        top = _top_k(h, 1, 0)[1]
        return (m["b"] @ h) * top.astype(h.dtype)

    assert free(model, largest, normal(3, 5)) == []


def _top_k(h, k: int, axis: int):
    """Also where jax has no `axis` yet."""
    try:
        return jax.lax.top_k(h, k, axis=axis)
    except TypeError:
        return [jnp.moveaxis(x, -1, axis) for x in jax.lax.top_k(h.T, k)]


class Tied(eqx.Module):
    pair: eqx.nn.Shared
    middle: eqx.nn.Linear

    def __init__(self, key):
        keys = jr.split(key, 3)
        pair = eqx.nn.Embedding(5, 4, key=keys[0]), eqx.nn.Linear(4, 5, key=keys[1])
        self.pair = eqx.nn.Shared(pair, lambda m: m[1].weight, lambda m: m[0].weight)
        self.middle = eqx.nn.Linear(4, 4, key=keys[2])

    def __call__(self, token):
        embed, head = self.pair()
        x = embed(token)
        return head(x + self.middle(x))


def test_a_head_that_is_tied_follows():
    old, tokens = Tied(jr.key(0)), jnp.array([1, 3])

    def call(model, tokens):
        return jax.vmap(model)(tokens)

    (group,) = surgery.unit_groups(old, call, tokens).free
    assert {m.path for m in group.members} == {
        *("pair.pytree.0.weight", "middle.weight", "middle.bias")
    }
    new = surgery.prune(old, "pair.pytree.0", [0, 1, 3], call, tokens)
    embed, head = new.pair.pytree
    sizes = embed.embedding_size, head.in_features, head.out_features
    assert sizes == (3, 3, 5)
    assert new.middle.in_features == new.middle.out_features == 3
    assert call(new, tokens).shape == (2, 5)


def test_groups_of_a_stack_print_how_many_layers_they_are_of():
    def block(key):
        return eqx.nn.MLP(4, 4, 8, 1, key=key)

    def call(model, x):
        arrays, rest = eqx.partition(model, eqx.is_array)
        return jax.lax.scan(lambda x, a: (eqx.combine(a, rest)(x), None), x, arrays)[0]

    blocks = eqx.filter_vmap(block)(jr.split(jr.key(0), 3))
    groups = surgery.unit_groups(blocks, call, jnp.ones(4))
    (group,) = groups.of("layers.0.weight", 1)
    heads, *rows = str(groups).splitlines()
    column = heads.split().index("layers")
    (row,) = (row for row in rows if row.startswith("layers.0.bias"))
    assert group.layers == 3
    assert row.split()[column] == "3"


def test_a_kernel_that_is_transposed_is_read_along_its_other_axis():
    model = {"w": jnp.ones((5, 3)), "v": jnp.ones((2, 5))}

    def call(m, x):
        return jax.nn.relu(x @ m["w"].T) @ m["v"].T

    groups = surgery.unit_groups(model, call, jnp.ones((4, 3)))
    ways = {(m.path, m.axis): m.way for group in groups.groups for m in group.members}
    assert ways == {("w", 0): "out", ("w", 1): "in", ("v", 0): "out", ("v", 1): "in"}
