"""More units and fewer of them: what must not change does not."""

import re
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from small_models import (
    MODELS as EAGER,
    assert_learns,
    assert_same_outputs,
    assert_sound,
    call as eager,
    gradient,
    mlp,
)
from unit_cases import CASES

from eqinit import surgery


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


KEY = jr.key(4)

# Compiled, or every operation of every model would be compiled alone.
MODELS = {n: (m, eqx.filter_jit(run), x) for n, (m, run, x) in EAGER.items()}
call = eqx.filter_jit(eager)

# Of every model: layers, and how many units they have.
LAYERS = [
    ("mlp", "layers.0", 8),
    ("mlp", "layers.1", 8),
    ("cnn", "conv1", 6),
    ("cnn", "conv2", 4),
    ("transformer", "embed", 8),
    ("transformer", "blocks.0.attn", 2),
    ("transformer", "blocks.1.up", 12),
    ("scanned", "embed", 8),
    ("scanned", "blocks.attn", 2),
    ("scanned", "blocks.up", 12),
    ("lstm", "cell", 6),
]
SUMMED = ("embed",)
# What is of the same kind as another one takes its time elsewhere.
SLOW = ("layers.1", "blocks.1.up", "blocks.attn", "blocks.up")
CHOSEN = [
    pytest.param(*row, marks=[pytest.mark.slow] if row[1] in SLOW else [])
    for row in LAYERS
]


def more(layer: str, size: int) -> int:
    return 2 * size if layer in SUMMED else size + 3


def momentum(grads, power: int = 1):
    """A state that has seen one gradient: its sum, or that of its squares."""
    optimiser = optax.trace(0.9) if power == 1 else optax.scale_by_rss(0.0)
    params = eqx.filter(model_of(grads), eqx.is_inexact_array)
    return optimiser.update(params, optimiser.init(params))[1]


def model_of(tree):
    return tree[0] if isinstance(tree, tuple) else tree


@pytest.mark.first_case
@pytest.mark.parametrize(("name", "layer", "size"), CHOSEN)
def test_a_wider_model_computes_what_it_did(name: str, layer: str, size: int):
    make, run, x = MODELS[name]
    units = more(layer, size)
    new, record = surgery.widen(make(), layer, units, KEY, run, x(), record=True)
    assert_same_outputs(run(make(), x()), run(new, x()))
    assert_sound(new, run, x())
    assert f"{size} -> {units} units" in str(record)
    if name in ("mlp", "lstm"):
        assert_learns(new, run, x())


def grads_of(tree, run, *args):
    params, rest = eqx.partition(tree, eqx.is_inexact_array)
    return model_of(jax.jit(gradient(rest, run))(params, *args))


@pytest.mark.first_case
@pytest.mark.parametrize(
    ("name", "layer", "noise"),
    [
        ("mlp", "layers.0", 0.3),
        ("cnn", "conv1", 0.3),
        ("lstm", "cell", 0.3),
        pytest.param("transformer", "blocks.0.attn", 0.3, marks=pytest.mark.slow),
        # The share of a copy in what a norm sees is the same for all of them.
        pytest.param("scanned", "embed", 0.0, marks=pytest.mark.slow),
    ],
)
def test_moments_of_copies_are_what_their_gradients_would_be(
    name: str, layer: str, noise: float
):
    make, run, x = MODELS[name]
    size = {layer: n for m, layer, n in LAYERS if m == name}[layer]
    old = make()
    new, record = surgery.widen(
        old, layer, more(layer, size), KEY, run, x(), noise=noise, record=True
    )
    grads = [grads_of(tree, run, x()) for tree in (old, new)]
    for power in (1, 2):
        before, wanted = (momentum(g, power) for g in grads)
        got = record.apply_to(before)
        assert jax.tree.structure(got) == jax.tree.structure(wanted)
        most = max(float(jnp.abs(w).max()) for w in jax.tree.leaves(wanted))
        for g, w in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
            # Sums of a few hundred products, in another order.
            np.testing.assert_allclose(g, w, rtol=1e-3, atol=1e-5 * most)


def test_copies_part_unless_they_share_alike():
    old, x = mlp(), MODELS["mlp"][2]()
    for noise in (0.0, 0.5):
        new = surgery.widen(old, "layers.0", 12, KEY, call, x, noise=noise)
        rows, readers = (
            np.asarray(new.layers[0].weight),
            np.asarray(new.layers[1].weight.T),
        )
        pairs = [
            (i, j) for i in range(8) for j in range(8, 12) if (rows[i] == rows[j]).all()
        ]
        assert len(pairs) == 4
        same = [np.array_equal(readers[i], readers[j]) for i, j in pairs]
        assert all(same) if noise == 0 else not any(same)


