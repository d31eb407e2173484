"""Every recipe on a small model: what its plan says, and that all of it is claimed."""

import inspect
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sequence_models

import eqinit as ei
from eqinit import recipes


KEY = jax.random.key(0)
WIDTH, HEADS, BLOCKS = 12, 3, 4


class Block(eqx.Module):
    norm: eqx.nn.LayerNorm
    attn: eqx.nn.MultiheadAttention
    mlp: eqx.nn.MLP

    def __init__(self):
        attention = eqx.nn.MultiheadAttention
        self.norm = eqx.nn.LayerNorm(WIDTH)
        self.attn = attention(HEADS, WIDTH, use_output_bias=True, key=KEY)
        self.mlp = eqx.nn.MLP(WIDTH, WIDTH, 2 * WIDTH, 1, key=KEY)


class Transformer(eqx.Module):
    embed: eqx.nn.Embedding
    pos_embed: jax.Array
    cls_token: jax.Array
    patch: eqx.nn.Conv2d
    blocks: list[Block]
    head: eqx.nn.Linear

    def __init__(self):
        self.embed = eqx.nn.Embedding(20, WIDTH, key=KEY)
        self.pos_embed = jnp.zeros((5, WIDTH))
        self.cls_token = jnp.zeros(WIDTH)
        self.patch = eqx.nn.Conv2d(3, WIDTH, 2, key=KEY)
        self.blocks = [Block() for _ in range(BLOCKS)]
        self.head = eqx.nn.Linear(WIDTH, 10, key=KEY)


class Residual(eqx.Module):
    conv1: eqx.nn.Conv2d
    norm1: eqx.nn.GroupNorm
    conv2: eqx.nn.Conv2d
    norm2: eqx.nn.GroupNorm

    def __init__(self):
        self.conv1 = eqx.nn.Conv2d(8, 16, 3, key=KEY)
        self.norm1 = eqx.nn.GroupNorm(2, 16)
        self.conv2 = eqx.nn.Conv2d(16, 8, 3, key=KEY)
        self.norm2 = eqx.nn.GroupNorm(2, 8)


class Resnet(eqx.Module):
    stem: eqx.nn.Conv2d
    blocks: list[Residual]
    norm: eqx.nn.BatchNorm
    head: eqx.nn.Linear

    def __init__(self):
        self.stem = eqx.nn.Conv2d(3, 8, 3, key=KEY)
        self.blocks = [Residual() for _ in range(4)]
        self.norm = eqx.nn.BatchNorm(8, "batch", mode="ema")
        self.head = eqx.nn.Linear(8, 10, key=KEY)


class Recurrent(eqx.Module):
    embed: eqx.nn.Embedding
    cell: eqx.nn.LSTMCell
    gru: eqx.nn.GRUCell
    head: eqx.nn.Linear

    def __init__(self):
        self.embed = eqx.nn.Embedding(20, 6, key=KEY)
        self.cell = eqx.nn.LSTMCell(6, 8, key=KEY)
        self.gru = eqx.nn.GRUCell(8, 8, key=KEY)
        self.head = eqx.nn.Linear(8, 3, key=KEY)


class StateSpace(eqx.Module):
    A_log: jax.Array
    D: jax.Array
    dt_bias: jax.Array
    dt_proj: eqx.nn.Linear
    log_A_real: jax.Array
    A_imag: jax.Array
    log_dt: jax.Array

    def __init__(self):
        self.A_log, self.D, self.dt_bias = jnp.zeros((6, 4)), jnp.zeros(6), jnp.zeros(6)
        self.dt_proj = eqx.nn.Linear(4, 6, key=KEY)
        self.log_A_real, self.A_imag = jnp.zeros((6, 4)), jnp.zeros((6, 4))
        self.log_dt = jnp.zeros(6)


class Mlstm(eqx.Module):
    embed: eqx.nn.Embedding
    proj_up: eqx.nn.Linear
    igate: eqx.nn.Linear
    fgate: eqx.nn.Linear
    proj_down: eqx.nn.Linear
    norm: eqx.nn.RMSNorm

    def __init__(self):
        self.embed = eqx.nn.Embedding(20, 16, key=KEY)
        self.proj_up = eqx.nn.Linear(16, 32, key=KEY)
        self.igate = eqx.nn.Linear(32, 4, key=KEY)
        self.fgate = eqx.nn.Linear(32, 4, key=KEY)
        self.proj_down = eqx.nn.Linear(32, 16, key=KEY)
        self.norm = eqx.nn.RMSNorm(16)


