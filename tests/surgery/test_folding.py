"""Folded, fused and baked models compute what they did, with fewer parameters."""

import itertools
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from small_models import (
    MODELS,
    assert_learns,
    assert_same_outputs,
    assert_sound,
    call,
    call_cnn,
    cnn,
    mlp,
    scanned,
    transformer,
)

import eqinit as ei
from eqinit import surgery


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


nn = eqx.nn
KEY = jr.key(6)
IMAGES = MODELS["cnn"][2]()
TOKENS = MODELS["transformer"][2]()
PAIRS = {"norm1": "conv1", "norm2": "conv2"}


def states(model) -> int:
    return len(jax.tree.leaves(model[1]))


def test_batch_norms_are_folded_into_convolutions():
    old = cnn()
    new, record = surgery.fold_batch_norm(
        old, PAIRS, call=call_cnn, args=(IMAGES,), record=True
    )
    assert_same_outputs(call_cnn(old, IMAGES), call_cnn(new, IMAGES))
    assert isinstance(new[0].norm1, surgery.PassState)
    assert new[0].conv2.use_bias
    assert states(old) == 6
    assert states(new) == 0
    assert_sound(new, call_cnn, IMAGES)
    rows = {row.path: (row.what, row.before, row.after) for row in record.rows}
    assert rows["norm2.bias"] == ("folded into conv2", "f32[4]", "")
    assert rows["conv2.bias"] == ("norm2 folded in", "", "f32[4,1,1]")
    with pytest.raises(ValueError, match="cannot be taken back"):
        record.undo(new)


def test_norms_of_a_sequence_are_found():
    @nn.make_with_state
    def make():
        return nn.Sequential(
            [
                nn.ConvTranspose1d(2, 4, 3, groups=2, use_bias=False, key=KEY),
                nn.BatchNorm(4, "batch", mode="batch"),
                nn.Lambda(jax.nn.relu),
                nn.Lambda(jnp.ravel),
                nn.Linear(20, 3, key=KEY),
                nn.BatchNorm(3, "batch", channelwise_affine=False, mode="batch"),
            ]
        )

    model, state = make()
    x = jr.normal(KEY, (8, 2, 3))
    run = jax.vmap(model, (0, None), (0, None), axis_name="batch")
    for _ in range(3):
        _, state = run(x, state)
    old = (nn.inference_mode(model), state)

    def outputs(tree, x):
        return jax.vmap(tree[0], (0, None), (0, None))(x, tree[1])[0]

    new = surgery.fold_batch_norm(old, call=outputs, args=(x,))
    assert states(new) == 0
    assert_same_outputs(outputs(old, x), outputs(new, x))


def test_folding_what_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="stands behind a layer"):
        surgery.fold_batch_norm(cnn())
    with pytest.raises(ValueError, match=r"takes a `\(model, state\)` tuple"):
        surgery.fold_batch_norm(cnn()[0], PAIRS)
    with pytest.raises(ValueError, match="`norm1` has 6 channels and `conv2` 4"):
        surgery.fold_batch_norm(cnn(), {"norm1": "conv2"})
    with pytest.raises(ValueError, match="`bn` matches no norm"):
        surgery.fold_batch_norm(cnn(), {"bn": "conv2"})
    fresh = nn.make_with_state(type(cnn()[0]))(KEY)
    with pytest.raises(ValueError, match="`norm2` has seen no batch yet"):
        surgery.fold_batch_norm(fresh, PAIRS)


def test_the_wrong_pair_is_caught_by_the_call():
    # As many channels as the convolution before, and still not its output.
    with pytest.raises(ValueError, match="to leave what `call` returns as it is"):
        surgery.fold_batch_norm(
            cnn(), {"norm1": "depthwise"}, call=call_cnn, args=(IMAGES,)
        )


READERS = {
    "blocks.*.norm1": [f"blocks.*.attn.{n}_proj" for n in ("query", "key", "value")],
    "blocks.*.norm2": "blocks.*.up",
    "norm": "head",
}


