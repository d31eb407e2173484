"""eqx-zoo: decoders with experts under `vmap`, tied heads that are `None`, bfloat16."""

import jax.numpy as jnp
from eqx_zoo import CausalLM, Config, Encoder, EncoderConfig

from ._entry import Entry


def _decoder(key, dtype=jnp.float32, **said):
    config = {
        "architecture": "Qwen3ForCausalLM",
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e4,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "qk_norm": True,
        "rope_scaling": None,
    }
    return CausalLM(Config(**(config | said)), key=key, dtype=dtype)


def _logits(model, key, tokens):
    del key
    out = model(tokens)
    return out[0] if isinstance(out, tuple) else out


def _tokens():
    return (jnp.arange(10),)


def _experts(key):
    return _decoder(
        key,
        architecture="Qwen3MoeForCausalLM",
        num_experts=8,
        num_experts_per_tok=2,
        moe_intermediate_size=48,
        norm_topk_prob=True,
        moe_layers=(0, 2),
    )


def _tied(key):
    return _decoder(
        key,
        architecture="Qwen2ForCausalLM",
        tie_word_embeddings=True,
        attention_bias=True,
        qk_norm=False,
    )


def _bert(key):
    config = EncoderConfig(
        architecture="BertModel",
        vocab_size=512,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=64,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
    )
    return Encoder(config, key=key)


MODELS = {
    "qwen3_moe": Entry(_experts, _logits, _tokens),
    "qwen2_tied": Entry(_tied, _logits, _tokens),
    "qwen3_bf16": Entry(lambda key: _decoder(key, jnp.bfloat16), _logits, _tokens),
    "bert": Entry(_bert, _logits, _tokens),
}