@pytest.mark.first_case
@pytest.mark.parametrize(("name", "layer", "size"), CHOSEN)
def test_units_that_nobody_reads_can_go(name: str, layer: str, size: int):
    make, run, x = MODELS[name]
    keep = sorted({*range(size)} - {1})
    old = make()
    if layer not in SUMMED:
        old = silenced(old, run, x(), layer, 1)
    new, record = surgery.prune(old, layer, keep, run, x(), record=True)
    assert_sound(new, run, x())
    if layer not in SUMMED:
        assert_same_outputs(run(old, x()), run(new, x()))
    after = record.apply_to(momentum(old))
    wanted = momentum(new)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, wanted)
    bools = np.arange(size) != 1
    assert eqx.tree_equal(surgery.prune(old, layer, bools, run, x()), new)


def silenced(tree, run, x, layer: str, unit: int):
    """Zeros in every kernel that reads one unit, found by the values they multiply."""
    model = model_of(tree)
    readers = {
        "layers.0": lambda m: [(m.layers[1], 1)],
        "layers.1": lambda m: [(m.layers[2], 1)],
        "conv1": lambda m: [(m.conv2, 1)],
        "conv2": lambda m: [(m.head, 4)],
        "blocks.0.attn": lambda m: [(m.blocks[0].attn.output_proj, 4)],
        "blocks.1.up": lambda m: [(m.blocks[1].down, 1)],
        "blocks.attn": lambda m: [(m.blocks.attn.output_proj, 4)],
        "blocks.up": lambda m: [(m.blocks.down, 1)],
        "cell": lambda m: [(m.head, 1)],
    }[layer]

    def without(node, block):
        axis = 1 if node.weight.ndim != 3 else 2
        rows = jnp.arange(node.weight.shape[axis]) // block != unit
        shape = [-1 if i == axis else 1 for i in range(node.weight.ndim)]
        return node.weight * rows.reshape(shape).astype(node.weight.dtype)

    new = eqx.tree_at(
        lambda m: [node.weight for node, _ in readers(m)],
        model,
        [without(node, block) for node, block in readers(model)],
    )
    if layer == "cell":
        hidden = new.cell.weight_hh.at[:, unit].set(0.0)
        new = eqx.tree_at(lambda m: m.cell.weight_hh, new, hidden)
    return new if model is tree else (new, tree[1])


def test_heads_go_as_a_whole():
    make, run, x = MODELS["transformer"]
    new = surgery.prune(make(), "blocks.0.attn", [1], run, x())
    attn, old = new.blocks[0].attn, make().blocks[0].attn
    assert (attn.num_heads, attn.qk_size, attn.vo_size, attn.query_size) == (1, 4, 4, 8)
    assert jnp.array_equal(attn.query_proj.weight, old.query_proj.weight[4:])
    assert jnp.array_equal(attn.output_proj.weight, old.output_proj.weight[:, 4:])
    assert new.blocks[1].attn.num_heads == 2
    three = surgery.widen(make(), "blocks.0.attn", 3, KEY, run, x())
    assert (three.blocks[0].attn.num_heads, three.blocks[0].attn.qk_size) == (3, 4)


def test_fields_of_layers_follow():
    make, run, x = MODELS["cnn"]
    model, _ = surgery.prune(make(), "conv1", [0, 2, 5], run, x())
    convolution = model.depthwise
    assert (convolution.groups, convolution.in_channels) == (3, 3)
    assert (model.norm1.input_size, model.conv2.in_channels) == (3, 3)
    model, _ = surgery.prune(make(), "conv2", [0, 2, 3], run, x())
    assert (model.norm2.input_size, model.head.in_features) == (3, 12)
    make, run, x = MODELS["transformer"]
    model = surgery.prune(make(), "embed", range(0, 8, 2), run, x())
    assert model.norm.shape == model.blocks[1].norm2.shape == (4,)
    assert model.embed.embedding_size == model.head.in_features == 4
    assert model.blocks[0].attn.output_size == 4
    wide = surgery.widen(mlp(), "layers.0", 9, KEY, call, MODELS["mlp"][2]())
    assert (wide.layers[0].out_features, wide.layers[1].in_features) == (9, 9)
    both = surgery.widen(wide, "layers.1", 9, KEY, call, MODELS["mlp"][2]())
    assert both.width_size == 9