def test_gains_of_norms_are_folded_into_what_reads_them():
    old = transformer()
    new, record = surgery.fold_scale(
        old, READERS, call=call, args=(TOKENS,), record=True
    )
    assert_same_outputs(call(old, TOKENS), call(new, TOKENS))
    assert not ei.select(new, ei.Role("scale"), optional=True).count
    block = new.blocks[1]
    assert (block.norm1.use_weight, block.norm1.use_bias) == (False, False)
    assert block.attn.use_key_bias
    assert new.head.use_bias
    assert_sound(new, call, TOKENS)
    assert [r.path for r in record.rows if not r.after] == [
        f"{norm}.{field}"
        for norm in (
            "blocks.0.norm1",
            "blocks.0.norm2",
            "blocks.1.norm1",
            "blocks.1.norm2",
            "norm",
        )
        for field in ("weight", "bias")
    ]


def test_gains_of_a_stack_of_norms():
    old, x = scanned(), MODELS["scanned"][2]()
    readers = {k.replace("*.", ""): v for k, v in READERS.items() if k != "norm"}
    readers = {
        k: [w.replace("*.", "") for w in ([v] if isinstance(v, str) else v)]
        for k, v in readers.items()
    }
    new = surgery.fold_scale(old, readers)
    assert_same_outputs(call(old, x), call(new, x))
    assert new.blocks.norm1.weight is None


def test_a_forgotten_reader_is_caught_by_the_call():
    readers = {"blocks.0.norm1": "blocks.0.attn.query_proj"}
    with pytest.raises(ValueError, match="would change it by"):
        surgery.fold_scale(transformer(), readers, call=call, args=(TOKENS,))


class Grouped(eqx.Module):
    norm: nn.GroupNorm
    conv: nn.Conv1d

    def __init__(self, padding: int):
        self.norm = nn.GroupNorm(2, 4)
        self.norm = eqx.tree_at(lambda n: n.bias, self.norm, jnp.arange(4.0))
        self.conv = nn.Conv1d(4, 3, 3, padding=padding, key=KEY)

    def __call__(self, x):
        return self.conv(self.norm(x))


def test_a_bias_is_not_folded_into_a_padded_convolution():
    x = jr.normal(KEY, (2, 4, 7))
    new = surgery.fold_scale(Grouped(0), {"norm": "conv"}, call=call, args=(x,))
    assert_same_outputs(call(Grouped(0), x), call(new, x))
    assert not new.norm.channelwise_affine
    with pytest.raises(ValueError, match="it pads with zeros"):
        surgery.fold_scale(Grouped(1), {"norm": "conv"})
    with pytest.raises(ValueError, match="it has 12 inputs"):
        surgery.fold_scale(transformer(), {"blocks.0.norm2": "blocks.0.down"})
    with pytest.raises(ValueError, match="no `Linear` and no convolution"):
        surgery.fold_scale(transformer(), {"norm": "embed"})


@pytest.mark.parametrize(
    ("readers", "texts"),
    [
        (
            {"blocks.0.up": "blocks.0.down", "blocks.7.norm1": "blocks.0.up"},
            [
                "fold_scale folds norms, and `readers` goes from the path of each to",
                "\n- `blocks.0.up` is a Linear\n",
                "- `blocks.7.norm1` matches no norm. Did you mean `blocks.0.norm1`?\n",
                "Norms are `blocks.0.norm1`, `blocks.0.norm2`, `blocks.1.norm1`, ",
                ": pass `readers={'blocks.0.norm1': ...}`, with the path of its layer.",
            ],
        ),
        (
            {"norm": "blocks.*.up"},
            ["`readers` maps `norm` to `blocks.*.up`, which has 1 stars for 0"],
        ),
        (
            {"blocks.0.norm1": "blocks.0.norm2"},
            ["into `blocks.0.norm2`: it is an RMSNorm, no `Linear`"],
        ),
    ],
)
def test_readers_of_what_is_no_norm(readers, texts):
    with pytest.raises(ValueError, match=re.escape(texts[0])) as caught:
        surgery.fold_scale(transformer(), readers)
    assert all(text in str(caught.value) for text in texts)
    assert "rename" not in str(caught.value)


