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
from tests.models.config_settings import (
    BART,
    BART_LAYERS,
    GROUPED,
    INDEXED,
    LINEAR,
    PLAIN,
    T5,
    T5_LAYERS,
    WIDE_GROUPED,
    WIDTH,
    WINDOW,
)
from tests.models.drawn_weights import with_drawn_weights


def _one(model: str, config: str, family: str, **settings: object) -> tuple[str, Callable[[], PreTrainedModel]]:
    return family, lambda: getattr(transformers, model)._from_config(
        getattr(transformers, config)(**settings), attn_implementation="eager"
    )


def _pair(decoder: str, config: str) -> Callable[[], PreTrainedModel]:
    """An encoder of two layers and a decoder of three, each with a config of its own."""

    def build() -> PreTrainedModel:
        encoder = transformers.BertModel(transformers.BertConfig(**PLAIN))
        settings = PLAIN | {"num_hidden_layers": 3, "is_decoder": True, "add_cross_attention": True}
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
        **BART | BART_LAYERS,
        num_experts=4,
        encoder_sparse_step=2,
        decoder_sparse_step=2,
        expert_capacity=8,
    ),
    "layoutlm": _one("LayoutLMForMaskedLM", "LayoutLMConfig", "encoder", **PLAIN),
    "align_text": _one("AlignTextModel", "AlignTextConfig", "encoder", **PLAIN),
    # Their encoders attend by code of their own.
    "pegasus_x": _one(
        "PegasusXForConditionalGeneration",
        "PegasusXConfig",
        "seq2seq",
        **BART | BART_LAYERS,
        block_size=4,
        num_global_tokens=2,
    ),
    "longt5": _one("LongT5ForConditionalGeneration", "LongT5Config", "seq2seq", **T5 | T5_LAYERS, local_radius=3),
    # They ask for the name of the implementation.
    "deepseek_v32": _one("DeepseekV32ForCausalLM", "DeepseekV32Config", "decoder", **PLAIN | INDEXED),
    "glm_moe_dsa": _one("GlmMoeDsaForCausalLM", "GlmMoeDsaConfig", "decoder", **PLAIN | INDEXED, mlp_layer_types=None),
    # Two calls of the function in one layer.
    "diffllama": _one("DiffLlamaForCausalLM", "DiffLlamaConfig", "decoder", **GROUPED),
    # The head's forward calls its stack of layers by another way than through the model inside.
    "opt": _one("OPTForCausalLM", "OPTConfig", "decoder", **PLAIN, ffn_dim=48, word_embed_proj_dim=WIDTH),
    "bart_decoder": _one("BartForCausalLM", "BartConfig", "decoder", **BART | BART_LAYERS, is_decoder=True),
    "plbart_decoder": _one("PLBartForCausalLM", "PLBartConfig", "decoder", **BART | BART_LAYERS, is_decoder=True),
    "llama4": _one(
        "Llama4ForCausalLM",
        "Llama4TextConfig",
        "decoder",
        **GROUPED,
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
        **T5 | T5_LAYERS,
        num_experts=4,
        num_sparse_encoder_layers=1,
        num_sparse_decoder_layers=1,
    ),
    # Two models with configs of their own.
    "bert_pair": ("seq2seq", _pair("BertLMHeadModel", "BertConfig")),
    "bert_and_roberta": ("seq2seq", _pair("RobertaForCausalLM", "RobertaConfig")),
    # Layers, or parts of them, that mix tokens without attention.
    "qwen3_next": _one("Qwen3NextForCausalLM", "Qwen3NextConfig", "decoder", **WIDE_GROUPED | LINEAR),
    "jamba": _one(
        "JambaForCausalLM",
        "JambaConfig",
        "decoder",
        **GROUPED,
        attn_layer_period=2,
        attn_layer_offset=1,
        num_experts=4,
        mamba_d_state=4,
        mamba_dt_rank=4,
    ),
    "lfm2": _one("Lfm2ForCausalLM", "Lfm2Config", "decoder", **GROUPED, layer_types=["conv", "full_attention"]),
    "minimax": _one(
        "MiniMaxForCausalLM",
        "MiniMaxConfig",
        "decoder",
        **GROUPED,
        num_local_experts=4,
        layer_types=["linear_attention", "full_attention"],
        block_size=4,
    ),
    "falcon_h1": _one(
        "FalconH1ForCausalLM",
        "FalconH1Config",
        "decoder",
        **GROUPED,
        mamba_d_ssm=32,
        mamba_n_heads=4,
        mamba_d_head=8,
        mamba_d_state=8,
    ),
    "zamba2": _one(
        "Zamba2ForCausalLM",
        "Zamba2Config",
        "decoder",
        **PLAIN,
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
    return with_drawn_weights(model, name)


@cache
def eager(name: str) -> PreTrainedModel:
    """The reference: transformers' own eager attention, nothing of ours."""
    return build(name)


@cache
def loaded(name: str) -> LoadedModel:
    """The same weights, taken over by Headlight."""
    return wrap_model(build(name), None, ODD[name][0])
