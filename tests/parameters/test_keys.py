"""Keys: a parameter's draw depends on the key, on its path, and on nothing else."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.tree_util as jtu
import numpy as np
import pytest
from helpers import bits, same_bits

import eqinit as ei
from eqinit import HeNormal, LecunNormal, Normal, Rule, Uniform, Zeros
from eqinit._parameters.keys import derive_keys, hash_path, hash_paths


nn = eqx.nn
KEY = jax.random.key(2026)
PATHS = ["weight", "layers.0.weight", "blocks.3.attn.query_proj.weight", "", "é.ü"]

# Golden values: a change here changes every draw of every user. It needs a new
# `KEY_SCHEME` and a note in the release.
HASHES = {
    "weight": (2790254732, 2698348252),
    "layers.0.weight": (612510517, 2513912501),
    "blocks.3.attn.query_proj.weight": (1783374628, 2370844804),
    "": (3130732007, 3080695763),
    "é.ü": (233614751, 3617628100),
}
DATA = [
    [3705688585, 3139917525],
    [2232420716, 2001646601],
    [1923629663, 1933062134],
    [3040711186, 4137183064],
    [2071690844, 412512651],
]
MODEL = {
    "layers.0.weight": -0.245222852,
    "layers.0.bias": -0.294124782,
    "layers.1.weight": -0.161625743,
    "layers.1.bias": -0.267223448,
    "layers.2.weight": -0.0942885503,
    "layers.2.bias": -1.25688851,
}


def test_golden_hashes():
    assert {path: hash_path(path) for path in PATHS} == HASHES


def test_golden_keys():
    keys = jax.random.key_data(derive_keys(KEY, PATHS))
    assert np.asarray(keys).tolist() == DATA


def mlp(key: Any = KEY, **kwargs: Any) -> nn.MLP:
    return nn.MLP(3, 2, 4, 2, key=key, **kwargs)


RULES = [Rule(nn.Linear, weight=LecunNormal(), bias=Normal(0.5))]


def leaves(model: Any) -> dict[str, np.ndarray]:
    chosen = ei.select(model, "**")
    return dict(zip(chosen.paths, map(np.asarray, chosen.get()), strict=True))


def test_golden_model():
    drawn = leaves(ei.apply(mlp(), KEY, RULES))
    first = {path: float(value.ravel()[0]) for path, value in drawn.items()}
    # The bits of a key are exact everywhere; the inverse error function that makes a
    # normal of them may round differently on another processor.
    assert first == pytest.approx(MODEL, rel=2**-20)


def test_keys_do_not_depend_on_their_neighbours():
    together = jax.random.key_data(derive_keys(KEY, PATHS))
    for i, path in enumerate(PATHS):
        alone = jax.random.key_data(derive_keys(KEY, [path]))[0]
        assert np.array_equal(together[i], alone)
    shuffled = jax.random.key_data(derive_keys(KEY, PATHS[::-1]))
    assert np.array_equal(shuffled[::-1], together)


def test_no_paths_no_keys():
    assert derive_keys(KEY, []).shape[0] == 0


def test_no_collision_among_100_000_paths():
    # The odds of a single pair are 100,000^2 / 2 / 2^64: 3 in 10^10.
    paths = [f"blocks.{i}.{name}.weight" for i in range(25_000) for name in "qkvo"]
    words = hash_paths(paths)
    assert len(np.unique(words, axis=0)) == len(paths) == 100_000
    # 32 bits would not do: about one pair is expected in either half.
    assert len(np.unique(words[:, 0])) + len(np.unique(words[:, 1])) < 200_000


def test_numpy_and_jax_derive_the_same_keys():
    # Outside of a trace keys are worked out in numpy, inside by jax.
    eager = jax.random.key_data(derive_keys(KEY, PATHS))
    traced = jax.jit(lambda key: jax.random.key_data(derive_keys(key, PATHS)))(KEY)
    assert np.array_equal(eager, traced)
    by_hand = KEY
    for word in hash_path(PATHS[1]):
        by_hand = jax.random.fold_in(by_hand, np.uint32(word))
    assert np.array_equal(jax.random.key_data(by_hand), eager[1])


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "raw"])
def test_keys_of_an_ensemble_are_each_member_s_own(typed: bool):
    make = jax.random.key if typed else jax.random.PRNGKey
    members = jnp.stack(
        [jnp.stack([make(3 * i + j) for j in range(3)]) for i in (0, 1)]
    )

    def words(key: jax.Array) -> jax.Array:
        keys = derive_keys(key, PATHS)
        return jax.random.key_data(keys) if typed else keys

    together = jax.vmap(jax.vmap(words))(members)
    for i, j in ((0, 0), (0, 2), (1, 1)):
        assert np.array_equal(together[i, j], words(members[i, j]))


def test_raw_keys_are_typed_keys():
    raw = ei.apply(mlp(), jax.random.PRNGKey(2026), RULES)
    typed = ei.apply(mlp(), KEY, RULES)
    assert eqx.tree_equal(raw, typed)


@pytest.mark.parametrize("impl", ["rbg", "unsafe_rbg"])
def test_other_generators(impl: str):
    key = jax.random.key(0, impl=impl)
    model = ei.apply(mlp(), key, RULES)
    again = ei.apply(mlp(), key, RULES)
    other = ei.apply(mlp(), jax.random.key(1, impl=impl), RULES)
    assert eqx.tree_equal(model, again)
    assert not np.array_equal(model.layers[0].weight, other.layers[0].weight)
    # Same shape, other path, other draw: neither kind of key repeats itself.
    deep = ei.apply(nn.MLP(4, 4, 4, 2, key=KEY), key, RULES)
    assert not np.array_equal(deep.layers[0].weight, deep.layers[1].weight)


def test_same_shape_layers_differ():
    model = ei.apply(nn.MLP(4, 4, 4, 3, key=KEY), KEY, RULES)
    weights = [np.asarray(layer.weight).tobytes() for layer in model.layers]
    assert len(set(weights)) == len(weights)


def test_other_layers_change_nothing():
    head, body = nn.Linear(4, 2, key=KEY), nn.Linear(4, 4, key=KEY)
    norm = nn.LayerNorm(4)
    small = leaves(ei.apply({"body": body, "head": head}, KEY, RULES))
    # More of them, before, between and after, and in another order.
    models = [
        {"aaa": body, "body": body, "head": head, "zzz": norm},
        {"head": head, "more": [body, norm, body], "body": body},
    ]
    for model in models:
        large = leaves(ei.apply(model, KEY, RULES))
        for path, value in small.items():
            assert np.array_equal(bits(large[path]), bits(value))
    alone = leaves(ei.apply({"head": head}, KEY, RULES))
    assert np.array_equal(alone["head.weight"], small["head.weight"])


def test_other_rules_change_nothing():
    model = mlp()
    he = Rule("layers.0", weight=HeNormal())
    wanted = leaves(ei.apply(model, KEY, [he]))["layers.0.weight"]
    for rules in [
        [he, Rule(nn.Linear, bias=Zeros())],
        [Rule(nn.Linear, bias=Normal()), he],
        [("layers.2.weight", Normal()), he, Rule(nn.Linear, weight=LecunNormal())],
        # The same initializer by another selector.
        [Rule(nn.Linear, weight=HeNormal())],
        [(lambda m: m.layers[0].weight, HeNormal())],
    ]:
        got = leaves(ei.apply(model, KEY, rules))["layers.0.weight"]
        assert np.array_equal(bits(got), bits(wanted))


def test_values_of_the_input_change_nothing():
    one, two = mlp(jax.random.key(1)), mlp(jax.random.key(2))
    skeleton = eqx.filter_eval_shape(mlp, KEY)
    drawn = [ei.apply(model, KEY, RULES) for model in (one, two, skeleton)]
    assert eqx.tree_equal(*(eqx.filter(m, eqx.is_array) for m in drawn))


def test_a_gain_scales_the_same_draw():
    model = mlp()
    one, two = (
        ei.apply(model, KEY, [Rule(nn.Linear, weight=LecunNormal(gain=g))])
        for g in (1.0, 2.0)
    )
    for a, b in zip(one.layers, two.layers, strict=True):
        assert same_bits(2 * a.weight, b.weight)


def test_keys_of_stacked_layers():
    stack = eqx.filter_vmap(lambda k: nn.Linear(4, 4, key=k))(jax.random.split(KEY, 5))
    drawn = ei.apply(stack, KEY, RULES)
    assert len({np.asarray(w).tobytes() for w in drawn.weight}) == 5
    # A longer stack starts with the same layers: an element of a draw depends on the
    # key and on its position alone.
    longer = jtu.tree_map(lambda x: jnp.concatenate([x, x]), stack)
    drawn_longer = ei.apply(longer, KEY, RULES)
    assert np.array_equal(drawn_longer.weight[:5], drawn.weight)


def test_values_are_those_of_the_leaf_s_own_key():
    model = {"a": nn.Linear(7, 5, key=KEY), "b": nn.Linear(5, 7, key=KEY)}
    rules = [Rule(nn.Linear, weight=Normal(0.5), bias=Uniform(-1.0, 1.0))]
    whole = ei.apply(model, KEY, rules)
    # Alone, beside others, under jit, and as one of an ensemble.
    alone = ei.apply({"b": model["b"]}, KEY, rules)
    jitted = eqx.filter_jit(ei.apply)(model, KEY, rules)
    keys = jax.random.split(jax.random.key(1), 3).at[1].set(KEY)
    ensemble = eqx.filter_vmap(lambda k: ei.apply(model, k, rules))(keys)
    for field in ("weight", "bias"):
        wanted = getattr(whole["b"], field)
        others = [alone["b"], jitted["b"]]
        for other in others:
            np.testing.assert_array_equal(getattr(other, field), wanted)
        np.testing.assert_array_equal(getattr(ensemble["b"], field)[1], wanted)
