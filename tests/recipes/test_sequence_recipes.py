"""RWKV-7, xLSTM, wav2vec 2.0 and DT-Fixup against what their sources say.

Tables of `fla`, `xlstm` and `transformers` are in `test_references.py`. The code of
RWKV-7's authors and of DT-Fixup runs nowhere but where they trained: their statements
are worked out here with numpy, element by element as they stand there.
"""

import math
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from networks import TOKENS, Gpt, call
from sequence_models import BLOCKS, HEAD, WIDTH, Rwkv7, mlstm, slstm, wav2vec2, xlstm

import eqinit as ei
from eqinit import recipes


KEY = jax.random.key(0)


def authors(block: int) -> dict[str, np.ndarray]:
    """`RWKV_Tmix_x070` and `RWKV_CMix_x070` of RWKV-LM, by its names."""
    ratio = block / (BLOCKS - 1)
    rest = 1.0 - block / BLOCKS
    share, linear, zigzag, www = (np.zeros(WIDTH) for _ in range(4))
    for n in range(WIDTH):
        share[n] = n / WIDTH
        linear[n] = n / (WIDTH - 1) - 0.5
        zigzag[n] = ((n % HEAD) - ((HEAD - 1) / 2)) / ((HEAD - 1) / 2)
        zigzag[n] = zigzag[n] * abs(zigzag[n])
        www[n] = -6 + 6 * (n / (WIDTH - 1)) ** (1 + ratio**0.3)
    powers = {"r": 0.2, "w": 0.9, "k": 0.7, "v": 0.7, "a": 0.9, "g": 0.2}
    return {
        **{f"att.x_{x}": 1 - share ** (power * rest) for x, power in powers.items()},
        "ffn.x_k": 1 - share ** (rest**4),
        "att.w0": www + 0.5 + zigzag * 2.5,
        "att.a0": -0.19 + zigzag * 0.3 + linear * 0.4,
        "att.v0": 0.73 - linear * 0.4,
        "att.k_k": 0.71 - linear * 0.1,
        "att.k_a": np.full(WIDTH, 1.02),
        "att.r_k": np.full((WIDTH // HEAD, HEAD), -0.04),
        "att.ln_x.weight": np.full(WIDTH, ((1 + block) / BLOCKS) ** 0.7),
    }


@pytest.fixture(scope="module")
def rwkv7() -> Rwkv7:
    return ei.apply(Rwkv7(), KEY, recipes.rwkv7(HEAD))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_curves_of_rwkv7_are_its_authors(rwkv7: Rwkv7, block: int):
    for path, wanted in authors(block).items():
        ours = np.asarray(ei.select(rwkv7, f"blocks.{block}.{path}").get()[0])
        # Worked out in float64 and rounded once to float32; none is larger than 8.
        assert np.abs(ours.reshape(wanted.shape) - wanted).max() <= 4 * 2**-23, path


def test_matrices_of_rwkv7_are_orthogonal(rwkv7: Rwkv7):
    """With the gains of `ortho_init` and `generate_init_weight`."""
    att, ffn = rwkv7.blocks[1]["att"], rwkv7.blocks[1]["ffn"]
    wanted = {
        "w2": (att["w2"], 0.1),  # (4, 16): no more rows than columns
        "g2": (att["g2"], 0.1 * math.sqrt(32 / 16)),
        "receptance": (att["receptance"].weight, 1.0),
        "key": (att["key"].weight, 0.1),
        "value": (att["value"].weight, 1.0),
        "ffn.key": (ffn["key"].weight, 1.0),
        "head": (rwkv7.head.weight, 0.5 * math.sqrt(27 / 16)),
    }
    for name, (matrix, gain) in wanted.items():
        values = np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False)
        # A float32 factorisation of 64 rows: a few hundred roundings of 2**-24.
        assert np.abs(values / gain - 1).max() < 2**-15, name
    zero = [att["output"].weight, ffn["value"].weight, att["w1"], att["g1"]]
    assert not any(np.asarray(array).any() for array in zero)


@pytest.mark.thorough
def test_rwkv7_as_its_layers_draw_themselves():
    plan = ei.plan(Rwkv7(), recipes.rwkv7(HEAD, kernel="uniform"))
    bounds = {"att.receptance": 0.5, "att.key": 0.05, "att.value": 0.5, "ffn.key": 0.5}
    for name, bound in bounds.items():
        row = plan[f"blocks.1.{name}.weight"]
        assert row.std == pytest.approx(bound / WIDTH**0.5 / 3**0.5), name


@pytest.mark.thorough
def test_rwkv7_says_what_it_lacks():
    with pytest.raises(ValueError, match=r"w0.*matches nothing"):
        ei.plan(slstm(), recipes.rwkv7())
    with pytest.raises(
        ValueError, match=r"head_size=1; it must be a whole number >= 2"
    ):
        recipes.rwkv7(1)
    alone = {"att": Rwkv7().blocks[0]["att"]}
    with pytest.raises(ValueError, match="in no sequence of blocks, so that rwkv7"):
        ei.plan(alone, recipes.rwkv7())


def forget(block: int, count: int, units: int) -> np.ndarray:
    """`powerlaw_blockdependent` of `sLSTMCell`."""
    ratio = block / (count - 1) if count > 1 else 0.0
    power = 0.3 + 1.3 * ratio
    return -(-5.0 + 12.0 * (np.arange(units) / (units - 1)) ** power)


@pytest.mark.thorough
def test_one_slstm_among_mlstms():
    model = ei.apply(xlstm(), KEY, recipes.xlstm(4, WIDTH))
    inner = model["blocks"][1]["xlstm"]
    bias = np.asarray(inner["slstm_cell"]["bias"])
    # Of four heads, each with the gates i, f, z, o. Rounded once, none above 7.
    assert np.abs(bias[:, 1] - forget(1, 4, 4)).max() <= 2**-21
    assert not bias[:, [0, 2, 3]].any()
    assert not inner["slstm_cell"]["recurrent_kernel"].any()
    # Its gates are layers as others are; those of an mLSTM are at rest.
    assert inner["igate"].weight.all()
    assert inner["fgate"].weight.all()
    cell = model["blocks"][2]["xlstm"]["mlstm_cell"]
    assert not cell["igate"].weight.any()
    assert not cell["fgate"].weight.any()
    assert np.allclose(cell["fgate"].bias, [3, 4, 5, 6], rtol=1e-7)
    assert (model["blocks"][0]["xlstm"]["learnable_skip"] == 1).all()


class Cell(eqx.Module):
    bias: jax.Array


@pytest.mark.thorough
@pytest.mark.parametrize("shape", [(4, 4, 5), (20,)])
def test_an_slstm_whose_layout_names_the_gates(shape: tuple[int, ...]):
    axes = "head gate out" if len(shape) == 3 else "(gate out)"
    layouts = {Cell: {"bias": axes, "sizes": {"gate": ("z", "f", "i", "o")}}}
    blocks = [{"slstm_cell": Cell(np.zeros(shape, np.float32))} for _ in range(3)]
    model = {"blocks": blocks, "proj_down": mlstm()["xlstm"]["proj_down"]}
    drawn = ei.apply(model, KEY, recipes.xlstm(3, WIDTH), layouts=layouts)
    for block in range(3):
        bias = drawn["blocks"][block]["slstm_cell"].bias.reshape(-1, 4, 5)
        assert np.abs(bias[:, 1] - forget(block, 3, 5)).max() <= 2**-21
        assert not bias[:, [0, 2, 3]].any()


@pytest.mark.thorough
def test_slstms_that_are_stacked():
    stack: Any = jax.tree.map(lambda x: np.stack([x] * 3), slstm()["xlstm"])
    model = {"layers": stack, "proj_down": mlstm()["xlstm"]["proj_down"]}
    drawn = ei.apply(model, KEY, recipes.xlstm(3, WIDTH))
    for block, bias in enumerate(np.asarray(drawn["layers"]["slstm_cell"]["bias"])):
        assert np.abs(bias[:, 1] - forget(block, 3, 4)).max() <= 2**-21


@pytest.mark.thorough
def test_xlstm_says_what_it_lacks():
    rules = recipes.xlstm(1, WIDTH)
    inner = mlstm()["xlstm"]
    down = {"proj_down": inner["proj_down"]}
    with pytest.raises(ValueError, match=r"xlstm found no forget gates.*cell=\.\.\."):
        ei.plan(down, rules)
    with pytest.raises(ValueError, match=r"found no down projections.*down=\.\.\."):
        ei.plan({"fgate": inner["mlstm_cell"]["fgate"]}, rules)
    blocks = {"blocks": [{**down, "slstm_cell": {"bias": np.zeros((2, 3), "f4")}}]}
    with pytest.raises(ValueError, match=r"has shape \(2, 3\); xlstm takes the bias"):
        ei.plan(blocks, rules)
    notes = str(ei.plan({"blocks": [mlstm()]}, rules))
    assert "found no recurrent kernels and no embeddings" in notes


@pytest.mark.thorough
def test_wav2vec2_locates_behind_a_weight_norm():
    """The effective kernel has std 2 / sqrt(8 taps * 16 channels), of all groups."""
    model = ei.apply(wav2vec2(), KEY, recipes.wav2vec2())
    wrapped = model["encoder"]["pos_conv_embed"]["conv"]
    v, g = np.asarray(wrapped.layer.weight, np.float64), np.asarray(wrapped.g)
    norms = np.sqrt((v**2).sum((0, 1), keepdims=True))
    used = v / norms * g.reshape(1, 1, -1)
    wanted = 2 / math.sqrt(8 * WIDTH)
    # Of 512 normals: five standard errors of the std.
    assert abs(used.std() / wanted - 1) < 5 / math.sqrt(2 * used.size)
    assert not np.asarray(wrapped.layer.bias).any()
    codes = np.asarray(model["quantizer"]["codevectors"])
    # Of 80 in [0, 1): an empty fifth at either end once in 28 million seeds.
    assert 0 <= codes.min() < 0.2
    assert 0.8 < codes.max() < 1


def test_wav2vec2_says_what_it_lacks():
    message = r"recipes\.wav2vec2 found no convolution for positions.*positions="
    with pytest.raises(ValueError, match=message):
        ei.plan(mlstm(), recipes.wav2vec2())


def factor_of_the_authors(max_norm: float, layers: int) -> float:
    """`dt_fixup` of the authors' optimizer, which divides by it."""
    norm_factor = 4 * max_norm**2 + 2 * max_norm + 2
    return (norm_factor * layers) ** 0.5


@pytest.mark.parametrize(("largest", "layers"), [(0.0, 1), (10.0, 24), (3.5, 8)])
def test_scale_of_dt_fixup(largest: float, layers: int):
    wanted = 1 / factor_of_the_authors(largest, layers)
    assert ei.depth.dt_fixup(layers, largest) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.thorough
def test_dt_fixup_by_a_trace():
    model = Gpt(2)
    layouts = ei.trace_layouts(model, call, TOKENS)
    gain = 1 / factor_of_the_authors(5.0, 2)
    kernels = 0
    for row in ei.plan(model, recipes.dt_fixup(5.0), layouts=layouts):
        if row.spec.role != "kernel":
            continue
        kernels += 1
        layer = row.path.split(".")[-2]
        inside = layer in ("value_proj", "output_proj") or ".mlp." in row.path
        scale = gain if inside else 1.0
        std = scale * math.sqrt(2 / sum(row.spec.shape))
        assert row.std == pytest.approx(std), row.path
    assert kernels == 13  # six in each of two blocks, and the head