class Attention(eqx.Module):
    """With sizes in fields of its own."""

    qkv: jax.Array
    out: eqx.nn.Linear
    num_heads: int = eqx.field(static=True)
    head_size: int = eqx.field(static=True)

    def __init__(self, key):
        self.qkv = jr.normal(key, (36, 5)) / 3
        self.out = eqx.nn.Linear(12, 5, key=key)
        self.num_heads, self.head_size = 3, 4

    def __call__(self, x):
        shape = (len(x), 3, self.num_heads, self.head_size)
        q, k, v = jnp.moveaxis((x @ self.qkv.T).reshape(shape), 1, 0)
        weights = jax.nn.softmax(jnp.einsum("shd,thd->hst", q, k))
        mixed = jnp.einsum("hst,thd->shd", weights, v)
        return jax.vmap(self.out)(mixed.reshape(len(x), -1))


def test_fields_that_nobody_knows_follow_where_the_call_needs_them():
    old, x = Attention(KEY), jr.normal(KEY, (6, 5))
    groups = surgery.unit_groups(old, lambda m, x: m(x), x).of("qkv", 0)
    # Which of query, key and value it is may be an index, and so a third group.
    heads, entries = (group for group in groups if not group.frozen)
    new = surgery.widen(old, heads, 4, KEY, lambda m, x: m(x), x)
    assert (new.num_heads, new.head_size, new.qkv.shape) == (4, 4, (48, 5))
    assert new.out.in_features == 16
    assert_same_outputs(old(x), new(x))
    fewer = surgery.prune(old, entries, [0, 2], lambda m, x: m(x), x)
    assert (fewer.num_heads, fewer.head_size, fewer.qkv.shape) == (3, 2, (18, 5))

    def fixed(model, x):
        return Attention.__call__(SimpleNamespace(**vars(model) | {"num_heads": 3}), x)

    with pytest.raises(ValueError, match="the call does not run any more"):
        surgery.prune(old, "", [0, 2], fixed, x)


@pytest.mark.parametrize(
    "name",
    [
        *("glu", "recurrent"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("skips", "grouped", "flattened")
        ),
    ],
)
def test_hard_cases_are_widened_and_pruned(name: str):
    model, run, args, _ = CASES[name]()
    for group in surgery.unit_groups(model, run, *args).free:
        sum_over = group.summed or name == "grouped"
        units = 2 * group.size if sum_over else group.size + 1
        try:
            wide = surgery.widen(model, group, units, KEY, run, *args)
        except ValueError as error:
            # Numbers in the code of these small models are not ours to change.
            assert "the call does not run any more" in str(error)  # noqa: PT017
            continue
        assert_same_outputs(run(model, *args), run(wide, *args))
        fewer = surgery.prune(model, group, range(1, group.size), run, *args)
        shapes = [run(m, *args).shape for m in (model, fewer)]
        assert shapes[0] == shapes[1]


def test_scores_by_magnitude_and_by_gradient():
    old, x = mlp(), MODELS["mlp"][2]()
    got = surgery.unit_scores(old, "layers.0", call, x)
    first, second = old.layers[:2]
    wanted = (first.weight**2).sum(1) + first.bias**2 + (second.weight**2).sum(0)
    np.testing.assert_allclose(got, jnp.sqrt(wanted), rtol=1e-5)

    def scaled(scale):
        weights = first.weight * scale[:, None], second.weight * scale[None]
        where = lambda m: [m.layers[0].weight, m.layers[0].bias, m.layers[1].weight]  # noqa: E731
        new = [weights[0], first.bias * scale, weights[1]]
        return (call(eqx.tree_at(where, old, new), x) ** 2).sum()

    slope = jax.grad(scaled)(jnp.ones(8))
    grads = eqx.filter_grad(lambda m: (call(m, x) ** 2).sum())(old)
    got = surgery.unit_scores(old, "layers.0", call, x, gradient=grads)
    np.testing.assert_allclose(got, jnp.abs(slope), rtol=1e-4, atol=1e-5)


def test_entries_between_a_unit_and_itself_count_once():
    make, run, x = MODELS["lstm"]
    old = make()
    got = surgery.unit_scores(old, "cell", run, x())
    square = np.asarray(old.cell.weight_hh.reshape(4, 6, 6)) ** 2
    own = np.einsum("guu->u", square)
    wanted = square.sum((0, 2)) + square.sum((0, 1)) - own
    wanted += np.asarray(old.cell.weight_ih.reshape(4, 6, 3) ** 2).sum((0, 2))
    wanted += np.asarray(old.cell.bias.reshape(4, 6) ** 2).sum(0)
    wanted += np.asarray(old.head.weight**2).sum(0)
    np.testing.assert_allclose(got, np.sqrt(wanted), rtol=1e-5)