class Adapted(eqx.Module):
    weight: jax.Array
    lora_a: jax.Array
    lora_b: jax.Array

    def __init__(self):
        self.weight, self.lora_a = jnp.ones((12, 16)), jnp.zeros((4, 16))
        self.lora_b = jnp.zeros((12, 4))


class Rwkv(eqx.Module):
    """The names of the authors' model, one layer a name."""

    embed: eqx.nn.Embedding
    blocks: list[dict[str, Any]]
    head: eqx.nn.Linear

    def __init__(self):
        def linear(out: int = 12) -> eqx.nn.Linear:
            return eqx.nn.Linear(12, out, use_bias=False, key=KEY)

        self.embed = eqx.nn.Embedding(27, 12, key=KEY)
        att = {name: linear() for name in ("receptance", "key", "gate", "output")}
        ffn = {name: linear() for name in ("key", "value", "receptance")}
        att |= {"ln_x": eqx.nn.LayerNorm(12)}
        self.blocks = [{"att": att, "ffn": ffn} for _ in range(BLOCKS)]
        self.head = linear(27)


class Rwkv4(eqx.Module):
    """The names of the authors' model, the first block with one norm more."""

    emb: eqx.nn.Embedding
    blocks: list[dict[str, Any]]
    head: eqx.nn.Linear

    def __init__(self):
        def linear(ins: int = 12, out: int = 12) -> eqx.nn.Linear:
            return eqx.nn.Linear(ins, out, use_bias=False, key=KEY)

        def block() -> dict[str, Any]:
            att: dict[str, Any] = {
                name: linear() for name in ("key", "value", "receptance", "output")
            }
            ffn: dict[str, Any] = {"key": linear(12, 48), "value": linear(48, 12)}
            for name in ("time_decay", "time_first", "time_mix_k", "time_mix_v"):
                att[name] = jnp.zeros(12)
            att["time_mix_r"], ffn["time_mix_k"] = jnp.zeros((1, 1, 12)), jnp.zeros(12)
            return {"ln1": eqx.nn.LayerNorm(12), "att": att, "ffn": ffn}

        self.emb = eqx.nn.Embedding(27, 12, key=KEY)
        self.blocks = [block() for _ in range(BLOCKS)]
        self.blocks[0]["ln0"] = eqx.nn.LayerNorm(12)
        self.head = linear(12, 27)


class Diffuser(eqx.Module):
    patch: eqx.nn.Conv2d
    t_embedder: eqx.nn.MLP
    y_embedder: eqx.nn.Embedding
    blocks: list[dict[str, Any]]
    final_layer: eqx.nn.Sequential

    def __init__(self):
        self.patch = eqx.nn.Conv2d(3, WIDTH, 2, 2, key=KEY)
        self.t_embedder = eqx.nn.MLP(6, WIDTH, WIDTH, 1, key=KEY)
        self.y_embedder = eqx.nn.Embedding(5, WIDTH, key=KEY)
        modulation = eqx.nn.Linear(WIDTH, 6 * WIDTH, key=KEY)
        qkv = eqx.nn.Linear(WIDTH, 3 * WIDTH, key=KEY)
        self.blocks = [{"qkv": qkv, "adaLN_modulation": modulation}]
        norm, last = eqx.nn.LayerNorm(WIDTH), eqx.nn.Linear(WIDTH, 8, key=KEY)
        self.final_layer = eqx.nn.Sequential([norm, last])


class Windowed(eqx.Module):
    relative_position_bias_table: jax.Array
    gamma: jax.Array
    proj: eqx.nn.Linear
    head: eqx.nn.Linear

    def __init__(self):
        self.relative_position_bias_table = jnp.zeros((9, HEADS))
        self.gamma = jnp.zeros(WIDTH)
        self.proj = eqx.nn.Linear(WIDTH, WIDTH, key=KEY)
        self.head = eqx.nn.Linear(WIDTH, 10, key=KEY)


class Agent(eqx.Module):
    body: eqx.nn.MLP
    policy: eqx.nn.Linear
    value: eqx.nn.Linear

    def __init__(self):
        self.body = eqx.nn.MLP(4, 16, 16, 2, key=KEY)
        self.policy = eqx.nn.Linear(16, 2, key=KEY)
        self.value = eqx.nn.Linear(16, 1, key=KEY)


class S5Layer(eqx.Module):
    """The names and shapes of the authors' layer: 6 states, of 12, and 5 features."""

    Lambda_re: jax.Array
    Lambda_im: jax.Array
    B: jax.Array
    C: jax.Array
    D: jax.Array
    log_step: jax.Array

    def __init__(self):
        self.Lambda_re, self.Lambda_im = jnp.zeros(6), jnp.zeros(6)
        self.B, self.C = jnp.zeros((6, 5, 2)), jnp.zeros((5, 6, 2))
        self.D, self.log_step = jnp.zeros(5), jnp.zeros((6, 1))


