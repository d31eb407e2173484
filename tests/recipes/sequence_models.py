"""Models of sequences, by their authors' names: RWKV-7, xLSTM, wav2vec 2.0."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp


KEY = jax.random.key(0)
WIDTH, HEAD, BLOCKS = 16, 4, 3


def linear(ins: int = WIDTH, out: int = WIDTH, bias: bool = False) -> eqx.nn.Linear:
    return eqx.nn.Linear(ins, out, use_bias=bias, key=KEY)


class Rwkv7(eqx.Module):
    """Curves are `(1, 1, width)` as in its authors' code, factors arrays."""

    emb: eqx.nn.Embedding
    blocks: list[dict[str, Any]]
    ln_out: eqx.nn.LayerNorm
    head: eqx.nn.Linear

    def __init__(self):
        self.emb = eqx.nn.Embedding(27, WIDTH, key=KEY)
        self.blocks = [rwkv7_block(n) for n in range(BLOCKS)]
        self.ln_out = eqx.nn.LayerNorm(WIDTH)
        self.head = linear(out=27)


def rwkv7_block(n: int) -> dict[str, Any]:
    curves = [*(f"x_{x}" for x in "rwkvag"), "w0", "a0", "v0", "k_k", "k_a"]
    att: dict[str, Any] = {name: jnp.zeros((1, 1, WIDTH)) for name in curves}
    att["r_k"] = jnp.zeros((WIDTH // HEAD, HEAD))
    for x, rank in {"w": 4, "a": 4, "v": 4, "g": 32}.items():
        att |= {f"{x}1": jnp.zeros((WIDTH, rank)), f"{x}2": jnp.zeros((rank, WIDTH))}
    att |= {name: linear() for name in ("receptance", "key", "value", "output")}
    att["ln_x"] = eqx.nn.GroupNorm(WIDTH // HEAD, WIDTH)
    ffn = {"x_k": jnp.zeros((1, 1, WIDTH))}
    ffn |= {"key": linear(out=4 * WIDTH), "value": linear(ins=4 * WIDTH)}
    norms = {name: eqx.nn.LayerNorm(WIDTH) for name in ("ln1", "ln2")}
    first = {"ln0": eqx.nn.LayerNorm(WIDTH)} if n == 0 else {}
    return {**norms, **first, "att": att, "ffn": ffn}


def mlstm() -> dict[str, Any]:
    cell = {"igate": linear(96, 4, True), "fgate": linear(96, 4, True)}
    inner = {"proj_up": linear(out=64), "mlstm_cell": cell, "proj_down": linear(32)}
    taps = eqx.nn.Conv1d(32, 32, 4, groups=32, key=KEY)
    skip = {"learnable_skip": jnp.zeros(32), "conv1d": taps}
    return {"xlstm_norm": eqx.nn.LayerNorm(WIDTH), "xlstm": inner | skip}


def by_head() -> eqx.nn.Linear:
    """A linear layer for each of four heads."""
    make = eqx.filter_vmap(lambda key: eqx.nn.Linear(4, 4, use_bias=False, key=key))
    return make(jax.random.split(KEY, 4))


def slstm() -> dict[str, Any]:
    cell = {"bias": jnp.zeros((4, 4, 4)), "recurrent_kernel": jnp.ones((4, 4, 4, 4))}
    gates = {name: by_head() for name in ("igate", "fgate", "zgate", "ogate")}
    ffn = {"proj_up": linear(out=48), "proj_down": linear(24)}
    inner = gates | {"slstm_cell": cell, "group_norm": eqx.nn.LayerNorm(WIDTH)}
    return {"xlstm_norm": eqx.nn.LayerNorm(WIDTH), "xlstm": inner, "ffn": ffn}


def xlstm() -> dict[str, Any]:
    """Seven blocks of the one kind to one of the other is usual: here three."""
    return {
        "embed": eqx.nn.Embedding(20, WIDTH, key=KEY),
        "blocks": [mlstm(), slstm(), mlstm(), mlstm()],
        "head": linear(out=20),
    }


def wav2vec2() -> dict[str, Any]:
    hears = [eqx.nn.Conv1d(1, 8, 10, 5, key=KEY), eqx.nn.Conv1d(8, 8, 3, 2, key=KEY)]
    located = eqx.nn.Conv1d(WIDTH, WIDTH, 8, padding=4, groups=4, key=KEY)
    attention = eqx.nn.MultiheadAttention(2, WIDTH, use_output_bias=True, key=KEY)
    block = {"attention": attention, "norm": eqx.nn.LayerNorm(WIDTH)}
    scores = linear(8, 20, True)
    quantizer = {"codevectors": jnp.zeros((1, 20, 4)), "weight_proj": scores}
    return {
        "masked_spec_embed": jnp.zeros(WIDTH),
        "feature_extractor": hears,
        "feature_projection": {"projection": linear(8, WIDTH, True)},
        "encoder": {
            "pos_conv_embed": {"conv": eqx.nn.WeightNorm(located, axis=2)},
            "layers": [block] * 2,
        },
        "quantizer": quantizer,
        "project_hid": linear(WIDTH, 6, True),
        "project_q": linear(8, 6, True),
    }
