"""How small models of transformers start: run by hand, never by the suite.

    pip install torch transformers && pip install --no-deps mlstm_kernels
    python tests/references/transformers_models.py

writes `transformers.json`. Nothing is downloaded.
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
import transformers
from reference_table import table, write


SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
}
GROUPED = {"num_key_value_heads": 1}
# Defaults of the authors' package, which those of the library are not.
AS_ITS_AUTHORS = {"rescale_prenorm_residual": True, "initializer_range": 0.02}
IMAGES: dict[str, Any] = {"image_size": 16, "patch_size": 8}


def of(config: str, model: str, **sizes: Any) -> Callable[[], torch.nn.Module]:
    def make() -> torch.nn.Module:
        told = getattr(transformers, f"{config}Config")(**sizes)
        return getattr(transformers, model)(told)

    return make


def usual(config: str, model: str, **more: Any) -> Callable[[], torch.nn.Module]:
    return of(config, model, **{**SIZES, **more})


SPEECH: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "conv_dim": (16, 16, 24),
    "conv_kernel": (10, 3, 2),
    "conv_stride": (5, 2, 2),
    "conv_bias": True,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
}
CODES = {
    "num_codevectors_per_group": 10,
    "codevector_dim": 16,
    "proj_codevector_dim": 16,
}


def speech(config: str, model: str, **more: Any) -> Callable[[], torch.nn.Module]:
    """With the weights that are used, and not the two that a weight norm keeps."""

    def make() -> torch.nn.Module:
        made = of(config, model, **SPEECH, **more)()
        encoder = getattr(made, config.lower(), made).encoder
        located = encoder.pos_conv_embed.conv
        torch.nn.utils.parametrize.remove_parametrizations(located, "weight")
        return made

    return make


MODELS: dict[str, Callable[[], torch.nn.Module]] = {
    "gpt2": of(
        "GPT2",
        "GPT2LMHeadModel",
        vocab_size=60,
        n_positions=16,
        n_embd=32,
        n_layer=3,
        n_head=2,
    ),
    "bert": usual("Bert", "BertForMaskedLM"),
    "roberta": usual("Roberta", "RobertaForMaskedLM", max_position_embeddings=18),
    "distilbert": of(
        "DistilBert",
        "DistilBertForMaskedLM",
        vocab_size=60,
        dim=32,
        hidden_dim=48,
        n_layers=2,
        n_heads=2,
        max_position_embeddings=16,
    ),
    "llama": usual("Llama", "LlamaForCausalLM", **GROUPED),
    "mistral": usual("Mistral", "MistralForCausalLM", **GROUPED),
    "qwen2": usual("Qwen2", "Qwen2ForCausalLM", **GROUPED),
    "olmo": usual("Olmo", "OlmoForCausalLM"),
    "gpt_neox": usual("GPTNeoX", "GPTNeoXForCausalLM"),
    "opt": of(
        "OPT",
        "OPTForCausalLM",
        vocab_size=60,
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=16,
        word_embed_proj_dim=32,
    ),
    "t5": of(
        "T5",
        "T5ForConditionalGeneration",
        vocab_size=60,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=2,
    ),
    "mamba": of(
        "Mamba",
        "MambaForCausalLM",
        vocab_size=60,
        hidden_size=32,
        state_size=4,
        num_hidden_layers=2,
        time_step_rank=4,
        **AS_ITS_AUTHORS,
    ),
    "mamba2": of(
        "Mamba2",
        "Mamba2ForCausalLM",
        vocab_size=60,
        hidden_size=32,
        state_size=4,
        num_hidden_layers=2,
        head_dim=8,
        num_heads=8,
        n_groups=1,
        **AS_ITS_AUTHORS,
    ),
    "rwkv": of(
        "Rwkv",
        "RwkvForCausalLM",
        vocab_size=60,
        hidden_size=32,
        attention_hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
    ),
    "vit": usual("ViT", "ViTForImageClassification", **IMAGES),
    "deit": usual("DeiT", "DeiTForImageClassification", **IMAGES),
    "beit": usual("Beit", "BeitForImageClassification", **IMAGES),
    "dinov2": of(
        "Dinov2",
        "Dinov2ForImageClassification",
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        **IMAGES,
    ),
    "xlstm": of(
        "xLSTM",
        "xLSTMForCausalLM",
        vocab_size=60,
        hidden_size=32,
        num_heads=2,
        num_blocks=2,
        num_hidden_layers=2,
    ),
    "wav2vec2": speech("Wav2Vec2", "Wav2Vec2ForPreTraining", **CODES),
    "hubert": speech("Hubert", "HubertForCTC"),
    "bloom": of(
        "Bloom",
        "BloomForCausalLM",
        vocab_size=60,
        hidden_size=32,
        n_layer=2,
        n_head=2,
    ),
    "gptj": of(
        "GPTJ",
        "GPTJForCausalLM",
        vocab_size=60,
        n_positions=16,
        n_embd=32,
        n_layer=2,
        n_head=2,
        rotary_dim=8,
    ),
    "gpt_bigcode": of(
        "GPTBigCode",
        "GPTBigCodeForCausalLM",
        vocab_size=60,
        n_positions=16,
        n_embd=32,
        n_layer=3,
        n_head=2,
    ),
    "gemma": usual("Gemma", "GemmaForCausalLM", **GROUPED, head_dim=16),
    "mixtral": usual("Mixtral", "MixtralForCausalLM", **GROUPED, num_local_experts=2),
    "electra": usual("Electra", "ElectraForMaskedLM", embedding_size=32),
    "umt5": of(
        "UMT5",
        "UMT5ForConditionalGeneration",
        vocab_size=60,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=2,
    ),
    "whisper": of(
        "Whisper",
        "WhisperForConditionalGeneration",
        vocab_size=60,
        num_mel_bins=8,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=48,
        decoder_ffn_dim=48,
        max_source_positions=16,
        max_target_positions=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    ),
    "segformer": of(
        "Segformer",
        "SegformerForImageClassification",
        num_encoder_blocks=2,
        depths=[1, 1],
        sr_ratios=[2, 1],
        hidden_sizes=[16, 32],
        patch_sizes=[7, 3],
        strides=[4, 2],
        num_attention_heads=[1, 2],
        mlp_ratios=[2, 2],
    ),
    "resnet": of(
        "ResNet",
        "ResNetForImageClassification",
        embedding_size=16,
        hidden_sizes=[32, 32],
        depths=[1, 1],
    ),
}


def main() -> None:
    names = sys.argv[1:] or list(MODELS)
    tables = {name: table(MODELS[name]) for name in names}
    versions = {
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    }
    write("transformers", versions, tables)


if __name__ == "__main__":
    main()
