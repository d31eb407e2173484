"""Adapters and factors of low rank: what is computed, at the start and afterwards."""

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
    cnn,
    lstm,
    mlp,
    scanned,
    transformer,
)

import eqinit as ei
from eqinit import recipes, surgery
from eqinit.surgery import LoRA


# CI runs these on its newest interpreter: they compile much.
pytestmark = pytest.mark.thorough


KEY = jr.key(4)
STARTS = ["lora", "pissa", "olora"]


def adapters_moved(model):
    """As if the adapters had been trained."""
    rng = np.random.default_rng(0)
    chosen = surgery.lora_parameters(model)
    return chosen.map(lambda x: x + rng.normal(0, 0.1, x.shape).astype(np.float32))


@pytest.mark.first_case
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("dora", [False, True])
def test_an_adapted_model_starts_as_it_was(start: str, dora: bool):
    x = MODELS["mlp"][2]()
    new, record = surgery.lora(
        mlp(),
        eqx.nn.Linear,
        2,
        KEY,
        start=start,
        dora=dora,
        call=call,
        args=(x,),
        record=True,
    )
    assert isinstance(new.layers[0], LoRA)
    assert_same_outputs(call(mlp(), x), call(new, x))
    assert record.notes[0].startswith("outputs of `call` differ by")
    assert_sound(new, call, x)
    assert_same_outputs(call(mlp(), x), call(record.undo(new), x))


@pytest.mark.first_case
@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_can_be_adapted_and_merged(name: str):
    make, run, example = MODELS[name]
    old, x = make(), example()
    kernels = ei.Role("kernel") | ei.Role("embedding")
    adapted = surgery.lora(old, kernels, 1, KEY)
    assert_same_outputs(run(old, x), run(adapted, x))
    trained = adapters_moved(adapted)
    merged, record = surgery.merge_lora(trained, record=True)
    wanted, got = run(trained, x), run(merged, x)
    assert np.abs(wanted - run(old, x)).max() > 1e-3
    assert_same_outputs(wanted, got)
    assert jax.tree.structure(merged) == jax.tree.structure(old)
    assert any(row.what == "merged" for row in record.rows)
    assert_sound(trained, run, x)


def test_the_correction_is_the_product_times_alpha_over_rank():
    old = eqx.nn.Linear(5, 4, key=KEY)
    for rslora, scale in ((False, 6 / 3), (True, 6 / np.sqrt(3))):
        new = adapters_moved(surgery.lora(old, "", 3, KEY, alpha=6, rslora=rslora))
        change = np.asarray(new.merged().weight) - np.asarray(old.weight)
        product = np.asarray(new.lora_b) @ np.asarray(new.lora_a)
        assert np.allclose(change, scale * product, atol=1e-6)


def test_pissa_takes_the_largest_singular_values():
    old = eqx.nn.Linear(6, 5, key=KEY)
    new = surgery.lora(old, "", 2, KEY, start="pissa", alpha=4)
    values = np.linalg.svd(old.weight, compute_uv=False)
    taken = np.linalg.svd(new.change(), compute_uv=False)
    left = np.linalg.svd(new.layer.weight, compute_uv=False)
    assert np.allclose(taken[:2], values[:2], rtol=1e-5)
    assert np.allclose(left[:3], values[2:], rtol=1e-4)


def test_olora_starts_orthonormal():
    old = eqx.nn.Linear(6, 5, key=KEY)
    new = surgery.lora(old, "", 2, KEY, start="olora")
    assert np.allclose(new.lora_b.T @ new.lora_b, np.eye(2), atol=1e-6)
    # What is left has the first columns of the QR taken out of it.
    assert np.allclose(new.lora_b.T @ new.layer.weight, 0, atol=1e-6)


def test_dora_keeps_lengths_apart_from_directions():
    old = eqx.nn.Conv1d(3, 4, 2, key=KEY)
    new = adapters_moved(surgery.lora(old, "", 2, KEY, dora=True))
    rows = np.asarray(new.merged().weight).reshape(4, -1)
    assert np.allclose(np.linalg.norm(rows, axis=1), np.abs(new.magnitude), rtol=1e-5)


@pytest.mark.thorough
def test_only_adapters_are_trained():
    old, x = transformer(), MODELS["transformer"][2]()
    model = surgery.lora(old, "blocks.*.attn", 2, KEY, dora=True)
    chosen = surgery.lora_parameters(model)
    assert chosen.count == 2 * 4 * 3
    trained, frozen = eqx.partition(model, chosen.mask())
    grads = eqx.filter_grad(
        lambda part: (call(eqx.combine(part, frozen), x) ** 2).sum()
    )(trained)
    sizes = [float(jnp.abs(g).max()) for g in jax.tree.leaves(grads)]
    assert len(sizes) == 24
    # With B at zero the gradient of A is zero, and that of B is not.
    assert sum(size > 0 for size in sizes) == 2 * 4 * 2


