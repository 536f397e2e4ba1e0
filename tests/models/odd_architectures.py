"""Tiny models in which something is unlike the rest: kinds that no flag tells, two calls in a layer, code that asks for
the name of its attention function, layers without attention, models put together from two.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel

from models.loading import LoadedModel, wrap_model
from tests.models.architectures import DECODER_LAYERS, ENCODER_LAYERS, HEADS, POSITIONS, VOCABULARY, WIDTH, WINDOW

_PLAIN = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
_BART = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "encoder_layers": ENCODER_LAYERS,
    "decoder_layers": DECODER_LAYERS,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 3,
    "decoder_start_token_id": 2,
}
_T5 = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": ENCODER_LAYERS,
    "num_decoder_layers": DECODER_LAYERS,
    "num_heads": HEADS,
    "pad_token_id": 0,
    "eos_token_id": 3,
    "decoder_start_token_id": 2,
}
_GROUPED = _PLAIN | {"num_key_value_heads": 2}
_LATENT = _PLAIN | {
    "num_key_value_heads": HEADS,
    "q_lora_rank": 12,
    "kv_lora_rank": 10,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 4,
    "v_head_dim": 6,
    "moe_intermediate_size": 24,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    # Fewer than the texts of the tests have tokens: what is not chosen must be seen.
    "index_topk": 4,
    "index_n_heads": 2,
    "index_head_dim": 8,
}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}


def _one(model: str, config: str, family: str, **settings: object) -> tuple[str, Callable[[], PreTrainedModel]]:
    return family, lambda: getattr(transformers, model)._from_config(
        getattr(transformers, config)(**settings), attn_implementation="eager"
    )


def _pair(decoder: str, config: str) -> Callable[[], PreTrainedModel]:
    """An encoder of two layers and a decoder of three, each with a config of its own."""

    def build() -> PreTrainedModel:
        encoder = transformers.BertModel(transformers.BertConfig(**_PLAIN))
        settings = _PLAIN | {"num_hidden_layers": 3, "is_decoder": True, "add_cross_attention": True}
        model = transformers.EncoderDecoderModel(
            encoder=encoder, decoder=getattr(transformers, decoder)(getattr(transformers, config)(**settings))
        )
        for each in model.modules():
            own: Any = getattr(each, "config", None)
            if own is not None:
                own._attn_implementation = "eager"
        model.config.decoder_start_token_id = 2
        model.config.pad_token_id = 0
        return model

    return build


ODD = {
    # `is_causal` is left false, or true, whatever they do.
    "nllb_moe": _one(
        "NllbMoeForConditionalGeneration",
        "NllbMoeConfig",
        "seq2seq",
        **_BART,
        num_experts=4,
        encoder_sparse_step=2,
        decoder_sparse_step=2,
        expert_capacity=8,
    ),
    "layoutlm": _one("LayoutLMForMaskedLM", "LayoutLMConfig", "encoder", **_PLAIN),
    "align_text": _one("AlignTextModel", "AlignTextConfig", "encoder", **_PLAIN),
    # Their encoders attend by code of their own.
    "pegasus_x": _one(
        "PegasusXForConditionalGeneration", "PegasusXConfig", "seq2seq", **_BART, block_size=4, num_global_tokens=2
    ),
    "longt5": _one("LongT5ForConditionalGeneration", "LongT5Config", "seq2seq", **_T5, local_radius=3),
    # They ask for the name of the implementation.
    "deepseek_v32": _one("DeepseekV32ForCausalLM", "DeepseekV32Config", "decoder", **_LATENT),
    "glm_moe_dsa": _one("GlmMoeDsaForCausalLM", "GlmMoeDsaConfig", "decoder", **_LATENT, mlp_layer_types=None),
    # Two calls of the function in one layer.
    "diffllama": _one("DiffLlamaForCausalLM", "DiffLlamaConfig", "decoder", **_GROUPED),
    # The head's forward calls its stack of layers by another way than through the model inside.
    "opt": _one(
        "OPTForCausalLM",
        "OPTConfig",
        "decoder",
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        ffn_dim=48,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        max_position_embeddings=POSITIONS,
        word_embed_proj_dim=WIDTH,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
    ),
    "bart_decoder": _one("BartForCausalLM", "BartConfig", "decoder", **_BART, is_decoder=True),
    "plbart_decoder": _one("PLBartForCausalLM", "PLBartConfig", "decoder", **_BART, is_decoder=True),
    "llama4": _one(
        "Llama4ForCausalLM",
        "Llama4TextConfig",
        "decoder",
        **_GROUPED,
        head_dim=8,
        intermediate_size_mlp=48,
        num_local_experts=4,
        num_experts_per_tok=1,
        attention_chunk_size=WINDOW,
    ),
    "switch": _one(
        "SwitchTransformersForConditionalGeneration",
        "SwitchTransformersConfig",
        "seq2seq",
        **_T5,
        num_experts=4,
        num_sparse_encoder_layers=1,
        num_sparse_decoder_layers=1,
    ),
    # Two models with configs of their own.
    "bert_pair": ("seq2seq", _pair("BertLMHeadModel", "BertConfig")),
    "bert_and_roberta": ("seq2seq", _pair("RobertaForCausalLM", "RobertaConfig")),
    # Layers, or parts of them, that mix tokens without attention.
    "qwen3_next": _one(
        "Qwen3NextForCausalLM",
        "Qwen3NextConfig",
        "decoder",
        **_GROUPED | {"num_hidden_layers": 4},
        **_EXPERTS,
        head_dim=8,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        shared_expert_intermediate_size=24,
    ),
    "jamba": _one(
        "JambaForCausalLM",
        "JambaConfig",
        "decoder",
        **_GROUPED,
        attn_layer_period=2,
        attn_layer_offset=1,
        num_experts=4,
        mamba_d_state=4,
        mamba_dt_rank=4,
    ),
    "lfm2": _one("Lfm2ForCausalLM", "Lfm2Config", "decoder", **_GROUPED, layer_types=["conv", "full_attention"]),
    "minimax": _one(
        "MiniMaxForCausalLM",
        "MiniMaxConfig",
        "decoder",
        **_GROUPED,
        num_local_experts=4,
        layer_types=["linear_attention", "full_attention"],
        block_size=4,
    ),
    "falcon_h1": _one(
        "FalconH1ForCausalLM",
        "FalconH1Config",
        "decoder",
        **_GROUPED,
        mamba_d_ssm=32,
        mamba_n_heads=4,
        mamba_d_head=8,
        mamba_d_state=8,
    ),
    "zamba2": _one(
        "Zamba2ForCausalLM",
        "Zamba2Config",
        "decoder",
        **_PLAIN,
        num_key_value_heads=4,
        mamba_d_state=8,
        n_mamba_heads=8,
        mamba_headdim=8,
        mamba_ngroups=1,
        layers_block_type=["mamba", "hybrid"],
        num_mem_blocks=1,
        use_mem_rope=False,
        adapter_rank=4,
    ),
}
NAMES = tuple(ODD)
SEQ2SEQ = tuple(name for name, (family, _) in ODD.items() if family == "seq2seq")
HYBRID = ("qwen3_next", "jamba", "lfm2", "minimax", "falcon_h1", "zamba2", "longt5")


def build(name: str) -> PreTrainedModel:
    """A new model with eager attention, with the same weights every time."""
    state = torch.random.get_rng_state()
    model = ODD[name][1]()
    torch.random.set_rng_state(state)
    draw = torch.Generator().manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if parameter.requires_grad and parameter.is_floating_point():
                middle = 1 if parameter.dim() == 1 and path.endswith("weight") else 0
                parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.2 + middle)
    return model.eval()


@cache
def eager(name: str) -> PreTrainedModel:
    """The reference: transformers' own eager attention, nothing of ours."""
    return build(name)


@cache
def loaded(name: str) -> LoadedModel:
    """The same weights, taken over by Headlight."""
    return wrap_model(build(name), None, ODD[name][0])