def test_pairs_of_what_is_no_batch_norm():
    with pytest.raises(ValueError, match=r"\n- `conv1` is a Conv2d\nNorms are `norm1`"):
        surgery.fold_batch_norm(cnn(), {"conv1": "norm1"})
    with pytest.raises(ValueError, match=r"- `conv1`: \['norm1', 'norm2'\]"):
        surgery.fold_batch_norm(cnn(), {"norm1": "conv1", "norm2": "conv1"})
    with pytest.raises(ValueError, match="This model has no norm that can be folded"):
        surgery.fold_scale(mlp(), {"layers.0": "layers.1"})


def test_a_norm_that_two_patterns_name_is_folded_once():
    old, x = transformer(), TOKENS
    readers = {"blocks.*.norm2": "blocks.*.up", "blocks.0.norm2": "blocks.0.up"}
    new = surgery.fold_scale(old, readers)
    assert_same_outputs(call(old, x), call(new, x))


def test_one_projection_for_three():
    old = transformer()
    new, record = surgery.fuse_qkv(old, call=call, args=(TOKENS,), record=True)
    assert_same_outputs(call(old, TOKENS), call(new, TOKENS))
    attn = new.blocks[0].attn
    assert attn.qkv_proj.weight.shape == (24, 8)
    assert_sound(new, call, TOKENS)
    back, again = surgery.split_qkv(new, call=call, args=(TOKENS,), record=True)
    assert_same_outputs(call(old, TOKENS), call(back, TOKENS))
    assert back.blocks[0].attn.use_value_bias
    assert eqx.tree_equal(record.undo(new), old)
    assert [row.what for row in again.rows][:2] == ["1 of 3", "1 of 3"]


BIASES = list(itertools.product([False, True], repeat=3))


@pytest.mark.parametrize("biased", BIASES)
def test_undo_gives_back_the_biases_that_there_were(biased: tuple[bool, ...]):
    flags = dict(zip(("query", "key", "value"), biased, strict=True))
    named = {f"use_{name}_bias": flag for name, flag in flags.items()}
    old = {"a": nn.MultiheadAttention(2, 8, **named, key=KEY), "b": nn.Identity()}
    new, record = surgery.fuse_qkv(old, record=True)
    assert eqx.tree_equal(record.undo(new), old)
    back, again = surgery.split_qkv(new, record=True)
    assert eqx.tree_equal(again.undo(back), new)
    assert all(getattr(back["a"], flag) == any(biased) for flag in named)
    if all(biased) or not any(biased):
        return
    # Trained, all parts of the one bias have values, and none may be lost.
    trained = eqx.tree_at(lambda m: m["a"].qkv_proj.bias, new, jnp.ones(24))
    lost = [f"`a.{name}_proj.bias`" for name, flag in flags.items() if not flag]
    with pytest.raises(ValueError, match=re.escape("\n- ".join(lost))) as caught:
        record.undo(trained)
    assert "call `surgery.split_qkv(model)`: it gives a bias" in str(caught.value)
    assert eqx.filter_eval_shape(record.undo, trained) == eqx.filter_eval_shape(
        lambda: old
    )


def test_undo_leaves_what_was_fused_before():
    first = nn.MultiheadAttention(2, 8, key=KEY)
    old = {"a": surgery.fuse_qkv(first), "b": first}
    new, record = surgery.fuse_qkv(old, "b", record=True)
    assert eqx.tree_equal(record.undo(new), old)


@pytest.mark.thorough
def test_one_projection_in_a_stack_and_for_several_inputs():
    old, x = scanned(), MODELS["scanned"][2]()
    new = surgery.fuse_qkv(old, "blocks.attn")
    assert_same_outputs(call(old, x), call(new, x))
    attn = transformer().blocks[0].attn
    fused = surgery.fuse_qkv(attn)
    q, k = jr.normal(KEY, (5, 8)), jr.normal(jr.key(1), (3, 8))
    mask = jnp.ones((5, 3), bool).at[:, 0].set(False)
    assert_same_outputs(attn(q, k, 2 * k, mask), fused(q, k, 2 * k, mask))