def test_the_recipe_of_adapters_draws_them_anew():
    model = surgery.lora(transformer(), "blocks.*.attn", 2, KEY)
    new = ei.apply(adapters_moved(model), KEY, recipes.lora())
    assert (new.blocks[0].attn.query_proj.lora_b == 0).all()
    a = np.asarray(new.blocks[0].attn.query_proj.lora_a)
    assert 0 < np.abs(a).max() <= 8**-0.5


def test_draws_depend_on_the_path_alone():
    one = surgery.lora(mlp(), "layers.1", 2, KEY)
    all_of_them = surgery.lora(mlp(), eqx.nn.Linear, 2, KEY)
    assert jnp.array_equal(one.layers[1].lora_a, all_of_them.layers[1].lora_a)


def test_static_fields_can_be_read_and_arrays_cannot():
    cell = surgery.lora(lstm(), "cell", 2, KEY).cell
    assert cell.hidden_size == 6
    with pytest.raises(AttributeError, match="may not be what is used"):
        _ = cell.weight_ih
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cell.nothing


def test_a_scalar_layer_is_adapted():
    for layer in (
        eqx.nn.Linear("scalar", 3, key=KEY),
        eqx.nn.Linear(3, "scalar", key=KEY),
    ):
        x = jnp.float32(0.7) if layer.in_features == "scalar" else jnp.ones(3)
        new = adapters_moved(surgery.lora(layer, "", 1, KEY))
        assert np.allclose(new(x), new.merged()(x), atol=1e-6)
        assert new(x).shape == layer(x).shape


def test_moments_of_the_rest_follow():
    old = mlp()
    optimiser = optax.sgd(0.1, 0.9)
    state = optimiser.init(eqx.filter(old, eqx.is_inexact_array))
    state = jax.tree.map(lambda x: x + 1.0, state)
    new, record = surgery.lora(old, "layers.0", 2, KEY, record=True)
    after = record.apply_to(state)[0].trace
    params = eqx.filter(new, eqx.is_inexact_array)
    assert jax.tree.structure(after) == jax.tree.structure(params)
    assert (after.layers[0].layer.weight == 1).all()
    assert (after.layers[0].lora_a == 0).all()
    merged, back = surgery.merge_lora(new, record=True)
    again = back.apply_to(record.apply_to(state))[0].trace
    assert jax.tree.structure(again) == jax.tree.structure(
        eqx.filter(merged, eqx.is_inexact_array)
    )
    assert (again.layers[1].weight == 1).all()


@pytest.mark.parametrize(
    "selector, rank, text",
    [
        (eqx.nn.Linear, 9, r"`layers\.0\.weight` has a rank of at most 3"),
        ("layers.0.bias", 1, "selects no kernel"),
    ],
)
def test_what_cannot_be_adapted(selector, rank: int, text: str):
    with pytest.raises(ValueError, match=text):
        surgery.lora(mlp(), selector, rank, KEY)


def test_what_is_kept_in_another_form_is_not_adapted():
    with pytest.raises(ValueError, match="is kept in a WeightNorm"):
        surgery.lora(eqx.nn.WeightNorm(eqx.nn.Linear(3, 4, key=KEY)), "**", 1, KEY)
    twice = surgery.lora(mlp(), "layers.0", 1, KEY)
    with pytest.raises(ValueError, match="an adapter itself"):
        surgery.lora(twice, "layers.0.lora_a", 1, KEY)
    with pytest.raises(ValueError, match="no adapter in this model"):
        surgery.merge_lora(mlp())


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_factors_are_the_best_of_their_rank(rank: int):
    old = eqx.nn.Linear(6, 5, key=KEY)
    new, record = surgery.factorize(old, "", rank=rank, record=True)
    thin, wide = new.layers
    values = np.linalg.svd(np.asarray(old.weight, np.float64), compute_uv=False)
    left = np.asarray(old.weight) - np.asarray(wide.weight) @ np.asarray(thin.weight)
    # Eckart and Young: what is left has the smaller singular values.
    wanted = np.sqrt((values[rank:] ** 2).sum())
    assert np.linalg.norm(left) <= wanted + 1e-6
    assert f"rank {rank}, error {wanted / np.linalg.norm(values):.2g}" in str(record)
    x = jr.normal(KEY, (6,))
    bound = np.append(values, 0)[rank] * np.linalg.norm(x) + 1e-5
    assert np.linalg.norm(new(x) - old(x)) <= bound
    assert_sound(new, lambda m, x: m(x), x)