def lru_layer() -> dict[str, jax.Array]:
    ring = {name: jnp.zeros(6) for name in ("nu_log", "theta_log", "gamma_log")}
    ring |= {name: jnp.zeros((6, 5)) for name in ("B_re", "B_im")}
    ring |= {name: jnp.zeros((5, 6)) for name in ("C_re", "C_im")}
    return ring | {"D": jnp.zeros(5)}


def generator() -> dict[str, Any]:
    return {
        "mapping": eqx.nn.MLP(8, 8, 8, 1, key=KEY),
        "const": jnp.zeros((8, 4, 4)),
        "layers": [
            {
                "affine": eqx.nn.Linear(8, 8, key=KEY),
                "conv": eqx.nn.Conv2d(8, 4, 3, key=KEY),
                "noise_strength": jnp.zeros(()),
            }
        ],
    }


def unet() -> dict[str, Any]:
    block = {name: eqx.nn.Conv2d(8, 8, 3, key=KEY) for name in ("conv1", "conv2")}
    block |= {"norm": eqx.nn.GroupNorm(2, 8), "time": eqx.nn.Linear(12, 8, key=KEY)}
    attention = {"qkv": eqx.nn.Conv2d(8, 24, 1, key=KEY)}
    attention |= {"proj_out": eqx.nn.Conv2d(8, 8, 1, key=KEY)}
    last = eqx.nn.Conv2d(8, 3, 3, key=KEY)
    return {"down": [block], "attention": attention, "conv_out": last}


def couplings() -> dict[str, Any]:
    return {
        "rotation": jnp.zeros((6, 6)),
        "coupling": eqx.nn.MLP(3, 6, 16, 1, key=KEY),
    }


def heads() -> dict[str, Any]:
    return {
        "weight": eqx.nn.Linear(7, 12 * 10, key=KEY),
        "bias": eqx.nn.Linear(7, 12, key=KEY),
    }


def graph() -> dict[str, Any]:
    return {
        "fc": eqx.nn.Linear(6, 8, key=KEY),
        "attn_l": jnp.zeros((1, 2, 4)),
        "attn_r": jnp.zeros((1, 2, 4)),
    }


def splines() -> dict[str, jax.Array]:
    sizes = {"c_basis": (3, 5, 8), "c_res": (3, 5), "c_spl": (3, 5)}
    return {name: jnp.zeros(shape) for name, shape in sizes.items()}


def operator() -> dict[str, Any]:
    return {
        "lift": eqx.nn.Conv1d(2, 6, 1, key=KEY),
        "spectral": {"weight": jnp.zeros((6, 10, 4), jnp.complex64)},
    }


def mlp(width: int = 16) -> eqx.nn.MLP:
    return eqx.nn.MLP(2, 1, width, 2, key=KEY)


STD = pytest.approx
_OUT = ei.Path("**.output_proj") | ei.Path("**.mlp.layers.1")

