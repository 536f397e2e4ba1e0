"""The small figures of every tiny model, by the names that config classes have for them, and what does not fit them.

A field that a config leaves at None by default stays None, unless it is among `ALWAYS`: its class derives it.
"""

from typing import Any

VOCABULARY = 64
POSITIONS = 40
ENCODER_LAYERS, DECODER_LAYERS = 3, 2
# No token of the texts below; what stands for pictures and sounds gets these in turn.
FREE_TOKENS = (61, 62, 63)
IDS = (11, 23, 5, 42, 17, 5, 31, 60, 9)
TARGET_IDS = (2, 33, 14, 51, 20, 44)
TOKENS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 2}

_WIDTH = dict.fromkeys(
    (
        "hidden_size",
        "d_model",
        "n_embd",
        "dim",
        "emb_dim",
        "dim_model",
        "embed_dim",
        "embedding_size",
        "word_embed_proj_dim",
    ),
    32,
) | dict.fromkeys(
    (
        "attention_hidden_size",
        "lru_width",
        "d_latents",
        "input_embedding_size",
        "output_embedding_size",
        "embedding_dim",
    ),
    32,
)
_HEADS = dict.fromkeys(
    (
        *(
            "num_attention_heads",
            "num_heads",
            "n_head",
            "n_heads",
            "encoder_attention_heads",
            "decoder_attention_heads",
        ),
        *("num_encoder_attention_heads", "num_decoder_attention_heads", "attention_heads", "swa_num_attention_heads"),
        *("num_self_attention_heads", "num_cross_attention_heads"),
    ),
    4,
)
_HEAD_WIDTH = dict.fromkeys(("head_dim", "d_kv", "d_head", "swa_head_dim", "kv_channels", "linear_head_dim"), 8)
_INNER = dict.fromkeys(
    (
        *("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "ffn_dim", "d_ff", "dff", "hidden_dim", "d_inner"),
        *(
            "dim_ff",
            "intermediate_size_mlp",
            "shared_intermediate_size",
            "dense_intermediate_size",
            "feed_forward_size",
        ),
        *("prefix_dense_intermediate_size", "ffn_hidden_size", "n_inner", "mlp_dim"),
    ),
    48,
) | dict.fromkeys(
    (
        *("moe_intermediate_size", "shared_expert_intermediate_size", "shared_experts_intermediate_size"),
        *("moe_shared_expert_intermediate_size", "expert_ffn_hidden_size"),
    ),
    24,
)
_LAYERS = dict.fromkeys(
    ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "decoder_layers", "depth", "num_blocks"), 2
)
_POSITIONS = dict.fromkeys(
    (
        *("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_encoder_position_embeddings"),
        *("max_decoder_position_embeddings", "max_target_positions", "context_length"),
    ),
    POSITIONS,
)
_EXPERTS = dict.fromkeys(
    ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4
) | dict.fromkeys(("num_experts_per_tok", "moe_topk", "moe_k", "moe_top_k"), 2)
_WINDOWS = dict.fromkeys(
    (
        "sliding_window",
        "attention_window_size",
        "local_attention",
        "sliding_window_size",
        "attention_chunk_size",
        "window_size",
    ),
    4,
)
_LATENT = {
    "q_lora_rank": 12,
    "kv_lora_rank": 10,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 4,
    "v_head_dim": 6,
    "index_n_heads": 2,
    "index_head_dim": 8,
    "index_topk": 4,
}
_STATE_SPACE = {
    "mamba_d_state": 8,
    "mamba_n_heads": 4,
    "mamba_num_heads": 4,
    "mamba_head_dim": 16,
    "mamba_d_head": 16,
    "mamba_d_ssm": 64,
    "mamba_dt_rank": 4,
    "mamba_chunk_size": 4,
    "chunk_size": 4,
    "state_size": 8,
    "ssm_state_size": 8,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_num_heads": 4,
    "n_groups": 1,
    "n_mamba_heads": 2,
}
_LESS = {
    "vocab_size": VOCABULARY,
    "decoder_vocab_size": VOCABULARY,
    "src_vocab_size": VOCABULARY,
    "tgt_vocab_size": VOCABULARY,
    "unpadded_vocab_size": VOCABULARY,
    "vocab_size_per_layer_input": VOCABULARY,
    "hidden_size_per_layer_input": 8,
    "encoder_layers": ENCODER_LAYERS,
    "num_encoder_layers": ENCODER_LAYERS,
    "type_vocab_size": 2,
    "query_pre_attn_scalar": 8,
    "first_k_dense_replace": 1,
    "num_dense_layers": 1,
    "decoder_sparse_step": 1,
    "n_group": 2,
    "topk_group": 1,
    "rotary_dim": 4,
    "entity_vocab_size": 16,
    "entity_emb_size": 16,
    "max_2d_position_embeddings": POSITIONS,
    "laurel_rank": 8,
    "embedding_rank": 16,
    "keep_window_size": 64,
    "num_nextn_predict_layers": 0,
    "num_mtp_layers": 0,
    "global_attn_every_n_layers": 2,
    # Of the parts that read pictures and sounds, which a text never reaches.
    "image_size": 8,
    "patch_size": 4,
    "num_position_embeddings": 16,
    "out_hidden_size": 32,
    "num_mel_bins": 8,
    "max_source_positions": 16,
}
SMALL: dict[str, int] = (
    _WIDTH | _HEADS | _HEAD_WIDTH | _INNER | _LAYERS | _POSITIONS | _EXPERTS | _WINDOWS | _LATENT | _STATE_SPACE | _LESS
)
SMALL |= TOKENS
KEY_VALUE_HEADS = dict.fromkeys(("num_key_value_heads", "swa_num_key_value_heads"), 2)
# Set although their default is None: what would be derived is the same everywhere and tells nothing apart.
ALWAYS: dict[str, Any] = {"num_decoder_layers": DECODER_LAYERS, "head_dim": 8, **KEY_VALUE_HEADS}
# One entry for each layer, of which a tiny model has one of each kind.
PER_LAYER = ("layer_types", "layers_block_type", "mlp_layer_types")
# In place of a setting: it is left to the config class, which may not have it at all.
AS_IT_IS = ...