def test_moments_are_joined_and_split():
    old = transformer()
    params = eqx.filter(old, eqx.is_inexact_array)
    state = jax.tree.map(lambda x: x + 1.0, optax.sgd(0.1, 0.9).init(params))
    new, record = surgery.fuse_qkv(old, record=True)
    moments = record.apply_to(state)[0].trace
    assert jax.tree.structure(moments) == jax.tree.structure(
        eqx.filter(new, eqx.is_inexact_array)
    )
    bias = moments.blocks[0].attn.qkv_proj.bias
    assert np.array_equal(bias, np.repeat([1.0, 0.0], [8, 16]))
    back, again = surgery.split_qkv(new, record=True)
    moments = again.apply_to(record.apply_to(state))[0].trace
    assert (moments.blocks[1].attn.value_proj.weight == 1).all()
    assert jax.tree.structure(moments) == jax.tree.structure(
        eqx.filter(back, eqx.is_inexact_array)
    )


def test_projections_that_are_not_alike_are_refused():
    layer = nn.MultiheadAttention(2, 8, key_size=4, key=KEY)
    with pytest.raises(ValueError, match="are not alike"):
        surgery.fuse_qkv(layer)
    with pytest.raises(ValueError, match="no parameter of a MultiheadAttention"):
        surgery.fuse_qkv(transformer(), "head")


class Positive(eqx.Module):
    raw: jax.Array


def softplus_inverse(y):
    return y + jnp.log(-jnp.expm1(-y))


ei.register_parametrization(
    Positive, field="raw", forward=jax.nn.softplus, inverse=softplus_inverse
)


def effective(tree):
    """Arrays in place of what stands for them, as such a model would do when called."""
    return jax.tree.map(
        lambda n: jax.nn.softplus(n.raw) if isinstance(n, Positive) else n,
        tree,
        is_leaf=lambda n: isinstance(n, Positive),
    )


def test_weight_norm_and_what_stands_for_an_array_are_baked():
    positive = eqx.tree_at(
        lambda m: m.layers[1].weight, mlp(), replace_fn=lambda w: Positive(w)
    )
    weighted = eqx.tree_at(
        lambda m: m.layers[0], positive, nn.WeightNorm(positive.layers[0])
    )

    def outputs(model, x):
        return call(effective(model), x)

    x = MODELS["mlp"][2]()
    new, record = surgery.bake(weighted, call=outputs, args=(x,), record=True)
    assert type(new.layers[0]) is nn.Linear
    assert eqx.is_array(new.layers[1].weight)
    assert_same_outputs(outputs(weighted, x), call(new, x))
    assert_sound(new, call, x)
    whats = {row.path: row.what for row in record.rows}
    assert whats["layers.0.weight"] == "WeightNorm baked"
    assert whats["layers.0.bias"] == "moved"
    assert whats["layers.1.weight"] == "Positive baked"
    assert whats["layers.0.g"] == "dropped"
    only = surgery.bake(weighted, "layers.1")
    assert isinstance(only.layers[0], nn.WeightNorm)


def test_spectral_norm_is_baked_with_its_state():
    @nn.make_with_state
    def make():
        layers = [
            nn.SpectralNorm(nn.Conv1d(3, 4, 2, key=KEY), "weight", key=KEY),
            nn.Lambda(jnp.tanh),
        ]
        return nn.Sequential(layers)

    model, state = make()
    tree = (nn.inference_mode(model), state)

    def outputs(tree, x):
        return jax.vmap(tree[0], (0, None), (0, None))(x, tree[1])[0]

    x = jr.normal(KEY, (2, 3, 5))
    new = surgery.bake(tree, call=outputs, args=(x,))
    assert type(new[0][0].layer) is nn.Conv1d
    assert states(new) == 0
    assert_same_outputs(outputs(tree, x), outputs(new, x))
    with pytest.raises(ValueError, match=r"needs its state: pass `\(model, state\)`"):
        surgery.bake(model)