def wrong_calls():
    x = MODELS["mlp"][2]()
    t = MODELS["transformer"]
    tied, run, args, _ = CASES["tied"]()
    group = surgery.unit_groups(tied, run, *args).free[0]
    whole = mlp()
    skeleton = eqx.filter_eval_shape(lambda: whole)
    return {
        "output": (
            lambda: surgery.widen(mlp(), "layers.2", 9, KEY, call, x),
            "got `layers.2`, whose units have to stay: the axis is an output",
        ),
        "fewer": (
            lambda: surgery.widen(mlp(), "layers.0", 8, KEY, call, x),
            "for the 8 units of `layers.0.weight[0]`: it takes more units, such as 16",
        ),
        "norm": (
            lambda: surgery.widen(t[0](), "embed", 9, KEY, t[1], t[2]()),
            "over which norms or other sums run",
        ),
        "tied": (
            lambda: surgery.widen(tied, group, 8, KEY, run, *args),
            "`embed` both makes and reads them",
        ),
        "several": (
            lambda: surgery.prune(t[0](), "blocks.0", [0], t[1], t[2]()),
            "which makes 3 kinds of units",
        ),
        "other": (
            lambda: surgery.prune(mlp(), group, [0], call, x),
            "of another model, or of the model as it was",
        ),
        "shapes": (
            lambda: surgery.prune(skeleton, "layers.0", [0], call, x),
            "prune works on values, and this model has shapes alone",
        ),
        "shapes to recycle": (
            lambda: surgery.recycle(skeleton, KEY, [], "layers.0", [True] * 8, call, x),
            "recycle works on values, and this model has shapes alone",
        ),
        "shapes to permute": (
            lambda: surgery.permute(skeleton, "layers.0", range(8), call, x),
            "permute works on values, and this model has shapes alone",
        ),
        "none": (
            lambda: surgery.prune(mlp(), "layers.0", [], call, x),
            "it takes different numbers from 0 to 7",
        ),
        "twice": (
            lambda: surgery.prune(mlp(), "layers.0", [1, 1], call, x),
            "it takes different numbers from 0 to 7",
        ),
        "order": (
            lambda: surgery.permute(mlp(), "layers.0", [0, 1], call, x),
            "which is no order of the 8 units",
        ),
        "gradient": (
            lambda: surgery.unit_scores(
                mlp(), "layers.0", call, x, gradient=mlp(width=9)
            ),
            "wants a gradient of `layers.0.weight`, of shape [8, 3], and got [9, 3]",
        ),
    }


@pytest.mark.parametrize("name", wrong_calls())
def test_wrong_calls_say_what_to_do(name: str):
    do, text = wrong_calls()[name]
    with pytest.raises(ValueError, match=re.escape(text)):
        do()


def test_scores_of_attention_would_change():
    make, run, x = MODELS["transformer"]
    groups = surgery.unit_groups(make(), run, x())
    _, entries = groups.of("blocks.0.attn.query_proj.weight", 0)
    with pytest.raises(ValueError, match="to leave what `call` returns as it is"):
        surgery.widen(make(), entries, 8, KEY, run, x())


def normed(number: int):
    """With a layer whose kernel is kept as lengths and directions."""
    layers = mlp().layers
    return eqx.tree_at(
        lambda m: m.layers[number], mlp(), eqx.nn.WeightNorm(layers[number])
    )


def test_a_kernel_in_another_form_is_widened_or_to_be_baked():
    x = MODELS["mlp"][2]()
    makes, reads = normed(0), normed(1)
    wide = surgery.widen(makes, "layers.0", 9, KEY, call, x)
    assert_same_outputs(call(makes, x), call(wide, x))
    for units in (9, 16):
        with pytest.raises(ValueError, match=r"`surgery\.bake\(model\)`\.$") as caught:
            surgery.widen(reads, "layers.0", units, KEY, call, x)
        assert "`layers.1.layer.weight` is kept in a WeightNorm" in str(caught.value)
    baked = surgery.bake(reads)
    wide = surgery.widen(baked, "layers.0", 9, KEY, call, x)
    assert_same_outputs(call(reads, x), call(wide, x))
