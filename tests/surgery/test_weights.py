"""Weights from elsewhere: outputs against what torch's docs say, and every leftover.

torch itself is not needed: `references/torch_forward.py` has its formulas in numpy, and
`references/torch_weights.py` is the script that wrote what torch computes.
"""

import functools
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from references import torch_forward as torch
from small_models import MODELS, assert_same_outputs, assert_sound, cnn, transformer

import eqinit as ei
from eqinit import surgery


nn = eqx.nn
KEY = jr.key(3)


def weights(**shapes):
    """Random arrays under these names (`__` is a dot)."""
    rng = np.random.default_rng(0)
    return {
        name.replace("__", "."): rng.normal(0, 0.5, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def random(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def assert_close(got, wanted):
    # Sums of at most a hundred products of order one in float32.
    assert np.abs(np.asarray(got) - wanted).max() < 100 * 2**-24 * (
        1 + np.abs(wanted).max()
    )


def run_cell(cell, x, state):
    def step(state, one):
        state = cell(one, state)
        return state, state[0] if isinstance(state, tuple) else state

    return jax.lax.scan(step, state, x)[1]


LSTM = dict(
    weight_ih_l0=(16, 3), weight_hh_l0=(16, 4), bias_ih_l0=(16,), bias_hh_l0=(16,)
)


def test_lstm():
    stored, x = weights(**LSTM), random(5, 3)
    cell = surgery.load_weights(nn.LSTMCell(3, 4, key=KEY), stored)
    zero = jnp.zeros(4)
    assert_close(run_cell(cell, x, (zero, zero)), torch.lstm(stored, x))


class Bidirectional(eqx.Module):
    forward: nn.LSTMCell
    backward: nn.LSTMCell

    def __init__(self):
        self.forward, self.backward = (nn.LSTMCell(3, 4, key=KEY) for _ in range(2))


def test_two_directions_of_an_lstm():
    shapes = {f"lstm__{k}": s for k, s in LSTM.items()}
    shapes |= {f"lstm__{k}_reverse": s for k, s in LSTM.items()}
    stored, x = weights(**shapes), random(5, 3)
    rename = {"lstm.0": "forward", "lstm.0_reverse": "backward"}
    both = surgery.load_weights(Bidirectional(), stored, rename=rename)
    inner = {k.removeprefix("lstm."): v for k, v in stored.items()}
    state = (jnp.zeros(4), jnp.zeros(4))
    assert_close(run_cell(both.forward, x, state), torch.lstm(inner, x))
    backward = run_cell(both.backward, x[::-1], state)[::-1]
    assert_close(backward, torch.lstm(inner, x, reverse=True))


def test_gru():
    stored = weights(
        weight_ih_l0=(12, 3), weight_hh_l0=(12, 4), bias_ih_l0=(12,), bias_hh_l0=(12,)
    )
    x = random(5, 3)
    cell = surgery.load_weights(nn.GRUCell(3, 4, key=KEY), stored)
    assert_close(run_cell(cell, x, jnp.zeros(4)), torch.gru(stored, x))


OUT = dict(out_proj__weight=(8, 8), out_proj__bias=(8,))
BIASED = dict(
    use_query_bias=True, use_key_bias=True, use_value_bias=True, use_output_bias=True
)


def test_attention_with_joined_projections():
    stored = weights(in_proj_weight=(24, 8), in_proj_bias=(24,), **OUT)
    x, y = random(5, 8), random(3, 8)
    layer = nn.MultiheadAttention(2, 8, **BIASED, key=KEY)
    layer = surgery.load_weights(layer, stored)
    assert_close(layer(x, y, y), torch.attention(stored, x, y, y, 2))


def test_attention_with_other_sizes():
    stored = weights(
        q_proj_weight=(8, 8), k_proj_weight=(8, 5), v_proj_weight=(8, 6), **OUT
    ) | weights(in_proj_bias=(24,))
    x, y, z = random(5, 8), random(3, 5), random(3, 6)
    layer = nn.MultiheadAttention(2, 8, key_size=5, value_size=6, **BIASED, key=KEY)
    layer = surgery.load_weights(layer, stored)
    assert_close(layer(x, y, z), torch.attention(stored, x, y, z, 2))


@pytest.mark.parametrize("mode", ["ema", "batch"])
def test_batch_norm(mode: str):
    norm, state = nn.make_with_state(nn.BatchNorm)(3, "batch", mode=mode)
    stored = weights(weight=(3,), bias=(3,), running_mean=(3,), running_var=(3,))
    stored["running_var"] **= 2
    stored["num_batches_tracked"] = np.int64(5)
    norm, state = surgery.load_weights((norm, state), stored)
    x = random(3, 4, 4)
    got, _ = nn.inference_mode(norm)(x, state)
    assert_close(got, torch.batch_norm(stored, x))
    # A further batch moves the statistics by 1 - momentum, and does not replace them.
    batch = jnp.ones((2, 3, 4, 4))
    _, state = jax.vmap(norm, (0, None), (0, None), axis_name="batch")(batch, state)
    ones, _ = nn.inference_mode(norm)(x, state)
    after = stored | {
        "running_mean": 0.99 * stored["running_mean"] + 0.01,
        "running_var": 0.99 * stored["running_var"],
    }
    assert np.abs(ones - torch.batch_norm(after, x)).max() < 1e-4


def test_statistics_of_a_model_that_has_no_state_yet():
    norm = nn.BatchNorm(3, "batch", mode="batch")
    stored = weights(weight=(3,), bias=(3,), running_mean=(3,), running_var=(3,))
    norm = surgery.load_weights(norm, stored)
    state = nn.State(norm)
    mean, _ = state.get(norm.batch_state_index)
    assert_close(mean, stored["running_mean"])


def test_statistics_without_a_state_are_left_over():
    norm, _ = nn.make_with_state(nn.BatchNorm)(3, "batch", mode="ema")
    stored = weights(weight=(3,), bias=(3,), running_mean=(3,), running_var=(3,))
    with pytest.raises(ValueError, match=r"`running_mean` \[3\] is of no use"):
        surgery.load_weights(norm, stored)


def test_layer_norm():
    stored, x = weights(weight=(6,), bias=(6,)), random(6)
    layer = surgery.load_weights(nn.LayerNorm(6), stored)
    assert_close(layer(x), torch.layer_norm(stored, x))


def test_convolution():
    stored, x = weights(weight=(6, 2, 3, 3), bias=(6,)), random(4, 5, 5)
    make = functools.partial(nn.Conv2d, 4, 6, 3, stride=2, padding=1, groups=2)
    layer = surgery.load_weights(make(key=KEY), stored)
    wanted = torch.conv(stored, x, stride=2, padding=1, groups=2)
    assert_close(layer(x), wanted)


@pytest.mark.parametrize(
    "options",
    [
        dict(stride=2, padding=1, output_padding=1, groups=2),
        dict(stride=3, dilation=2, padding=2),
        dict(),
    ],
    ids=str,
)
def test_transposed_convolution(options):
    groups = options.get("groups", 1)
    stored = weights(weight=(4, 6 // groups, 3, 3), bias=(6,))
    x = random(4, 3, 3)
    layer = nn.ConvTranspose2d(4, 6, 3, **options, key=KEY)
    layer = surgery.load_weights(layer, stored)
    assert_close(layer(x), torch.conv_transpose(stored, x, **options))


def test_weight_norm():
    layer = nn.WeightNorm(nn.Conv2d(2, 3, 3, key=KEY))
    stored = weights(weight_g=(3, 1, 1, 1), weight_v=(3, 2, 3, 3), bias=(3,))
    layer = surgery.load_weights(layer, stored)
    norm = np.sqrt((stored["weight_v"] ** 2).sum((1, 2, 3), keepdims=True))
    kernel = stored["weight_g"] * stored["weight_v"] / norm
    x = random(2, 5, 5)
    assert_close(layer(x), torch.conv({"weight": kernel, "bias": stored["bias"]}, x))
    new_names = {
        "parametrizations.weight.original0": stored["weight_g"],
        "parametrizations.weight.original1": stored["weight_v"],
        "bias": stored["bias"],
    }
    assert eqx.tree_equal(layer, surgery.load_weights(layer, new_names))


def test_spectral_norm():
    make = nn.make_with_state(
        lambda: nn.SpectralNorm(nn.Linear(3, 4, key=KEY), "weight", key=KEY)
    )
    layer, state = make()
    stored = weights(weight_orig=(4, 3), bias=(4,), weight_u=(4,), weight_v=(3,))
    layer, state = surgery.load_weights((layer, state), stored)
    x = random(3)
    sigma = stored["weight_u"] @ stored["weight_orig"] @ stored["weight_v"]
    got, _ = nn.inference_mode(layer)(x, state)
    assert_close(got, stored["weight_orig"] / sigma @ x + stored["bias"])


def test_kernels_of_flax():
    model = nn.Sequential(
        [
            nn.Conv2d(3, 4, 3, key=KEY),
            nn.Lambda(jnp.ravel),
            nn.Linear(16, 2, key=KEY),
        ]
    )
    stored = {
        "0": weights(kernel=(3, 3, 3, 4), bias=(4,)),
        "2": weights(kernel=(16, 2), bias=(2,)),
    }
    model = surgery.load_weights(model, stored)
    x = random(3, 4, 4)
    kernel = stored["0"]["kernel"].transpose(3, 2, 0, 1)
    hidden = torch.conv({"weight": kernel, "bias": stored["0"]["bias"]}, x).ravel()
    assert_close(model(x), hidden @ stored["2"]["kernel"] + stored["2"]["bias"])


def test_attention_of_flax():
    stored = {
        name: weights(kernel=(8, 2, 4), bias=(2, 4))
        for name in ("query", "key", "value")
    } | {"out": weights(kernel=(2, 4, 8), bias=(8,))}
    layer = nn.MultiheadAttention(2, 8, **BIASED, key=KEY)
    layer = surgery.load_weights(layer, stored)
    as_torch = {
        "in_proj_weight": np.concatenate(
            [stored[n]["kernel"].reshape(8, 8).T for n in ("query", "key", "value")]
        ),
        "in_proj_bias": np.concatenate(
            [stored[n]["bias"].ravel() for n in ("query", "key", "value")]
        ),
        "out_proj.weight": stored["out"]["kernel"].reshape(8, 8).T,
        "out_proj.bias": stored["out"]["bias"],
    }
    x = random(5, 8)
    assert_close(layer(x, x, x), torch.attention(as_torch, x, x, x, 2))


class InOut(eqx.Module):
    """A layer of somebody else's, with inputs first."""

    weight: jax.Array
    shift: jax.Array

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.einsum("i...,iok->ok", x, self.weight) + self.shift[:, None]


ei.register_layout(InOut, weight="in out *kernel", shift="out", sizes={"kernel": 1})


def test_a_layout_says_where_the_axes_of_other_layers_are():
    layer = InOut(jnp.zeros((3, 4, 2)), jnp.zeros(4))
    stored = weights(weight=(4, 3, 2), shift=(4,))
    loaded = surgery.load_weights(layer, stored)
    assert np.array_equal(loaded.weight, stored["weight"].swapaxes(0, 1))
    assert np.array_equal(surgery.save_weights(loaded)["weight"], stored["weight"])
    flax = {"kernel": stored["weight"].transpose(2, 1, 0), "bias": stored["shift"]}
    assert eqx.tree_equal(loaded, surgery.load_weights(layer, flax))


class Token(eqx.Module):
    cls: jax.Array
    others: dict[str, jax.Array]


def test_leading_axes_of_one_are_dropped():
    """Tokens and positions of torch are of a batch of one."""
    model = Token(jnp.zeros(4), {"position": jnp.zeros((5, 4)), "gain": jnp.zeros(())})
    stored = {
        "cls": random(1, 1, 4),
        "others.position": random(1, 5, 4),
        "others.gain": random(1),
    }
    loaded = surgery.load_weights(model, stored)
    assert np.array_equal(loaded.cls, stored["cls"][0, 0])
    assert np.array_equal(loaded.others["position"], stored["others.position"][0])
    assert loaded.others["gain"] == stored["others.gain"][0]
    with pytest.raises(ValueError, match=r"`cls` \[4,1\] does not make `cls` \[4\]"):
        surgery.load_weights(model, stored | {"cls": random(4, 1)})
    with pytest.raises(ValueError, match=r"`cls` \[2,4\] does not make `cls` \[4\]"):
        surgery.load_weights(model, stored | {"cls": random(2, 4)})


@pytest.mark.first_case
@pytest.mark.parametrize("name", MODELS)
def test_saved_weights_are_loaded_again(name: str):
    make, call, example = MODELS[name]
    model, x = make(), example()
    stored = surgery.save_weights(model)
    blank = jax.tree.map(
        lambda leaf: jnp.zeros_like(leaf) if eqx.is_inexact_array(leaf) else leaf, model
    )
    loaded = surgery.load_weights(blank, stored)
    assert_same_outputs(call(model, x), call(loaded, x))
    assert_sound(loaded, call, x)


def test_names_and_axes_that_are_saved():
    stored = surgery.save_weights(transformer())
    assert stored["blocks.0.attn.in_proj_weight"].shape == (24, 8)
    assert stored["blocks.0.attn.in_proj_bias"].shape == (24,)
    # Only the queries have a bias, and torch's others are zero.
    assert (stored["blocks.0.attn.in_proj_bias"][8:] == 0).all()
    convolutions = surgery.save_weights(cnn())
    assert convolutions["conv1.bias"].shape == (6,)
    assert convolutions["norm1.running_mean"].shape == (6,)
    layer = nn.ConvTranspose2d(4, 6, 3, groups=2, key=KEY)
    assert surgery.save_weights(layer)["weight"].shape == (4, 3, 3, 3)
    cell = surgery.save_weights(nn.GRUCell(3, 4, key=KEY), rename={"**": "gru.**"})
    assert sorted(cell) == [
        f"gru.{name}" for name in ("bias_hh", "bias_ih", "weight_hh", "weight_ih")
    ]


@pytest.mark.parametrize(
    "make, state",
    [
        (lambda: nn.GRUCell(3, 4, key=KEY), False),
        (lambda: nn.LSTMCell(3, 4, use_bias=False, key=KEY), False),
        (lambda: nn.ConvTranspose1d(4, 6, 3, groups=2, key=KEY), False),
        (lambda: nn.WeightNorm(nn.Linear(3, 4, key=KEY)), False),
        (lambda: nn.SpectralNorm(nn.Linear(3, 4, key=KEY), "weight", key=KEY), True),
        (lambda: nn.MultiheadAttention(2, 8, key_size=5, key=KEY), False),
        (lambda: nn.PReLU(0.3), False),
    ],
)
def test_layers_survive_the_round_trip(make, state):
    model = nn.make_with_state(make)() if state else make()
    loaded = surgery.load_weights(model, surgery.save_weights(model))
    old, new = (jax.tree.leaves(eqx.filter(m, eqx.is_array)) for m in (model, loaded))
    # Weight norm multiplies and divides by a length.
    assert all(np.allclose(a, b, rtol=1e-6) for a, b in zip(old, new, strict=True))
    if isinstance(model, eqx.Module):
        assert jax.tree.structure(model) == jax.tree.structure(loaded)


def test_tied_weights_are_stored_twice():
    pair = (nn.Embedding(7, 4, key=KEY), nn.Linear(4, 7, use_bias=False, key=KEY))
    model = {"net": nn.Shared(pair, lambda p: p[1].weight, lambda p: p[0].weight)}
    stored = surgery.save_weights(model)
    first, second = "net.pytree.0.weight", "net.pytree.1.weight"
    assert np.array_equal(stored[first], stored[second])
    surgery.load_weights(model, stored)
    with pytest.raises(ValueError, match="is tied to"):
        surgery.load_weights(model, stored | {second: stored[second] + 1})


class Encoder(eqx.Module):
    embed: nn.Linear
    layers: list[nn.Linear]
    tail: nn.Sequential

    def __init__(self):
        self.embed = nn.Linear(3, 4, key=KEY)
        self.layers = [nn.Linear(4, 4, key=KEY), nn.Linear(4, 4, key=KEY)]
        self.tail = nn.Sequential([nn.LayerNorm(4), nn.Linear(4, 2, key=KEY)])


STORED = dict(
    inputs__weight=(4, 3),
    inputs__bias=(4,),
    encoder__layer0__fc__weight=(4, 4),
    encoder__layer0__fc__bias=(4,),
    encoder__layer1__fc__weight=(4, 4),
    encoder__layer1__fc__bias=(4,),
    tail__0__weight=(4,),
    tail__0__bias=(4,),
    tail__1__weight=(2, 4),
    tail__1__bias=(2,),
    position_ids=(9,),
)
RENAME = {"inputs": "embed", "**.layer*.fc": "layers.*", "position_ids": None}


def test_names_are_rewritten_by_patterns():
    stored = weights(**STORED)
    # The first star of the pattern is `encoder`, which the text leaves behind.
    rename = RENAME | {"encoder.layer*.fc": "layers.*"}
    del rename["**.layer*.fc"]
    model = surgery.load_weights(Encoder(), stored, rename=rename)
    assert np.array_equal(model.layers[1].weight, stored["encoder.layer1.fc.weight"])
    assert np.array_equal(model.tail[1].weight, stored["tail.1.weight"])

    def by_function(name):
        name = name.replace("inputs", "embed").replace("encoder.layer", "layers.")
        return None if name == "position_ids" else name.replace(".fc", "")

    again = surgery.load_weights(Encoder(), stored, rename=by_function)
    assert eqx.tree_equal(model, again)


def test_a_dry_run_prints_the_match():
    match = surgery.load_weights(Encoder(), weights(**STORED), dry_run=True)
    assert not match.complete
    assert match.unfilled[0] == "embed.weight"
    assert str(match).splitlines()[4:12] == [
        "layers.0..1.weight    [4,4]                                  not stored",
        "layers.0..1.bias      [4]                                    not stored",
        "tail.layers.0.weight  [4]    tail.0.weight",
        "tail.layers.0.bias    [4]    tail.0.bias",
        "tail.layers.1.weight  [2,4]  tail.1.weight",
        "tail.layers.1.bias    [2]    tail.1.bias",
        "                             inputs.weight [4,3]             unused",
        "                             inputs.bias [4]                 unused",
    ]
    assert str(match).splitlines()[-1] == (
        "4 of 10 parameters have their arrays, 7 arrays are unused, 0 do not fit"
    )
    assert "<table>" in match._repr_html_()


def test_leftovers_of_both_sides_are_errors():
    with pytest.raises(ValueError, match=r"nothing is stored for `embed\.weight`"):
        surgery.load_weights(Encoder(), weights(**STORED))
    with pytest.raises(ValueError, match=r"`position_ids` \[9\] is of no use"):
        surgery.load_weights(Encoder(), weights(**STORED))
    loose, record = surgery.load_weights(
        Encoder(), weights(**STORED), strict=False, record=True
    )
    assert np.array_equal(loose.tail[1].bias, weights(**STORED)["tail.1.bias"])
    assert "not loaded: position_ids" in record.notes
    kept = surgery.load_weights(
        Encoder(), weights(tail__1__bias=(2,)), keep=~ei.Path("tail.layers.1.bias")
    )
    assert kept.embed.weight is not None


def test_what_is_left_is_paired_by_order():
    stored = weights(**STORED)
    rename = {"position_ids": None}
    model = surgery.load_weights(Encoder(), stored, rename=rename, by_order=True)
    assert np.array_equal(model.layers[1].weight, stored["encoder.layer1.fc.weight"])
    with pytest.raises(ValueError, match="names leave 4 stored ones"):
        surgery.load_weights(Encoder(), stored, by_order=True)
    turned = dict(reversed(stored.items()))
    with pytest.raises(ValueError, match="does not make"):
        surgery.load_weights(Encoder(), turned, rename=rename, by_order=True)


def test_attention_is_one_layer_in_the_order():
    stored = weights(
        a__in_proj_weight=(24, 8),
        a__in_proj_bias=(24,),
        a__out_proj__weight=(8, 8),
        a__out_proj__bias=(8,),
        b__weight=(8, 8),
        b__bias=(8,),
    )
    model = (
        nn.MultiheadAttention(2, 8, **BIASED, key=KEY),
        nn.Linear(8, 8, key=KEY),
    )
    new = surgery.load_weights(model, stored, by_order=True)
    assert np.array_equal(new[0].key_proj.weight, stored["a.in_proj_weight"][8:16])
    assert np.array_equal(new[1].weight, stored["b.weight"])


def test_of_two_names_that_do_not_fit_the_first_is_told():
    model = nn.Sequential([nn.Linear(3, 4, use_bias=False, key=KEY)])
    stored = {"layers.0.weight": random(5, 5), "0.weight": random(6, 6)}
    with pytest.raises(ValueError, match="does not make `layers") as raised:
        surgery.load_weights(model, stored)
    assert str(raised.value).count("does not make") == 1


def test_wrong_shapes_are_errors_and_patterns_transpose():
    stored = weights(weight=(3, 4), bias=(4,))
    layer = nn.Linear(3, 4, key=KEY)
    with pytest.raises(
        ValueError, match=r"does not make `weight` \[4,3\] \(but transposed"
    ):
        surgery.load_weights(layer, stored)
    new = surgery.load_weights(layer, stored, transposed=["weight"])
    assert np.array_equal(new.weight, stored["weight"].T)
    with pytest.raises(ValueError, match="matches no stored name"):
        surgery.load_weights(layer, stored, transposed=["c_attn"])


@pytest.mark.parametrize(
    "rename, text",
    [
        ({"decoder": "blocks"}, "matches none of 2 names"),
        ({"weight": "*"}, "1 stars for 0"),
        (lambda name: "same", "stand for two arrays each"),
    ],
)
def test_renaming_that_goes_wrong(rename, text: str):
    layer = nn.Linear(3, 4, key=KEY)
    with pytest.raises(ValueError, match=text):
        surgery.load_weights(layer, weights(weight=(4, 3), bias=(4,)), rename=rename)


def test_values_are_cast_and_a_skeleton_is_filled():
    layer = nn.Linear(3, 4, dtype=jnp.bfloat16, key=KEY)
    stored = {
        k: v.astype(np.float64) for k, v in weights(weight=(4, 3), bias=(4,)).items()
    }
    assert surgery.load_weights(layer, stored).weight.dtype == jnp.bfloat16
    skeleton = eqx.filter_eval_shape(lambda: nn.Linear(3, 4, key=KEY))
    filled = surgery.load_weights(skeleton, stored)
    assert np.array_equal(filled.weight, stored["weight"].astype(np.float32))
    with pytest.raises(
        ValueError, match="is float32, and what is stored is complex128"
    ):
        surgery.load_weights(skeleton, stored | {"weight": stored["weight"] * 1j})
    with pytest.raises(TypeError, match="and no array"):
        surgery.load_weights(skeleton, stored | {"weight": object()})


FILES = sorted((Path(__file__).parents[1] / "references").glob("torch_*.npz"))
LAYERS = {
    "linear": lambda: nn.Linear(3, 4, key=KEY),
    "conv": lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, key=KEY),
    "conv_transpose": lambda: nn.ConvTranspose2d(
        4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, key=KEY
    ),
    "lstm": lambda: nn.LSTMCell(3, 4, key=KEY),
    "gru": lambda: nn.GRUCell(3, 4, key=KEY),
    "attention": lambda: nn.MultiheadAttention(2, 8, **BIASED, key=KEY),
    "layer_norm": lambda: nn.LayerNorm(6),
    "batch_norm": lambda: nn.BatchNorm(3, "batch", mode="batch"),
    "embedding": lambda: nn.Embedding(7, 4, key=KEY),
    "prelu": lambda: nn.PReLU(jnp.zeros((3,))),
}


def output(name: str, layer, x):
    if name == "attention":
        return layer(x, x, x)
    if name in ("lstm", "gru"):
        zero = jnp.zeros(4)
        return run_cell(layer, x, (zero, zero) if name == "lstm" else zero)
    if name == "batch_norm":
        return nn.inference_mode(layer)(x, nn.State(layer))[0]
    return jax.vmap(layer)(x) if name == "embedding" else layer(x)


def state_dict(file: Path) -> tuple[str, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The layer's name, its weights, and the input `x` with the output `y`."""
    arrays = dict(np.load(file))
    stored = {k.removeprefix("state."): v for k, v in arrays.items() if "state." in k}
    return file.stem.removeprefix("torch_"), stored, arrays


def test_every_layer_has_a_file():
    assert {file.stem.removeprefix("torch_") for file in FILES} == set(LAYERS)


@pytest.mark.first_case
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_outputs_of_torch(file: Path):
    name, stored, arrays = state_dict(file)
    layer = surgery.load_weights(LAYERS[name](), stored)
    assert_close(output(name, layer, arrays["x"]), arrays["y"])


@pytest.mark.first_case
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_saved_is_what_torch_has(file: Path):
    """Names, axes and values; of the two biases of a cell, torch's sum."""
    name, stored, _ = state_dict(file)
    saved = surgery.save_weights(surgery.load_weights(LAYERS[name](), stored))
    if name in ("lstm", "gru"):
        saved = {f"{key}_l0": value for key, value in saved.items()}
        # Of a GRU the state's bias of n alone is apart.
        for both in (saved, stored):
            bias = both.pop("bias_hh_l0")
            both["bias_ih_l0"] = both["bias_ih_l0"] + bias
    stored.pop("num_batches_tracked", None)
    saved.pop("num_batches_tracked", None)
    assert {k: v.shape for k, v in saved.items()} == {
        k: v.shape for k, v in stored.items()
    }
    assert all(np.allclose(saved[k], stored[k], atol=1e-6) for k in stored)


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(LAYERS.keys() - {"batch_norm", "prelu"}))
def test_a_stack_is_stored_as_what_its_layers_are_stored_as(name: str):
    """Along an axis in front, and loaded again to the last bit."""
    one, rest = eqx.partition(LAYERS[name](), eqx.is_array)
    parts = [jax.tree.map(lambda x, i=i: x + i, one) for i in range(3)]
    stack = eqx.combine(jax.tree.map(lambda *xs: jnp.stack(xs), *parts), rest)
    saved = surgery.save_weights(stack)
    apart = [surgery.save_weights(eqx.combine(part, rest)) for part in parts]
    assert saved.keys() == apart[0].keys()
    for key, array in saved.items():
        assert np.array_equal(array, np.stack([stored[key] for stored in apart]))
    blank = jax.tree.map(lambda x: x * 0 if eqx.is_array(x) else x, stack)
    loaded = surgery.load_weights(blank, saved)
    assert eqx.tree_equal(loaded, stack)