def test_a_plain_model_is_not_baked():
    with pytest.raises(ValueError, match=r"selects none\."):
        surgery.bake(mlp())


class RepBlock(eqx.Module):
    wide: nn.Conv2d
    wide_norm: nn.BatchNorm
    point: nn.Conv2d
    point_norm: nn.BatchNorm
    plain: nn.BatchNorm

    def __init__(self, groups: int):
        def conv(size: int, padding: int):
            return nn.Conv2d(
                4, 4, size, padding=padding, groups=groups, use_bias=False, key=KEY
            )

        self.wide, self.point = conv(3, 1), conv(1, 0)
        self.wide_norm, self.point_norm, self.plain = (
            nn.BatchNorm(4, "batch", mode="batch") for _ in range(3)
        )

    def __call__(self, x, state):
        a, state = self.wide_norm(self.wide(x), state)
        b, state = self.point_norm(self.point(x), state)
        c, state = self.plain(x, state)
        return a + b + c, state


@pytest.mark.first_case
@pytest.mark.parametrize("groups", [1, 2])
def test_branches_of_a_block_become_one_convolution(groups: int):
    block, state = nn.make_with_state(RepBlock)(groups)
    x = 1 + jr.normal(KEY, (4, 4, 5, 5))
    run = jax.vmap(block, (0, None), (0, None), axis_name="batch")
    for _ in range(2):
        _, state = run(x, state)
    trained = nn.inference_mode(block)
    wanted, _ = jax.vmap(trained, (0, None), (0, None))(x, state)
    conv = surgery.merge_branches(
        [(block.wide, block.wide_norm), (block.point, block.point_norm), block.plain],
        state,
    )
    assert type(conv) is nn.Conv2d
    assert_same_outputs(wanted, jax.vmap(conv)(x))


@pytest.mark.thorough
def test_branches_of_several_sizes_and_dilations():
    def conv(size, padding, **options):
        return nn.Conv1d(3, 3, size, padding=padding, **options, key=KEY)

    x = jr.normal(KEY, (3, 12))
    parts = [conv(5, 2), conv(3, 1), conv(1, 0)]
    merged = surgery.merge_branches([*parts, nn.Identity()])
    assert_same_outputs(sum(part(x) for part in parts) + x, merged(x))
    dilated = [conv(3, 2, dilation=2), conv(1, 0, dilation=2)]
    merged = surgery.merge_branches(dilated)
    assert_same_outputs(sum(part(x) for part in dilated), merged(x))


@pytest.mark.parametrize(
    "branches, text",
    [
        (lambda c: [c(3, 1), c(3, 1, stride=2)], r"has stride \(2,\), and not \(1,\)"),
        (lambda c: [c(3, 1), c(1, 1)], "is not in its middle"),
        (lambda c: [c(3, 0), c(1, 0)], "is not in its middle"),
        (lambda c: [c(3, 1, stride=2), nn.Identity()], r"has stride \(1,\)"),
        (lambda c: [nn.Identity()], "got no convolution"),
        (lambda c: [(c(3, 1), nn.LayerNorm(3))], "got a pair with a LayerNorm"),
    ],
)
def test_branches_that_are_not_one_convolution(branches, text: str):
    def conv(size, padding, **options):
        return nn.Conv1d(3, 3, size, padding=padding, **options, key=KEY)

    with pytest.raises(ValueError, match=text):
        surgery.merge_branches(branches(conv))


@pytest.mark.slow
def test_folded_models_learn():
    assert_learns(surgery.fold_batch_norm(cnn(), PAIRS), call_cnn, IMAGES)
    assert_learns(surgery.fuse_qkv(transformer()), call, TOKENS)
    assert_learns(surgery.fold_scale(transformer(), READERS), call, TOKENS)
