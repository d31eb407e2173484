"""Vocabularies, heads, positions, channels and dtypes of trained models."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from small_models import (
    MODELS,
    assert_consistent,
    assert_same_outputs,
    assert_sound,
    call,
    cnn,
    scanned,
    transformer,
)

import eqinit as ei
from eqinit import surgery


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


KEY = jr.key(5)
TOKENS = jr.randint(jr.key(9), (2, 6), 0, 7)


@pytest.mark.parametrize("size", [11, 7, 5])
def test_old_tokens_keep_their_logits(size: int):
    old = transformer()
    new = surgery.resize_embedding(old, "embed", size, KEY, heads=["head"])
    assert (new.embed.num_embeddings, new.head.out_features) == (size, size)
    tokens, kept = TOKENS % min(size, 7), min(size, 7)
    wanted, got = call(old, tokens), call(new, tokens)
    assert_same_outputs(wanted[..., :kept], got[..., :kept])
    assert_sound(new, call, tokens)


def test_the_mean_of_the_old_rows_hardly_moves_the_partition_function():
    # A logit of the mean row is the mean logit l, and exp(l) <= the mean of exp.
    old = transformer()
    new = surgery.resize_embedding(old, "embed", 27, KEY, heads=["head"], spread=0)
    before, after = call(old, TOKENS), call(new, TOKENS)
    z = jnp.exp(after).sum(-1) / jnp.exp(before).sum(-1)
    assert (z > 1).all()
    assert (z <= (1 + 20 / 7) * (1 + 1e-5)).all()


def test_new_rows_have_the_mean_and_covariance_of_the_old():
    mix = jr.normal(KEY, (3, 3))
    rows = 2.0 + jr.normal(jr.key(1), (50, 3)) @ mix
    table = eqx.nn.Embedding(weight=rows)
    count = 40_000
    new = surgery.resize_embedding(table, "", 50 + count, KEY, spread=1.0)
    more = np.asarray(new.weight[50:], np.float64)
    mean, covariance = np.mean(rows, 0), np.cov(np.asarray(rows).T, bias=True)
    # A mean deviates by sqrt(c_ii / n), a covariance by sqrt((c_ii c_jj + c_ij^2) / n):
    # twelve numbers at five of those fail once in 150,000 keys.
    diagonal = np.diag(covariance)
    assert (np.abs(more.mean(0) - mean) < 5 * np.sqrt(diagonal / count)).all()
    error = np.sqrt((np.outer(diagonal, diagonal) + covariance**2) / count)
    assert (np.abs(np.cov(more.T, bias=True) - covariance) < 5 * error).all()
    assert jnp.array_equal(new.weight[:50], rows)


class Tied(eqx.Module):
    shared: eqx.nn.Shared

    def __init__(self):
        pair = (eqx.nn.Embedding(7, 4, key=KEY), eqx.nn.Linear(4, 7, key=KEY))
        self.shared = eqx.nn.Shared(pair, lambda p: p[1].weight, lambda p: p[0].weight)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        embed, head = self.shared()
        return jax.vmap(lambda token: head(embed(token)))(tokens)


def test_a_tied_head_follows():
    new, record = surgery.resize_embedding(
        Tied(), "shared.pytree.0", 9, KEY, record=True
    )
    embed, head = new.shared()
    assert head.weight is embed.weight
    assert (head.out_features, head.bias.shape) == (9, (9,))
    assert_consistent(new.shared())
    assert_same_outputs(Tied()(TOKENS[0]), new(TOKENS[0])[:, :7])
    assert [row.path for row in record.rows] == [
        "shared.pytree.0.weight",
        "shared.pytree.1.bias",
    ]


def test_two_vocabularies_are_refused():
    with pytest.raises(ValueError, match="one vocabulary"):
        surgery.resize_embedding(transformer(), "embed", 9, KEY, heads=["blocks.0.up"])
    with pytest.raises(TypeError, match="a LayerNorm; this operation takes Linear"):
        surgery.resize_embedding(transformer(), "embed", 9, KEY, heads=["norm"])
    with pytest.raises(ValueError, match="nothing at `tail`"):
        surgery.resize_embedding(transformer(), "embed", 9, KEY, heads=["tail"])


def test_a_new_head_leaves_the_trunk_alone():
    old = transformer()
    new = surgery.new_head(old, "head", 3, KEY)
    assert call(new, TOKENS).shape == (2, 6, 3)
    assert_sound(new, call, TOKENS)
    trunk = (
        jax.tree.leaves((old.embed, old.blocks)),
        jax.tree.leaves((new.embed, new.blocks)),
    )
    assert all(a is b for a, b in zip(*trunk, strict=True))
    # The draw is that of `apply`.
    like = eqx.nn.Linear(8, 3, use_bias=False, key=KEY)
    head = ei.apply({"head": like}, KEY, [ei.Rule("head", weight=ei.LecunNormal())])
    assert jnp.array_equal(new.head.weight, head["head"].weight)


def test_a_new_head_starts_where_its_initializers_say():
    tree, x = cnn(), MODELS["cnn"][2]()
    new = surgery.new_head(tree, "head", 2, KEY, weight=ei.Zeros(), bias=ei.Ones())
    assert jnp.array_equal(MODELS["cnn"][1](new, x), jnp.ones((4, 2)))


def test_a_stack_of_layers_is_refused():
    with pytest.raises(ValueError, match="is a stack of layers"):
        surgery.new_head(scanned(), "blocks.down", 3, KEY)


def test_positions_of_a_longer_sequence():
    old = transformer()
    new = surgery.interpolate_positions(old, "positions", 12)
    # Positions are read at the middle of their intervals.
    at = (np.arange(12) + 0.5) / 2 - 0.5
    wanted = [np.interp(at, np.arange(6), column) for column in old.positions.T]
    assert np.allclose(new.positions, np.stack(wanted, 1), atol=1e-6)
    assert call(new, jr.randint(KEY, (2, 12), 0, 7)).shape == (2, 12, 7)
    same = surgery.interpolate_positions(old, "positions", 6)
    assert np.allclose(same.positions, old.positions, atol=1e-6)


def test_positions_of_a_larger_image_keep_what_is_in_front():
    # Row and column number, which linear interpolation reproduces inside of the grid.
    rows, columns = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    table = np.stack([rows.ravel(), columns.ravel()], 1)
    table = np.concatenate([[[7.0, -7.0]], table]).astype(np.float32)
    model = {"pos": jnp.asarray(table)}
    new = surgery.interpolate_positions(model, "pos", (6, 8), grid=(3, 4), prefix=1)
    places = np.asarray(new["pos"][1:]).reshape(6, 8, 2)
    assert np.array_equal(new["pos"][0], table[0])
    assert np.allclose(places[1:-1, 0, 0], (np.arange(1, 5) + 0.5) / 2 - 0.5)
    assert np.allclose(places[0, 1:-1, 1], (np.arange(1, 7) + 0.5) / 2 - 0.5)
    square = surgery.interpolate_positions({"pos": jnp.ones((9, 2))}, "pos", (2, 5))
    assert np.allclose(square["pos"], np.ones((10, 2)))


def test_positions_in_an_embedding_layer():
    model = {"pos": eqx.nn.Embedding(4, 2, key=KEY)}
    new = surgery.interpolate_positions(model, "pos", 8)
    assert new["pos"].num_embeddings == 8
    assert_consistent(new)


def test_positions_that_are_on_no_grid_are_refused():
    with pytest.raises(ValueError, match=r"has 6 positions .* not those of the grid"):
        surgery.interpolate_positions(transformer(), "positions", (4, 4))


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6, 7])
def test_an_image_of_equal_channels_gives_what_it_gave(channels: int):
    tree = cnn()
    grey = jr.normal(KEY, (4, 1, 5, 5))
    new = surgery.change_in_channels(tree, "conv1", channels)
    assert new[0].conv1.in_channels == channels
    run = MODELS["cnn"][1]
    wanted = run(tree, jnp.repeat(grey, 3, axis=1))
    assert_same_outputs(wanted, run(new, jnp.repeat(grey, channels, axis=1)))
    assert_sound(new, run, jnp.repeat(grey, channels, axis=1))


def test_more_channels_share_out_the_old_ones():
    conv = eqx.nn.Conv1d(2, 1, 1, key=KEY)
    new = surgery.change_in_channels(conv, "", 5)
    a, b = (float(w) for w in conv.weight[0, :, 0])
    shares = [a / 3, b / 2, a / 3, b / 2, a / 3]
    assert np.allclose(new.weight[0, :, 0], shares)
    back = surgery.change_in_channels(new, "", 2)
    assert np.allclose(back.weight, conv.weight)


def test_grouped_convolutions_are_refused():
    with pytest.raises(ValueError, match="a convolution of 6 groups"):
        surgery.change_in_channels(cnn(), "depthwise", 3)


def test_cast_keeps_what_sums_depend_on():
    old = transformer()
    new, record = surgery.cast(old, "**", jnp.bfloat16, record=True)
    for site in ei.select(new, "**").sites:
        wide = site.spec.role in ("scale", "bias")
        assert site.leaf.dtype == (jnp.float32 if wide else jnp.bfloat16), site.path
    assert new.positions.dtype == jnp.bfloat16
    back = record.undo(new)
    for a, b in zip(
        ei.select(old, "**").get(), ei.select(back, "**").get(), strict=True
    ):
        assert a.dtype == b.dtype
        # Half of a unit in the last of bfloat16's eight binary places.
        assert (jnp.abs(a - b) <= 2**-8 * jnp.abs(a)).all()


def test_cast_of_everything_runs_in_half_precision():
    model = surgery.cast(eqx.nn.MLP(3, 2, 8, 2, key=KEY), "**", "bfloat16", keep=None)
    x = jr.normal(KEY, (3,), jnp.bfloat16)
    assert model(x).dtype == jnp.bfloat16
    assert_sound(model, lambda m, x: m(x), x)


def test_cast_to_another_kind_of_number_is_refused():
    with pytest.raises(ValueError, match=r"is float32\. Pass a floating-point dtype"):
        surgery.cast(transformer(), "**", jnp.int8)
    with pytest.raises(ValueError, match="is complex64"):
        surgery.cast({"w": jnp.ones((2, 2), complex)}, "w", jnp.bfloat16)