def test_the_smallest_rank_that_meets_an_error():
    old = eqx.nn.Linear(40, 30, key=KEY)
    values = np.linalg.svd(old.weight, compute_uv=False)
    tails = np.sqrt(np.append(np.cumsum(values[::-1] ** 2)[::-1], 0))
    for error in (0.5, 0.1, 0.0):
        new = surgery.factorize(old, "", error=error)
        rank = new.layers[0].weight.shape[0]
        assert tails[rank] <= error * tails[0] + 1e-6 < tails[rank - 1] + 1e-6


def test_a_model_with_full_factors_computes_what_it_did():
    old, x = transformer(), MODELS["transformer"][2]()
    new, record = surgery.factorize(old, "blocks", rank=8, record=True)
    assert isinstance(new.blocks[0].attn.query_proj, eqx.nn.Sequential)
    assert_same_outputs(call(old, x), call(new, x))
    back = record.undo(new)
    assert jax.tree.structure(back) == jax.tree.structure(old)
    assert_same_outputs(call(old, x), call(back, x))


def test_a_convolution_becomes_two():
    tree, x = cnn(), MODELS["cnn"][2]()
    new, record = surgery.factorize(tree, "conv2", rank=4, record=True)
    thin, wide = new[0].conv2.layers
    assert (thin.stride, wide.stride) == ((2, 2), (1, 1))
    assert (thin.use_bias, wide.kernel_size) == (False, (1, 1))
    assert_same_outputs(MODELS["cnn"][1](tree, x), MODELS["cnn"][1](new, x))
    assert_sound(new, MODELS["cnn"][1], x)
    assert_same_outputs(
        MODELS["cnn"][1](tree, x), MODELS["cnn"][1](record.undo(new), x)
    )


def test_factors_that_cannot_be():
    with pytest.raises(ValueError, match="pass one of them"):
        surgery.factorize(mlp(), eqx.nn.Linear)
    with pytest.raises(ValueError, match="pass one of them"):
        surgery.factorize(mlp(), eqx.nn.Linear, rank=2, error=0.1)
    with pytest.raises(ValueError, match="convolutions of one group"):
        surgery.factorize(cnn(), "depthwise", rank=2)
    with pytest.raises(ValueError, match="is a stack of layers"):
        surgery.factorize(scanned(), "blocks.up", rank=2)


@pytest.mark.first_case
@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_adapters_learn(name: str):
    make, run, example = MODELS[name]
    model = surgery.lora(make(), ei.Role("kernel"), 1, KEY, start="pissa", dora=True)
    assert_learns(adapters_moved(model), run, example())


def test_layers_in_another_form_are_to_be_baked():
    old = eqx.tree_at(lambda m: m.layers[0], mlp(), eqx.nn.WeightNorm(mlp().layers[0]))
    text = r"- `layers\.0\.layer\.weight` is kept in a WeightNorm\nMake them plain "
    with pytest.raises(ValueError, match=text + r"first: `surgery\.bake\(model\)`\."):
        surgery.lora(old, "layers.*", 1, KEY)
    with pytest.raises(TypeError, match=r"in a WeightNorm\nMake them plain first"):
        surgery.factorize(old, "layers.0", rank=1)
    adapted = surgery.lora(surgery.bake(old), "layers.*", 1, KEY)
    assert isinstance(adapted.layers[0], surgery.LoRA)


@pytest.mark.thorough
@pytest.mark.parametrize("again", ["blocks.0.down", "blocks.0.up.layer"])
def test_a_model_with_adapters_gets_more_of_them(again: str):
    """And `undo` takes back those that it made, and no others."""
    once = surgery.lora(transformer(), "blocks.0.up", 2, KEY)
    twice, record = surgery.lora(once, again, 1, KEY, record=True)
    x = jnp.arange(6)
    assert_same_outputs(once(x), twice(x))
    assert eqx.tree_equal(record.undo(twice), once)
    factors = [row.path for row in record.rows if "factor" in row.what]
    assert factors == [f"{again}.lora_a", f"{again}.lora_b"]
    merged = surgery.merge_lora(twice)
    assert jax.tree.structure(merged) == jax.tree.structure(transformer())
    assert_same_outputs(once(x), merged(x))


@pytest.mark.thorough
def test_attention_with_adapters_is_stored_and_no_heads_are_guessed():
    model = surgery.lora(transformer(), "blocks.0.attn.query_proj", 1, KEY)
    blank = jax.tree.map(lambda x: x * 0 if eqx.is_inexact_array(x) else x, model)
    stored = surgery.save_weights(model)
    assert eqx.tree_equal(surgery.load_weights(blank, stored), model)
    with pytest.raises(ValueError, match=r"query_proj.lora_a` is under an adapter: "):
        surgery.transplant(blank, model)