# (recipe, its rules, the model, whether all of the model is claimed, stds by path)
CASES = {
    "torch_default": (
        recipes.torch_default(),
        Recurrent,
        True,
        {"embed.weight": 1.0, "cell.bias": (3 * 8) ** -0.5, "head.bias": 24**-0.5},
    ),
    "flax": (
        recipes.flax(),
        Recurrent,
        True,
        {"embed.weight": 6**-0.5, "cell.weight_hh": 8**-0.5, "gru.bias_n": 0.0},
    ),
    "keras": (
        recipes.keras(),
        Recurrent,
        True,
        # One in a quarter of the bias: std sqrt(3) / 4.
        {"cell.bias": 3**0.5 / 4, "embed.weight": 0.05 / 3**0.5, "gru.bias": 0.0},
    ),
    "nan": (recipes.nan(), Recurrent, True, {}),
    "zeros": (recipes.zeros(), Recurrent, True, {"head.weight": 0.0}),
    "t5": (
        recipes.t5(WIDTH, WIDTH // HEADS),
        Transformer,
        False,
        {
            "blocks.1.attn.query_proj.weight": (12 * 4) ** -0.5,
            "blocks.1.attn.output_proj.weight": 12**-0.5,
            "blocks.1.mlp.layers.1.weight": 24**-0.5,
            "embed.weight": 1.0,
        },
    ),
    "olmo": (
        recipes.olmo(_OUT),
        Transformer,
        False,
        {
            "blocks.0.attn.key_proj.weight": 12**-0.5,
            "blocks.0.mlp.layers.1.weight": (2 * 24) ** -0.5,
            "blocks.3.mlp.layers.1.weight": (8 * 24) ** -0.5,
            "embed.weight": 12**-0.5,
        },
    ),
    "rwkv": (
        recipes.rwkv(BLOCKS),
        Rwkv,
        True,
        {
            "embed.weight": 1e-4 / 3**0.5,
            # The columns of 27 x 12 have length 0.75, the rows of 12 x 12 length 1.
            "head.weight": 0.75 / 27**0.5,
            "blocks.1.att.key.weight": 0.1 / 12**0.5,
            "blocks.1.att.receptance.weight": 12**-0.5,
            "blocks.1.ffn.receptance.weight": 0.0,
        },
    ),
    "rwkv4": (
        recipes.rwkv4(),
        Rwkv4,
        True,
        {
            "emb.weight": 1e-4 / 3**0.5,
            # A gain of one half times sqrt(27 / 12), over the root of 27 rows.
            "head.weight": 0.75 / 27**0.5,
            "blocks.1.att.key.weight": 0.0,
            "blocks.1.att.value.weight": 12**-0.5,
            "blocks.1.ffn.key.weight": 2 / 48**0.5,
            "blocks.1.ffn.value.weight": 0.0,
            "blocks.1.att.time_first": 0.5 * (2 / 3) ** 0.5,
            "blocks.0.att.time_decay": 8 * float(np.std((np.arange(12) / 11) ** 0.7)),
            "blocks.3.att.time_decay": 8 * float(np.std((np.arange(12) / 11) ** 2)),
            "blocks.2.att.time_mix_r": float(np.std((np.arange(12) / 12) ** 0.25)),
            "blocks.2.ffn.time_mix_k": float(np.std((np.arange(12) / 12) ** 0.5)),
        },
    ),
    "rwkv7": (
        recipes.rwkv7(sequence_models.HEAD),
        sequence_models.Rwkv7,
        True,
        {
            "emb.weight": 1e-4 / 3**0.5,
            "blocks.1.att.key.weight": 0.1 / 4,
            "blocks.1.att.output.weight": 0.0,
            "blocks.1.att.r_k": 0.0,
            "blocks.1.ffn.key.weight": 1 / 64**0.5,
            "blocks.1.att.g2": 0.1 * 2**0.5 / 32**0.5,
        },
    ),
    "wav2vec2": (
        recipes.wav2vec2(),
        sequence_models.wav2vec2,
        True,
        {
            "masked_spec_embed": 12**-0.5,
            "feature_extractor.1.weight": (2 / 24) ** 0.5,
            "feature_extractor.1.bias": (3 * 24) ** -0.5,
            "feature_projection.projection.weight": (3 * 8) ** -0.5,
            "feature_projection.projection.bias": (3 * 8) ** -0.5,
            "encoder.layers.0.attention.query_proj.weight": 0.02,
            "quantizer.weight_proj.weight": 1.0,
            "project_q.bias": (3 * 8) ** -0.5,
        },
    ),
    "dt_fixup": (
        recipes.dt_fixup(3.0, BLOCKS),
        Transformer,
        False,
        {
            "blocks.0.attn.query_proj.weight": (2 / 24) ** 0.5,
            # 4 blocks, 4 * 9 + 2 * 3 + 2.
            "blocks.0.attn.value_proj.weight": (4 * 44) ** -0.5 * (2 / 24) ** 0.5,
            "embed.weight": (2 / (20 + WIDTH)) ** 0.5,
        },
    ),
    "lora": (
        recipes.lora(),
        Adapted,
        False,
        {"lora_a": (3 * 16) ** -0.5, "lora_b": 0.0},
    ),
    "vit_moco": (
        recipes.vit_moco("**.qkv"),
        Diffuser,
        False,
        {
            "patch.weight": (2 / (12 + 12)) ** 0.5,
            "blocks.0.qkv.weight": (2 / 24) ** 0.5,
            "blocks.0.adaLN_modulation.weight": (2 / 84) ** 0.5,
        },
    ),
    "dit": (
        recipes.dit(),
        Diffuser,
        True,
        {
            "patch.weight": (2 / (12 + 12)) ** 0.5,
            "t_embedder.layers.0.weight": 0.02,
            "t_embedder.layers.0.bias": 0.0,
            "y_embedder.weight": 0.02,
            "blocks.0.adaLN_modulation.weight": 0.0,
            "blocks.0.qkv.weight": (2 / 48) ** 0.5,
            "final_layer.layers.1.weight": 0.0,
        },
    ),
    "swin": (
        recipes.swin(),
        Windowed,
        True,
        {"relative_position_bias_table": 0.02, "proj.weight": 0.02},
    ),
    "convnext": (
        recipes.convnext("head", 0.1),
        Windowed,
        False,
        {"head.weight": 0.002, "proj.weight": 0.02, "gamma": 0.0},
    ),
    "efficientnet": (
        recipes.efficientnet(),
        Resnet,
        True,
        # Torch's: 1 / sqrt(10 outputs) is the bound.
        {"stem.weight": (2 / 72) ** 0.5, "head.weight": 30**-0.5, "head.bias": 0.0},
    ),
    "cait": (
        recipes.cait(36),
        Windowed,
        False,
        {"proj.weight": 0.02, "gamma": 0.0},
    ),
    "mixer": (
        recipes.mixer("head"),
        Transformer,
        False,
        {
            "head.weight": 0.0,
            "patch.weight": 12**-0.5,
            "blocks.2.mlp.layers.0.bias": 1e-6,
            "blocks.2.mlp.layers.0.weight": (2 / 36) ** 0.5,
        },
    ),
    "gpt2": (
        recipes.gpt2(BLOCKS, _OUT),
        Transformer,
        True,
        {
            "blocks.1.attn.query_proj.weight": 0.02,
            "blocks.1.attn.output_proj.weight": 0.02 / 8**0.5,
            "blocks.3.mlp.layers.1.weight": 0.02 / 8**0.5,
            "blocks.3.mlp.layers.0.weight": 0.02,
            "embed.weight": 0.02,
        },
    ),
    "neox": (
        recipes.neox(BLOCKS, WIDTH, _OUT),
        Transformer,
        False,
        {
            "blocks.1.attn.output_proj.weight": 2 / (BLOCKS * WIDTH**0.5),
            "head.weight": (2 / (5 * WIDTH)) ** 0.5,
        },
    ),
    "regnet": (
        recipes.regnet("blocks.*.norm2"),
        Resnet,
        True,
        {"stem.weight": (2 / 72) ** 0.5, "head.weight": 0.01},
    ),
    "nfnet": (
        recipes.nfnet(),
        Resnet,
        True,
        {"stem.weight": 27**-0.5, "head.weight": 0.01, "head.bias": 0.0},
    ),
    "bert": (
        recipes.bert(),
        Transformer,
        True,
        {"embed.weight": 0.02, "pos_embed": 0.02, "head.weight": 0.02},
    ),
    "llama": (
        recipes.llama(0.01),
        Transformer,
        True,
        {"embed.weight": 0.01, "blocks.0.norm.weight": 0.0},
    ),
    "plain_normal": (
        recipes.plain_normal(),
        Transformer,
        True,
        {"head.weight": 0.02, "blocks.0.norm.weight": 0.0},
    ),
    "vaswani": (
        recipes.vaswani(),
        Transformer,
        False,
        {
            # Fused, torch's in_proj has fans 12 and 36: bound sqrt(6 / 48).
            "blocks.0.attn.key_proj.weight": (2 / 48) ** 0.5,
            "blocks.0.attn.output_proj.weight": (2 / 24) ** 0.5,
            "embed.weight": WIDTH**-0.5,
        },
    ),
    "t_fixup": (
        recipes.t_fixup(BLOCKS),
        Transformer,
        False,
        {
            "blocks.0.attn.query_proj.weight": (2 / 24) ** 0.5,
            "blocks.0.attn.value_proj.weight": 0.67 * 4**-0.25 * (2 / 24) ** 0.5,
            "embed.weight": 36**-0.25 * WIDTH**-0.5,
        },
    ),
    "deepnet": (
        recipes.deepnet(encoder=BLOCKS),
        Transformer,
        False,
        {
            "blocks.0.attn.query_proj.weight": (2 / 24) ** 0.5,
            "blocks.0.mlp.layers.0.weight": 32**-0.25 * (2 / 36) ** 0.5,
        },
    ),
    "subln": (
        recipes.subln(decoder=BLOCKS, part="decoder"),
        Transformer,
        False,
        {"blocks.0.attn.value_proj.weight": (math.log(8) * 2 / 24) ** 0.5},
    ),
    "mimetic": (recipes.mimetic(), Transformer, False, {}),
    "vit_timm": (
        recipes.vit_timm(),
        Transformer,
        False,
        {
            "patch.weight": (3 * 12) ** -0.5,
            "patch.bias": (3 * 12) ** -0.5,
            "pos_embed": 0.02,
            "cls_token": 1e-6,
            "head.bias": 0.0,
        },
    ),
    "vit_jax": (
        recipes.vit_jax("head", prior=True),
        Transformer,
        False,
        {
            "head.weight": 0.0,
            "patch.weight": 12**-0.5,
            "blocks.2.mlp.layers.0.bias": 1e-6,
            "blocks.2.attn.query_proj.weight": (2 / 24) ** 0.5,
        },
    ),
    "beit": (
        recipes.beit(_OUT),
        Transformer,
        False,
        {
            "blocks.0.attn.output_proj.weight": 0.02 / 2**0.5,
            "blocks.3.mlp.layers.1.weight": 0.02 / 8**0.5,
            "blocks.3.mlp.layers.0.weight": 0.02,
        },
    ),
    "resnet": (
        recipes.resnet("blocks.*.norm2"),
        Resnet,
        True,
        {"blocks.0.conv1.weight": (2 / (16 * 9)) ** 0.5, "head.bias": 24**-0.5},
    ),
    "fixup": (
        recipes.fixup("blocks.*.conv1", "blocks.*.conv2", "head", 4),
        Resnet,
        False,
        {
            "blocks.0.conv1.weight": 4**-0.5 * (2 / (16 * 9)) ** 0.5,
            "blocks.0.conv2.weight": 0.0,
            "head.weight": 0.0,
            "stem.weight": (2 / (8 * 9)) ** 0.5,
        },
    ),
    "dcgan": (
        recipes.dcgan(),
        Resnet,
        False,
        {"norm.weight": 0.02, "stem.weight": 0.02},
    ),
    "detection_head": (
        recipes.detection_head("head"),
        Resnet,
        False,
        {"head.weight": 0.01},
    ),
    "lstm": (
        recipes.lstm(),
        Recurrent,
        False,
        # Fans of one gate: 6 and 8; 8 x 8 orthogonal.
        {"cell.weight_ih": (2 / 14) ** 0.5, "cell.weight_hh": 8**-0.5},
    ),
    "lstm_chrono": (recipes.lstm_chrono(100), Recurrent, False, {}),
    "gru": (recipes.gru(), Recurrent, False, {"gru.bias": 0.0, "gru.bias_n": 0.0}),
    "gru_chrono": (recipes.gru_chrono(100), Recurrent, False, {"gru.bias_n": 0.0}),
    "xlstm": (
        recipes.xlstm(6, 16),
        Mlstm,
        True,
        {
            "igate.weight": 0.0,
            "igate.bias": 0.1,
            "fgate.bias": float(np.std([3, 4, 5, 6])),
            "proj_down.weight": 2 / (6 * 4),
            "proj_up.weight": (2 / 80) ** 0.5,
        },
    ),
    "mamba": (
        recipes.mamba(),
        StateSpace,
        False,
        {
            "A_log": float(np.std(np.log([1, 2, 3, 4]))),
            "dt_proj.weight": 0.5 / 3**0.5,
            "D": 0.0,
        },
    ),
    "mamba2": (recipes.mamba2(), StateSpace, False, {"D": 0.0}),
    "s4d": (
        recipes.s4d(),
        StateSpace,
        False,
        {
            "A_imag": math.pi * float(np.std([0, 1, 2, 3])),
            "log_dt": math.log(100) / 12**0.5,
        },
    ),
    "siren": (
        recipes.siren("layers.0", 20.0),
        mlp,
        True,
        {
            "layers.0.weight": 1 / 2 / 3**0.5,
            "layers.1.weight": (2 / 16) ** 0.5 / 20,
            "layers.1.bias": (3 * 16) ** -0.5,
        },
    ),
    "finer": (
        recipes.finer("layers.0", bound=5.0),
        mlp,
        True,
        {"layers.0.bias": 5 / 3**0.5, "layers.0.weight": 1 / 2 / 3**0.5},
    ),
    "icnn": (
        recipes.icnn("layers.1", "softplus"),
        mlp,
        True,
        {"layers.0.weight": 2**-0.5, "layers.1.bias": 0.0},
    ),
    "rl_ppo": (
        recipes.rl_ppo("policy", "value"),
        Agent,
        True,
        {"policy.weight": 0.01 / 4, "value.weight": 1 / 4},
    ),
    "rl_ddpg": (
        recipes.rl_ddpg(ei.Path("policy") | ei.Path("value")),
        Agent,
        True,
        {"policy.bias": 3e-3 / 3**0.5, "body.layers.1.weight": (3 * 16) ** -0.5},
    ),
    "selu_net": (recipes.selu_net(), mlp, True, {"layers.1.weight": 1 / 4}),
    "s5": (
        recipes.s5(),
        S5Layer,
        True,
        {
            # A complex entry of V* B has variance 1 / 5 in two parts; of C V, with
            # vectors of 12 entries, 1 / 12 in two parts.
            "B": (5 * 2) ** -0.5,
            "C": (12 * 2) ** -0.5,
            "D": 1.0,
            "Lambda_re": 0.0,
            "log_step": math.log(100) / 12**0.5,
        },
    ),
    "lru": (
        recipes.lru(),
        lru_layer,
        True,
        {"B_re": 10**-0.5, "B_im": 10**-0.5, "C_re": 6**-0.5, "D": 1.0},
    ),
    "stylegan": (
        recipes.stylegan(),
        generator,
        True,
        {
            "mapping.layers.0.weight": 100.0,
            "mapping.layers.0.bias": 0.0,
            "layers.0.affine.weight": 1.0,
            "layers.0.conv.weight": 1.0,
            "const": 1.0,
        },
    ),
    "ddpm": (
        recipes.ddpm(),
        unet,
        True,
        {
            "down.0.conv1.weight": (2 / 144) ** 0.5,
            "down.0.conv2.weight": 0.0,
            "down.0.time.weight": (2 / 20) ** 0.5,
            "attention.qkv.weight": (2 / 32) ** 0.5,
            "attention.proj_out.weight": 0.0,
            "conv_out.weight": 0.0,
        },
    ),
    "flow": (
        recipes.flow("coupling.layers.1", "rotation"),
        couplings,
        True,
        {
            "coupling.layers.0.weight": 0.05,
            "coupling.layers.1.weight": 0.0,
            "rotation": 6**-0.5,
        },
    ),
    "hypernet": (
        recipes.hypernet({"weight": (10, 12)}, {"bias": (10, 12)}),
        heads,
        True,
        {"weight.weight": (2 / (2 * 10 * 7)) ** 0.5, "bias.weight": 7**-0.5},
    ),
    "gcn": (recipes.gcn(), mlp, True, {"layers.1.weight": (2 / 32) ** 0.5}),
    "gat": (
        recipes.gat(),
        graph,
        True,
        # torch sees (1, 2, 4) as fans of 2 * 4 and 1 * 4.
        {"fc.weight": (4 / 14) ** 0.5, "attn_l": (4 / 12) ** 0.5},
    ),
    "e3nn": (recipes.e3nn(), graph, False, {"fc.weight": 1.0, "fc.bias": 0.0}),
    "kan": (
        recipes.kan(),
        splines,
        True,
        {"c_basis": 0.1, "c_res": (2 / 8) ** 0.5, "c_spl": 0.0},
    ),
    "fno": (
        recipes.fno(),
        operator,
        True,
        {"spectral.weight": (2 / 16) ** 0.5, "lift.weight": 6**-0.5},
    ),
    "neural_ode": (
        recipes.neural_ode(ei.Layer(eqx.nn.Linear)),
        mlp,
        True,
        {"layers.1.weight": 0.1, "layers.1.bias": 0.0},
    ),
}


def test_every_recipe_is_here():
    public = {
        name
        for name, fn in vars(recipes).items()
        if inspect.isfunction(fn) and not name.startswith("_")
    }
    width = {"mup", "mup_scales", "mup_steps", "mup_coordinate_check"}
    assert public == set(CASES) | width


@pytest.mark.parametrize("name", CASES)
def test_plan(name: str):
    rules, make, everything, stds = CASES[name]
    plan = ei.plan(eqx.filter_eval_shape(make), [*rules, *_rest(everything)])
    for path, std in stds.items():
        assert plan[path].std == pytest.approx(std, rel=1e-6, abs=1e-12), path


def _rest(everything: bool) -> list[ei.Rule]:
    # Abstract parameters that nobody claims are an error: that is the check that a
    # recipe for a whole model leaves nothing out.
    return [] if everything else [ei.Rule(ei.Path("**"), ei.Zeros())]


@pytest.mark.parametrize("name", ["gpt2", "keras", "xlstm", "icnn", "mamba", "resnet"])
def test_apply_and_check(name: str):
    rules, make, _, _ = CASES[name]
    model = make()
    plan = ei.plan(model, rules)
    drawn = plan.apply(model, jax.random.key(3))
    assert plan.check(drawn).ok


@pytest.mark.thorough
def test_gold_of_some():
    ppo = ei.apply(Agent(), jax.random.key(0), recipes.rl_ppo("policy", "value"))
    inner = np.asarray(ppo.body.layers[1].weight, np.float64)
    assert np.abs(inner @ inner.T - 2 * np.eye(16)).max() < 1e-5
    chrono = ei.apply(Recurrent(), jax.random.key(0), recipes.lstm_chrono(100))
    i, f, _, _ = chrono.cell.bias.reshape(4, 8)
    assert np.array_equal(i, -f)
    # Between 2 and 100 steps.
    assert 0 <= float(f.min()) <= float(f.max()) < math.log(99)
    net = ei.apply(Resnet(), jax.random.key(0), recipes.resnet("blocks.*.norm2"))
    assert not any(block.norm2.weight.any() for block in net.blocks)
    assert all((block.norm1.weight == 1).all() for block in net.blocks)


def test_values_of_the_newer_ones():
    rwkv = ei.apply(Rwkv(), jax.random.key(0), recipes.rwkv(BLOCKS))
    scales = [float(block["att"]["ln_x"].weight[0]) for block in rwkv.blocks]
    assert scales == pytest.approx([(k / 4) ** 0.7 for k in (1, 2, 3, 4)])
    head = np.asarray(rwkv.head.weight, np.float64)
    assert np.abs(head.T @ head - 0.75**2 * np.eye(12)).max() < 1e-5
    net = ei.apply(Windowed(), jax.random.key(0), recipes.convnext("head", 0.1))
    assert (net.gamma == np.float32(1e-6)).all()
    # As in the original: an adapted layer is what it was, and the rest is untouched.
    adapted = Adapted()
    plan = ei.plan(adapted, recipes.lora())
    assert [row.status for row in plan] == ["kept", "set", "set"]


def test_a_state_of_s5_is_made_of_hippo_blocks():
    """Its eigenvalues are those of the authors' code: eigh of HiPPO's normal part."""
    n = np.arange(6)
    below = np.tril(np.sqrt(np.outer(2 * n + 1, 2 * n + 1)), -1)
    normal = -below - np.diag(n + 1) + np.sqrt(np.outer(n + 0.5, n + 0.5))
    omega = np.linalg.eigvals(normal)
    expected = np.sort(omega.imag[omega.imag > 0])
    layer = ei.apply(S5Layer(), KEY, recipes.s5(blocks=2))
    assert np.allclose(layer.Lambda_re, -0.5)
    assert np.allclose(layer.Lambda_im, np.tile(expected, 2), rtol=1e-6)


def test_generated_weights_have_the_variance_of_he():
    """What heads of a hypernetwork generate from entries of variance one."""
    model = ei.apply(heads(), KEY, recipes.hypernet({"weight": (10, 12)}, {}))["weight"]
    embedded = jax.random.normal(jax.random.key(1), (400, 7))
    made = jax.vmap(model)(embedded)
    # Without biases 2 / 10. Of 840 numbers of the head, and 2800 embedded ones.
    error = 5 * math.sqrt(2 / 840 + 2 / 2800)
    assert abs(float((made**2).mean()) * 10 / 2 - 1) < error


def test_a_diffusion_network_starts_as_zero_and_a_flow_keeps_volume():
    net = ei.apply(unet(), KEY, recipes.ddpm())
    assert not net["conv_out"](jnp.ones((8, 4, 4))).any()
    model = ei.apply(couplings(), KEY, recipes.flow("coupling.layers.1", "rotation"))
    assert not model["coupling"](jnp.ones(3)).any()
    assert np.linalg.det(model["rotation"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("layers", "scale"), [(18, 0.1), (24, 1e-5), (36, 1e-6)])
def test_layer_scale_of_cait(layers: int, scale: float):
    """0.1 up to 18 layers, 1e-5 up to 24 and 1e-6 beyond, as in the paper."""
    assert ei.plan(Windowed(), recipes.cait(layers))["gamma"].mean == scale


def test_what_is_asked_for_must_be_there():
    with pytest.raises(ValueError, match=r"blocks\.\*\.norm3.*matches nothing"):
        ei.plan(Resnet(), recipes.resnet("blocks.*.norm3"))
    with pytest.raises(
        ValueError, match="asked for the decoder and not told its layers"
    ):
        recipes.deepnet(encoder=6, part="decoder")
    for recipe in (recipes.beit, recipes.olmo):
        message = f"is in no sequence of blocks, so that {recipe.__name__} does not"
        with pytest.raises(ValueError, match=message):
            ei.plan(Agent(), recipe("policy"))
    with pytest.raises(ValueError, match=r"adaLN_modulation.*matches nothing"):
        ei.plan(Agent(), recipes.dit())
